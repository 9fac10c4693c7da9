import { Failure } from './failure.ts'
import type { Meter } from './limits.ts'
import { parseXPath, type Axis, type Operator, type Step, type XPath } from './xpath-parse.ts'
import type { XmlNode } from './xml.ts'

/** What an XPath gives: nodes in document order, or a value. */
export type Found = readonly XmlNode[] | string | number | boolean

/** Where an expression is evaluated: a node, its place among its siblings of the step, and how many there are. */
interface Place {
  readonly node: XmlNode
  readonly position: number
  readonly size: number
  readonly tick: (visited: number) => void
}

/** The text of a node: that of an element is all the text inside it. */
export function stringValue(node: XmlNode, tick: (visited: number) => void = () => undefined): string {
  if (node.kind !== 'element' && node.kind !== 'document') return node.value
  const texts: string[] = []
  const rest = [node]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    tick(1)
    if (next.kind === 'text') texts.push(next.value)
    for (let i = next.children.length - 1; i >= 0; i -= 1) rest.push(next.children[i] ?? next)
  }
  return texts.join('')
}

function descendants(node: XmlNode, tick: (visited: number) => void): XmlNode[] {
  const found: XmlNode[] = []
  const rest = [...node.children].reverse()
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    tick(1)
    found.push(next)
    for (let i = next.children.length - 1; i >= 0; i -= 1) rest.push(next.children[i] ?? next)
  }
  return found
}

function ancestors(node: XmlNode): XmlNode[] {
  const found: XmlNode[] = []
  for (let next = node.parent; next !== null; next = next.parent) found.push(next)
  return found
}

/** The nodes of an axis, nearest first. */
function along(axis: Axis, node: XmlNode, tick: (visited: number) => void): readonly XmlNode[] {
  switch (axis) {
    case 'child':
      return node.children
    case 'attribute':
      return node.attributes
    case 'self':
      return [node]
    case 'parent':
      return node.parent === null ? [] : [node.parent]
    case 'ancestor':
      return ancestors(node)
    case 'ancestor-or-self':
      return [node, ...ancestors(node)]
    case 'descendant':
      return descendants(node, tick)
    case 'descendant-or-self':
      return [node, ...descendants(node, tick)]
    default: {
      if (node.kind === 'attribute') return []
      const siblings = node.parent?.children ?? []
      tick(siblings.length)
      const here = siblings.indexOf(node)
      return axis === 'following-sibling' ? siblings.slice(here + 1) : siblings.slice(0, Math.max(0, here)).reverse()
    }
  }
}

function passes(step: Step, node: XmlNode): boolean {
  switch (step.test) {
    case 'node()':
      return true
    case 'text()':
      return node.kind === 'text'
    case 'comment()':
      return node.kind === 'comment'
    case 'processing-instruction()':
      return node.kind === 'instruction'
    default:
      if (node.kind !== (step.axis === 'attribute' ? 'attribute' : 'element')) return false
      return step.test === '*' || node.name === step.test || (step.test.endsWith(':*') && node.name.startsWith(step.test.slice(0, -1)))
  }
}

const inOrder = (nodes: Iterable<XmlNode>): XmlNode[] => [...new Set(nodes)].sort((a, b) => a.order - b.order)

function filtered(nodes: readonly XmlNode[], predicates: readonly XPath[], tick: Place['tick']): readonly XmlNode[] {
  let kept = nodes
  for (const predicate of predicates) {
    const size = kept.length
    kept = kept.filter((node, i) => {
      const value = evaluate(predicate, { node, position: i + 1, size, tick })
      return typeof value === 'number' ? value === i + 1 : truth(value)
    })
  }
  return kept
}

function walk(from: readonly XmlNode[], steps: readonly Step[], tick: Place['tick']): readonly XmlNode[] {
  let nodes = from
  for (const step of steps) {
    const next: XmlNode[] = []
    for (const node of nodes) {
      const candidates = along(step.axis, node, tick)
      tick(candidates.length + 1)
      for (const found of filtered(
        candidates.filter(one => passes(step, one)),
        step.predicates,
        tick,
      ))
        next.push(found)
    }
    nodes = inOrder(next)
  }
  return nodes
}

const isNodes = (value: Found): value is readonly XmlNode[] => typeof value === 'object'
const numberText = (value: number): string => (Number.isNaN(value) ? 'NaN' : String(value))
export function textOfFound(value: Found, tick?: Place['tick']): string {
  if (!isNodes(value)) return typeof value === 'number' ? numberText(value) : String(value)
  const [first] = value
  return first === undefined ? '' : stringValue(first, tick)
}
const numberOf = (value: Found, tick: Place['tick']): number => {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  const text = textOfFound(value, tick).trim()
  return /^-?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN
}
const truth = (value: Found): boolean => (isNodes(value) ? value.length > 0 : Boolean(value))

const relations: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** XPath 1.0 §3.4: a set of nodes compares as true when any of its nodes does. */
function compares(operator: Operator, left: Found, right: Found, tick: Place['tick']): boolean {
  const relation = relations[operator] ?? (() => false)
  const equality = operator === '=' || operator === '!='
  if (typeof left === 'boolean' || typeof right === 'boolean') return relation(Number(truth(left)), Number(truth(right)))
  const texts = (value: Found): (string | number)[] =>
    isNodes(value) ? value.map(node => stringValue(node, tick)) : [value as string | number]
  const rights = texts(right)
  return texts(left).some(a =>
    rights.some(b => {
      tick(1)
      if (equality && typeof a === 'string' && typeof b === 'string') return (a === b) === (operator === '=')
      return relation(numberOf(a, tick), numberOf(b, tick))
    }),
  )
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
}

