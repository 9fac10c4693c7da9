import { Failure } from './failure.ts'

/** The axes that are known. `following`, `preceding` and `namespace` are not: nothing that scripts look up needs them. */
export const axes = [
  'child',
  'descendant',
  'descendant-or-self',
  'self',
  'parent',
  'ancestor',
  'ancestor-or-self',
  'following-sibling',
  'preceding-sibling',
  'attribute',
] as const
export type Axis = (typeof axes)[number]

export interface Step {
  readonly axis: Axis
  /** A name as written, `*`, or a kind: `text()`, `comment()`, `processing-instruction()`, `node()`. */
  readonly test: string
  readonly predicates: readonly XPath[]
}

export type Operator = 'or' | 'and' | '=' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | 'div' | 'mod' | '|'

/** An XPath 1.0 expression. */
export type XPath =
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'negate'; readonly operand: XPath }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: XPath; readonly right: XPath }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly XPath[] }
  | { readonly kind: 'filter'; readonly from: XPath; readonly predicates: readonly XPath[] }
  | { readonly kind: 'path'; readonly from: XPath | 'root' | 'context'; readonly steps: readonly Step[] }

const longest = 10_000
const deepest = 50

const invalid = (what: string) => new Failure(`The XPath is not valid: ${what}.`)

const token =
  /\s*(?:(\d+(?:\.\d*)?|\.\d+)|("[^"]*"|'[^']*')|(\/\/|::|\.\.|!=|<=|>=|[/.@()[\],|+\-=<>*$])|([A-Za-z_\u00c0-\uffff][-.\w\u00b7\u00c0-\uffff]*(?::(?:[A-Za-z_\u00c0-\uffff][-.\w\u00b7\u00c0-\uffff]*|\*))?))/y

function tokensOf(source: string): string[] {
  if (source.length > longest) throw invalid(`it has more than ${String(longest)} characters`)
  const tokens: string[] = []
  token.lastIndex = 0
  const end = source.trimEnd().length
  while (token.lastIndex < end) {
    const at = token.lastIndex
    const found = token.exec(source)
    if (found === null) throw invalid(`"${source.slice(at, at + 20)}" is not understood`)
    tokens.push(found[0].trimStart())
  }
  return tokens
}

/** Operators by how tightly they bind, loosest first (XPath 1.0 §3.5). */
const levels: readonly (readonly Operator[])[] = [['or'], ['and'], ['=', '!='], ['<', '<=', '>', '>='], ['+', '-'], ['*', 'div', 'mod']]
const kindTests = new Set(['text', 'comment', 'processing-instruction', 'node'])
const everything: Step = { axis: 'descendant-or-self', test: 'node()', predicates: [] }
const isName = (text: string | undefined): text is string => text !== undefined && /^[A-Za-z_\u00c0-\uffff]/.test(text)

/**
 * Parses XPath 1.0 without variables and without namespaces.
 * @throws Failure that says what is not understood
 */
export function parseXPath(source: string): XPath {
  const tokens = tokensOf(source)
  let at = 0
  let depth = 0
  const peek = () => tokens[at]
  const take = (text: string): boolean => {
    if (tokens[at] !== text) return false
    at += 1
    return true
  }
  const expect = (text: string) => {
    if (!take(text)) throw invalid(`"${text}" is missing before ${at < tokens.length ? `"${tokens[at] ?? ''}"` : 'its end'}`)
  }

  function expression(level = 0): XPath {
    depth += 1
    if (depth > deepest * levels.length) throw invalid(`it is nested more than ${String(deepest)} deep`)
    const operators = levels[level]
    let left = operators === undefined ? unary() : expression(level + 1)
    if (operators !== undefined) {
      for (let next = operators.find(one => one === peek()); next !== undefined; next = operators.find(one => one === peek())) {
        at += 1
        left = { kind: 'binary', operator: next, left, right: expression(level + 1) }
      }
    }
    depth -= 1
    return left
  }

  function unary(): XPath {
    if (take('-')) {
      let negative = true
      while (take('-')) negative = !negative
      const operand = union()
      return negative ? { kind: 'negate', operand } : operand
    }
    return union()
  }

  function union(): XPath {
    let left = path()
    while (take('|')) left = { kind: 'binary', operator: '|', left, right: path() }
    return left
  }

  function path(): XPath {
    const next = peek()
    const isCall = isName(next) && tokens[at + 1] === '(' && !kindTests.has(next)
    if (next !== undefined && (isCall || next === '(' || /^["'\d]/.test(next) || /^\.\d/.test(next))) {
      const from = primary()
      const filters = predicates()
      const filtered: XPath = filters.length === 0 ? from : { kind: 'filter', from, predicates: filters }
      if (peek() !== '/' && peek() !== '//') return filtered
      return { kind: 'path', from: filtered, steps: moreSteps([]) }
    }
    if (peek() === '//') return { kind: 'path', from: 'root', steps: moreSteps([]) }
    if (take('/')) return { kind: 'path', from: 'root', steps: startsStep() ? moreSteps([step()]) : [] }
    return { kind: 'path', from: 'context', steps: moreSteps([step()]) }
  }

  const startsStep = () => {
    const next = peek()
    return next === '.' || next === '..' || next === '@' || next === '*' || isName(next)
  }

  function moreSteps(steps: Step[]): Step[] {
    for (;;) {
      if (take('//')) steps.push(everything, step())
      else if (take('/')) steps.push(step())
      else return steps
    }
  }

  function step(): Step {
    if (take('.')) return { axis: 'self', test: 'node()', predicates: [] }
    if (take('..')) return { axis: 'parent', test: 'node()', predicates: [] }
    let axis: Axis = take('@') ? 'attribute' : 'child'
    if (tokens[at + 1] === '::') {
      const found = axes.find(one => one === peek())
      if (found === undefined) throw invalid(`the axis "${peek() ?? ''}" is not known`)
      axis = found
      at += 2
    }
    const name = peek()
    if (name !== '*' && !isName(name)) throw invalid(`a name is missing before ${name === undefined ? 'its end' : JSON.stringify(name)}`)
    at += 1
    if (!kindTests.has(name) || !take('(')) return { axis, test: name, predicates: predicates() }
    if (peek() !== ')') at += 1
    expect(')')
    return { axis, test: `${name}()`, predicates: predicates() }
  }

  function predicates(): XPath[] {
    const found: XPath[] = []
    while (take('[')) {
      found.push(expression())
      expect(']')
    }
    return found
  }

  function primary(): XPath {
    if (take('(')) {
      const inner = expression()
      expect(')')
      return inner
    }
    const next = tokens[at] ?? ''
    at += 1
    if (/^["']/.test(next)) return { kind: 'literal', value: next.slice(1, -1) }
    if (/^[.\d]/.test(next)) return { kind: 'literal', value: Number(next) }
    expect('(')
    const given: XPath[] = []
    if (!take(')')) {
      do given.push(expression())
      while (take(','))
      expect(')')
    }
    return { kind: 'call', name: next, arguments: given }
  }

  const parsed = expression()
  if (at < tokens.length) throw invalid(`"${tokens[at] ?? ''}" is not understood`)
  return parsed
}
