import { Failure } from './failure.ts'
import {
  byLetter,
  controls,
  highest,
  lineEnds,
  one,
  posix,
  ranges,
  single,
  vertical,
  without,
  type CodeSet,
  type Range,
} from './regex-sets.ts'

/**
 * The regular expressions of the language are Java's (java.util.regex.Pattern). This reads one into a tree, from which `regex.ts` makes
 * the text of an RE2 expression, or, for what RE2 cannot do, `regex-match.ts` a matcher that counts its steps.
 */
export type RegexNode =
  | { readonly kind: 'set'; readonly set: CodeSet; readonly ignoreCase: boolean }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly item: RegexNode; readonly least: number; readonly most: number; readonly mode: RepeatMode }
  | { readonly kind: 'group'; readonly index: number | null; readonly item: RegexNode }
  | { readonly kind: 'atomic'; readonly item: RegexNode }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly item: RegexNode }
  | { readonly kind: 'reference'; readonly index: number; readonly ignoreCase: boolean }
  | { readonly kind: 'edge'; readonly edge: Edge }

export type RepeatMode = 'greedy' | 'lazy' | 'possessive'
/** `$` stands before a line terminator at the end, too, as in Java; `line start` and `line end` are `^` and `$` under `(?m)`. */
export type Edge = 'start' | 'end' | 'before last line end' | 'line start' | 'line end' | 'word' | 'not word'

export interface ParsedRegex {
  readonly node: RegexNode
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
  /** Has something that needs backtracking: lookaround, back-references, possessive quantifiers, atomic groups, set intersections. */
  readonly backtracks: boolean
}

const longest = 10_000
/**
 * Reads a Java regular expression.
 *
 * @throws Failure that names what is wrong, with the place from 1.
 */
export function parseRegex(pattern: string, ignoreCase: boolean): ParsedRegex {
  if (pattern.length > longest) throw new Failure(`A regular expression may have ${String(longest)} characters at most.`)
  const parser = parserOf(pattern, ignoreCase)
  const node = parser.choice()
  parser.finish()
  return { node, groups: parser.groups(), names: parser.names, backtracks: parser.backtracks() }
}

interface Flags {
  readonly ignoreCase: boolean
  readonly dotAll: boolean
  readonly lines: boolean
  readonly comments: boolean
}