const nameOf = (node: XmlNode, of: Found | undefined): string => (of === undefined ? node : isNodes(of) ? of[0] : undefined)?.name ?? ''

/** The functions of XPath 1.0 §4, without `id` and `lang`. A missing first argument is the node itself. */
const functions: Readonly<Record<string, (place: Place, given: readonly Found[]) => Found>> = {
  position: ({ position }) => position,
  last: ({ size }) => size,
  count: (_, [nodes]) => (nodes !== undefined && isNodes(nodes) ? nodes.length : 0),
  sum: ({ tick }, [nodes]) =>
    nodes !== undefined && isNodes(nodes) ? nodes.reduce((sum, node) => sum + numberOf([node], tick), 0) : Number.NaN,
  name: ({ node }, [of]) => nameOf(node, of),
  'local-name': ({ node }, [of]) => nameOf(node, of).replace(/^.*:/, ''),
  string: ({ node, tick }, [of]) => textOfFound(of ?? [node], tick),
  number: ({ node, tick }, [of]) => numberOf(of ?? [node], tick),
  boolean: (_, [of = false]) => truth(of),
  not: (_, [of = false]) => !truth(of),
  true: () => true,
  false: () => false,
  concat: ({ tick }, given) => given.map(one => textOfFound(one, tick)).join(''),
  contains: ({ tick }, [of = '', part = '']) => textOfFound(of, tick).includes(textOfFound(part, tick)),
  'starts-with': ({ tick }, [of = '', part = '']) => textOfFound(of, tick).startsWith(textOfFound(part, tick)),
  'substring-before': ({ tick }, [of = '', part = '']) => {
    const text = textOfFound(of, tick)
    return text.slice(0, Math.max(0, text.indexOf(textOfFound(part, tick))))
  },
  'substring-after': ({ tick }, [of = '', part = '']) => {
    const [text, mark] = [textOfFound(of, tick), textOfFound(part, tick)]
    const at = text.indexOf(mark)
    return at < 0 ? '' : text.slice(at + mark.length)
  },
  substring: ({ tick }, [of = '', from = 1, length = Number.POSITIVE_INFINITY]) => {
    const start = Math.round(numberOf(from, tick))
    const end = start + Math.round(numberOf(length, tick))
    return Number.isNaN(start) || Number.isNaN(end) ? '' : textOfFound(of, tick).slice(Math.max(0, start - 1), Math.max(0, end - 1))
  },
  'string-length': ({ node, tick }, [of]) => textOfFound(of ?? [node], tick).length,
  'normalize-space': ({ node, tick }, [of]) =>
    textOfFound(of ?? [node], tick)
      .trim()
      .replace(/\s+/g, ' '),
  translate: ({ tick }, [of = '', from = '', to = '']) => {
    const [before, after] = [textOfFound(from, tick), textOfFound(to, tick)]
    return [...textOfFound(of, tick)].map(c => (before.includes(c) ? (after[before.indexOf(c)] ?? '') : c)).join('')
  },
  floor: ({ tick }, [of = Number.NaN]) => Math.floor(numberOf(of, tick)),
  ceiling: ({ tick }, [of = Number.NaN]) => Math.ceil(numberOf(of, tick)),
  round: ({ tick }, [of = Number.NaN]) => Math.round(numberOf(of, tick)),
}

function nodesOf(value: Found): readonly XmlNode[] {
  if (!isNodes(value)) throw new Failure('The XPath is not valid: a path must begin with nodes.')
  return value
}

function evaluate(expression: XPath, place: Place): Found {
  const { tick } = place
  tick(1)
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'negate':
      return -numberOf(evaluate(expression.operand, place), tick)
    case 'filter':
      return filtered(nodesOf(evaluate(expression.from, place)), expression.predicates, tick)
    case 'path': {
      const root = ancestors(place.node).at(-1) ?? place.node
      const from =
        expression.from === 'root' ? [root] : expression.from === 'context' ? [place.node] : nodesOf(evaluate(expression.from, place))
      return walk(from, expression.steps, tick)
    }
    case 'call': {
      const call = Object.hasOwn(functions, expression.name) ? functions[expression.name] : undefined
      if (call === undefined) throw new Failure(`The XPath is not valid: the function ${expression.name}() is not known.`)
      return call(
        place,
        expression.arguments.map(one => evaluate(one, place)),
      )
    }
    case 'binary': {
      const { operator } = expression
      if (operator === 'or') return truth(evaluate(expression.left, place)) || truth(evaluate(expression.right, place))
      if (operator === 'and') return truth(evaluate(expression.left, place)) && truth(evaluate(expression.right, place))
      const [left, right] = [evaluate(expression.left, place), evaluate(expression.right, place)]
      if (operator === '|') return inOrder([...nodesOf(left), ...nodesOf(right)])
      const compute = arithmetic[operator]
      return compute === undefined ? compares(operator, left, right, tick) : compute(numberOf(left, tick), numberOf(right, tick))
    }
  }
}

/**
 * Evaluates an XPath 1.0 expression on a document. Every node it looks at is counted, and the meter is asked now and then: an expression
 * that would run for ever ends with the time of the run.
 * @throws Failure for an expression that is not understood
 */
export function selectXPath(document: XmlNode, source: string, meter: Meter): Found {
  let visited = 0
  const tick = (count: number) => {
    visited += count
    if (visited < 4096) return
    visited = 0
    meter.look()
  }
  return evaluate(parseXPath(source), { node: document, position: 1, size: 1, tick })
}