function parserOf(pattern: string, ignoreCase: boolean) {
  const names = new Map<string, number>()
  let flags: Flags = { ignoreCase, dotAll: false, lines: false, comments: false }
  let at = 0
  let groups = 0
  let backtracks = false
  let depth = 0

  const fail = (what: string): never => {
    const shown = pattern.length > 60 ? `${pattern.slice(0, 60)}…` : pattern
    throw new Failure(
      `The regular expression "${shown}" ${what} at character ${String(at + 1)}. ` +
        'For plain text give true as the last argument, or write \\\\ before special characters.',
    )
  }
  const peek = (text: string): boolean => pattern.startsWith(text, at)
  const take = (text: string): boolean => {
    if (!peek(text)) return false
    at += text.length
    return true
  }
  const character = (): number => {
    const code = pattern.codePointAt(at) ?? fail('ends too early')
    at += code > 0xffff ? 2 : 1
    return code
  }
  const until = (end: string, what: string): string => {
    const found = pattern.indexOf(end, at)
    if (found < 0) return fail(`has ${what} without "${end}"`)
    const text = pattern.slice(at, found)
    at = found + end.length
    return text
  }
  const setNode = (set: CodeSet): RegexNode => ({ kind: 'set', set, ignoreCase: flags.ignoreCase })

  function choice(): RegexNode {
    depth += 1
    if (depth > 200) fail('is nested too deeply')
    const options = [sequence()]
    while (take('|')) options.push(sequence())
    depth -= 1
    return options.length === 1 ? (options[0] as RegexNode) : { kind: 'choice', options }
  }

  function sequence(): RegexNode {
    const items: RegexNode[] = []
    while (at < pattern.length && !peek('|') && !peek(')')) {
      if (flags.comments && /\s/.test(pattern.charAt(at))) at += 1
      else if (flags.comments && peek('#')) {
        const end = pattern.indexOf('\n', at)
        at = end < 0 ? pattern.length : end
      } else if (take('\\Q')) {
        const end = pattern.indexOf('\\E', at)
        for (const text of pattern.slice(at, end < 0 ? pattern.length : end)) items.push(setNode(one(text.codePointAt(0) ?? 0)))
        at = end < 0 ? pattern.length : end + 2
      } else {
        const item = atom()
        if (item) items.push(repeated(item))
      }
    }
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'sequence', items }
  }

  function repeated(item: RegexNode): RegexNode {
    let result = item
    for (;;) {
      const bounds = quantifier()
      if (!bounds) return result
      const [least, most] = bounds
      const mode: RepeatMode = take('?') ? 'lazy' : take('+') ? 'possessive' : 'greedy'
      if (mode === 'possessive') backtracks = true
      result = { kind: 'repeat', item: result, least, most, mode }
      depth += 1
      if (depth > 200) fail('is nested too deeply')
    }
  }

  function quantifier(): readonly [number, number] | null {
    if (take('*')) return [0, Infinity]
    if (take('+')) return [1, Infinity]
    if (take('?')) return [0, 1]
    const braces = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(pattern.slice(at, at + 24))
    // Anything else in braces is plain text; Java refuses it.
    if (!braces) return null
    at += braces[0].length
    const least = Number(braces[1])
    const most = braces[2] === undefined ? least : braces[3] === '' ? Infinity : Number(braces[3])
    if (most < least) fail('has a repetition whose end is before its start')
    return [least, most]
  }

  function atom(): RegexNode | null {
    if (take('(')) return parentheses()
    if (take('[')) return setNode(brackets())
    if (take('.')) return setNode(flags.dotAll ? ranges([[0, highest]]) : ranges(lineEnds, true))
    if (take('^')) return { kind: 'edge', edge: flags.lines ? 'line start' : 'start' }
    if (take('$')) return { kind: 'edge', edge: flags.lines ? 'line end' : 'before last line end' }
    if (/[*+?]/.test(pattern.charAt(at))) fail(`has a "${pattern.charAt(at)}" with nothing to repeat`)
    if (take('\\')) return escape()
    return setNode(one(character()))
  }

  function parentheses(): RegexNode | null {
    const outer = flags
    let wrap: (item: RegexNode) => RegexNode
    if (!take('?')) {
      groups += 1
      const index = groups
      wrap = item => ({ kind: 'group', index, item })
    } else if (take('=')) wrap = item => ({ kind: 'look', behind: false, negative: false, item })
    else if (take('!')) wrap = item => ({ kind: 'look', behind: false, negative: true, item })
    else if (take('<=')) wrap = item => ({ kind: 'look', behind: true, negative: false, item })
    else if (take('<!')) wrap = item => ({ kind: 'look', behind: true, negative: true, item })
    else if (take('>')) wrap = item => ({ kind: 'atomic', item })
    else if (take('<')) {
      const name = until('>', 'a group name')
      if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name) || names.has(name)) fail('has a group name that is not a word of its own')
      groups += 1
      const index = groups
      names.set(name, index)
      wrap = item => ({ kind: 'group', index, item })
    } else {
      changeFlags()
      // Flags alone hold to the end of the group they stand in.
      if (take(')')) return null
      if (!take(':')) fail('has an unknown group')
      wrap = item => ({ kind: 'group', index: null, item })
    }
    const node = wrap(choice())
    if (!take(')')) fail('has a "(" without ")"')
    flags = outer
    if (node.kind === 'look' || node.kind === 'atomic') backtracks = true
    return node
  }

  function changeFlags(): void {
    let on = true
    for (; at < pattern.length && !peek(')') && !peek(':'); at += 1) {
      const flag = pattern.charAt(at)
      if (flag === '-') on = false
      else if (flag === 'i') flags = { ...flags, ignoreCase: on }
      else if (flag === 's') flags = { ...flags, dotAll: on }
      else if (flag === 'm') flags = { ...flags, lines: on }
      else if (flag === 'x') flags = { ...flags, comments: on }
      else if (!'udU'.includes(flag)) fail(`has an unknown flag "${flag}"`)
    }
  }

  function escape(): RegexNode {
    const letter = pattern.charAt(at)
    const edge = { b: 'word', B: 'not word', A: 'start', z: 'end', Z: 'before last line end' }[letter] as Edge | undefined
    if (edge !== undefined) {
      at += 1
      return { kind: 'edge', edge }
    }
    if (take('R')) {
      const pair: RegexNode = { kind: 'sequence', items: [setNode(one(13)), setNode(one(10))] }
      return { kind: 'choice', options: [pair, setNode(ranges(vertical))] }
    }
    if (take('k<')) {
      const index = names.get(until('>', 'a group name'))
      if (index === undefined) return fail('refers to a group that does not stand before it')
      backtracks = true
      return { kind: 'reference', index, ignoreCase: flags.ignoreCase }
    }
    if (/[1-9]/.test(letter)) {
      at += 1
      let index = Number(letter)
      // As Java: more digits while there are as many groups.
      while (/\d/.test(pattern.charAt(at)) && index * 10 + Number(pattern.charAt(at)) <= groups) {
        index = index * 10 + Number(pattern.charAt(at))
        at += 1
      }
      if (index > groups) fail(`refers to group ${String(index)}, which does not stand before it,`)
      backtracks = true
      return { kind: 'reference', index, ignoreCase: flags.ignoreCase }
    }
    return setNode(escaped())
  }

  /** After a backslash: a set or a character, inside and outside brackets. */
  function escaped(): CodeSet {
    if (at >= pattern.length) return fail('ends with a single backslash')
    const letter = pattern.charAt(at)
    const set = byLetter.get(letter)
    if (set) {
      at += 1
      return set
    }
    const control = controls.get(letter)
    if (control !== undefined) {
      at += 1
      return one(control)
    }
    if (take('p')) return property(false)
    if (take('P')) return property(true)
    if (take('x{')) return one(hex(until('}', 'a code point')))
    if (take('x')) return one(hex(pattern.slice(at, (at += 2))))
    if (take('u')) return one(hex(pattern.slice(at, (at += 4))))
    if (take('c')) return one(character() ^ 64)
    if (take('0')) {
      const octal = /^([0-3]?[0-7]{1,2})/.exec(pattern.slice(at, at + 3))?.[0] ?? fail('has \\0 without octal digits')
      at += octal.length
      return one(Number.parseInt(octal, 8))
    }
    if (/[A-Za-z]/.test(letter)) return fail(`has an escape that is not known, \\${letter},`)
    return one(character())
  }

  function hex(text: string): number {
    const code = /^[0-9A-Fa-f]{1,6}$/.test(text) ? Number.parseInt(text, 16) : -1
    return code < 0 || code > highest ? fail('has a code point that is not hexadecimal') : code
  }

  function property(negated: boolean): CodeSet {
    const written = take('{') ? until('}', 'a class name') : pattern.charAt(at++)
    const listed = Object.hasOwn(posix, written) ? posix[written] : undefined
    if (listed) return ranges(listed, negated)
    const name = written.replace(/^(?:Is|In|java)(?=[A-Z])/, '').replace(/^(?:gc|general_category|sc|script)=/i, '')
    const known = { LowerCase: 'Lowercase', UpperCase: 'Uppercase', Letter: 'L', Whitespace: 'White_Space' }[name] ?? name
    for (const script of [false, true]) {
      try {
        const has = new RegExp(`^\\p{${script ? 'Script=' : ''}${known}}$`, 'u')
        return { negated: false, ranges: [], properties: [{ name: known, script, negated, has }], nested: [], all: [] }
      } catch {
        // Not a property of that kind: the next one, or the failure below.
      }
    }
    return fail(`has a character class that is not known, "${written}",`)
  }

  /** After `[`. Java: `^`, ranges, nested sets and `&&`. */
  function brackets(): CodeSet {
    depth += 1
    if (depth > 200) fail('is nested too deeply')
    const negated = take('^')
    const list: Range[] = []
    const properties: CodeSet['properties'][number][] = []
    const nested: CodeSet[] = []
    const all: CodeSet[] = []
    const include = (set: CodeSet): void => {
      if (set.nested.length > 0 || set.all.length > 0 || (set.negated && set.properties.length > 0)) {
        nested.push(set)
        backtracks = true
        return
      }
      list.push(...(set.negated ? without(set.ranges) : set.ranges))
      properties.push(...set.properties)
    }
    // A "]" that comes first is itself, as in other dialects; Java refuses it.
    let first = true
    for (; first || !peek(']'); first = false) {
      if (at >= pattern.length) return fail('has a "[" without "]"')
      if (take('&&')) {
        backtracks = true
        all.push(peek('[') && take('[') ? brackets() : rest())
        continue
      }
      if (take('[')) {
        include(brackets())
        continue
      }
      if (take('\\Q')) {
        for (const text of until('\\E', 'a quotation')) list.push([text.codePointAt(0) ?? 0, text.codePointAt(0) ?? 0])
        continue
      }
      const set = take('\\') ? escaped() : one(character())
      const start = single(set)
      if (start !== null && peek('-') && !peek('-]') && !peek('-[') && !peek('-&&') && at + 1 < pattern.length) {
        at += 1
        const end = single(take('\\') ? escaped() : one(character()))
        if (end === null || end < start) return fail('has a range in brackets whose end is before its start')
        list.push([start, end])
      } else include(set)
    }
    at += 1
    depth -= 1
    return { negated, ranges: list, properties, nested, all }

    /** What follows `&&` without brackets, up to the end of these. */
    function rest(): CodeSet {
      const from = at
      const set = brackets()
      if (at > from) at -= 1
      return set
    }
  }

  return {
    names,
    choice,
    finish: () => {
      if (at < pattern.length) fail('has a ")" without "("')
    },
    groups: () => groups,
    backtracks: () => backtracks,
  }
}
