import { RE2JS } from 're2js'
import { Failure } from './failure.ts'
import type { Meter } from './limits.ts'
import { backtracking, type Offsets } from './regex-match.ts'
import { parseRegex, type Edge, type ParsedRegex, type RegexNode } from './regex-parse.ts'
import { single, type CodeSet } from './regex-sets.ts'
import { folded, placesOf } from './search-text.ts'

/** A compiled expression. Every search asks the meter, so that a run over its time ends in the middle of a long replacement, too. */
export interface Regex {
  /** Whether the whole text matches. */
  matches(text: string, meter: Meter): boolean
  /**
   * The text with the first or every match replaced. In the replacement `$1` … and `${name}` are groups, `\` takes the next character
   * as it is, and a `$` before anything else is itself (Java refuses it).
   *
   * @throws Failure for a group that does not exist, and when the result would pass the limit of a text.
   */
  replace(text: string, replacement: string, every: boolean, meter: Meter): string
}

const kept = 100
const compiled = new Map<string, Regex>()
/** RE2 is linear in the text, but each step costs as much as the expression is large. Characters × instructions, roughly seconds. */
const mostWork = 100_000_000

/**
 * A regular expression in Java's syntax, from a cache of 100. Most run on RE2, in time linear in the text. Lookaround, back-references,
 * possessive quantifiers, atomic groups and `&&` in brackets run on a backtracking matcher that ends after ten million steps.
 *
 * Known difference: on RE2 `$` does not stand before a line break at the very end of the text.
 *
 * @throws Failure that names what is wrong with the pattern.
 */
export function regexOf(pattern: string, ignoreCase = false): Regex {
  const key = (ignoreCase ? 'i' : 'c') + pattern
  let regex = compiled.get(key)
  if (regex) compiled.delete(key)
  else regex = compile(pattern, ignoreCase)
  // Deleted and set again, it is the youngest; the first is the one not used for longest.
  compiled.set(key, regex)
  if (compiled.size > kept) compiled.delete(compiled.keys().next().value ?? '')
  return regex
}

/** Replaces a plain text, the first or every one, whatever the case when told so. */
export function replaceText(text: string, part: string, replacement: string, every: boolean, meter: Meter, ignoreCase = false): string {
  const pieces: string[] = []
  let end = 0
  for (const at of ignoreCase ? placesOf(folded(text), folded(part)) : placesOf(text, part)) {
    pieces.push(text.slice(end, at))
    end = at + part.length
    if (!every) break
  }
  if (pieces.length === 0) return text
  pieces.push(text.slice(end))
  meter.textOf(text.length + (pieces.length - 1) * (replacement.length - part.length))
  const result = pieces.join(replacement)
  meter.made(result.length * 2)
  return result
}

/** Successive searches of one text, left to right. */
type Search = () => Offsets | null
interface Engine {
  /** Matches between two looks at the clock. */
  readonly betweenLooks: number
  matches(text: string, meter: Meter): boolean
  search(text: string, meter: Meter): Search
}

function compile(pattern: string, ignoreCase: boolean): Regex {
  const parsed = parseRegex(pattern, ignoreCase)
  const engine = parsed.backtracks ? backtrackingEngine(parsed) : (nativeEngine(parsed) ?? re2Engine(parsed, pattern))
  const plain = !/[\\^$.|?*+()[\]{}]/.test(pattern)
  return {
    matches: (text, meter) => (plain && !ignoreCase ? text === pattern : engine.matches(text, meter)),
    replace(text, replacement, every, meter) {
      const parts = partsOf(replacement, parsed)
      if (plain && pattern !== '' && parts.every(part => typeof part === 'string')) {
        return replaceText(text, pattern, parts.join(''), every, meter, ignoreCase)
      }
      const next = engine.search(text, meter)
      const result: string[] = []
      let length = 0
      let end = 0
      const add = (piece: string): void => {
        length += piece.length
        meter.textOf(length)
        result.push(piece)
      }
      let untilLook = engine.betweenLooks
      for (let match = next(); match; match = every ? next() : null) {
        untilLook -= 1
        if (untilLook <= 0) {
          meter.look()
          untilLook = engine.betweenLooks
        }
        add(text.slice(end, match[0]))
        for (const part of parts) add(typeof part === 'string' ? part : groupOf(text, match, part))
        end = match[1] ?? end
      }
      if (result.length === 0) return text
      add(text.slice(end))
      meter.made(length * 2)
      return result.join('')
    },
  }
}

function groupOf(text: string, match: Offsets, group: number): string {
  const start = match[group * 2] ?? -1
  return start < 0 ? '' : text.slice(start, match[group * 2 + 1])
}

/** A replacement as texts and numbers of groups. */
function partsOf(replacement: string, parsed: ParsedRegex): (string | number)[] {
  if (!/[\\$]/.test(replacement)) return [replacement]
  const parts: (string | number)[] = []
  for (let at = 0; at < replacement.length;) {
    const rest = replacement.slice(at, at + 64)
    const escaped = /^\\([^])/.exec(rest)
    const numbered = /^\$(\d+)/.exec(rest)
    const named = /^\$\{([A-Za-z][A-Za-z0-9]*)\}/.exec(rest)
    const plain = /^[^\\$]+/.exec(rest)
    if (escaped) {
      parts.push(escaped[1] ?? '')
      at += 2
    } else if (numbered) {
      // As Java: the first digit counts, further ones while there are as many groups.
      let digits = 1
      while (digits < (numbered[1] ?? '').length && Number(numbered[1]?.slice(0, digits + 1)) <= parsed.groups) digits += 1
      const group = Number(numbered[1]?.slice(0, digits))
      if (group > parsed.groups) throw new Failure(`The replacement names group ${String(group)}, which the expression does not have.`)
      parts.push(group)
      at += 1 + digits
    } else if (named) {
      const group = parsed.names.get(named[1] ?? '')
      if (group === undefined) throw new Failure(`The replacement names the group "${named[1] ?? ''}", which the expression does not have.`)
      parts.push(group)
      at += named[0].length
    } else {
      parts.push(plain ? plain[0] : replacement.charAt(at))
      at += plain ? plain[0].length : 1
    }
  }
  return parts
}

function backtrackingEngine(parsed: ParsedRegex): Engine {
  const run = backtracking(parsed)
  return {
    betweenLooks: 1,
    matches: (text, meter) => run(text, 0, true, meter) !== null,
    search(text, meter) {
      let from = 0
      return () => {
        const match = from > text.length ? null : run(text, from, false, meter)
        const [start = 0, end = 0] = match ?? []
        // After an empty match the next search begins behind the next character.
        from = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1)
        return match
      }
    },
  }
}

/**
 * What most scripts write, `[^0-9]`, `\s+`, `\d\d`: characters one after another, of which only the last may repeat. There V8's own
 * engine has nothing to try again, so it is as linear as RE2 and ten times as fast.
 */
function nativeEngine(parsed: ParsedRegex): Engine | null {
  const source = nativeSource(parsed.node)
  if (source === null) return null
  const flags = firstSet(parsed.node)?.ignoreCase ? 'giu' : 'gu'
  const expression = new RegExp(source, flags)
  const whole = new RegExp(`^(?:${source})$`, flags.slice(1))
  return {
    betweenLooks: 256,
    matches: text => whole.test(text),
    search(text) {
      let from = 0
      return () => {
        expression.lastIndex = from
        const match = from > text.length ? null : expression.exec(text)
        if (!match) return null
        const start = match.index
        const end = start + match[0].length
        from = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1)
        return [start, end]
      }
    },
  }
}

/** V8 refuses longer expressions only when they run. */
const tooOften = ({ least, most }: { readonly least: number; readonly most: number }): boolean =>
  least > 30_000 || (most > 30_000 && most !== Infinity)

const setOf = (node: RegexNode | undefined) => (node?.kind === 'repeat' && node.mode === 'greedy' ? node.item : node)

function firstSet(node: RegexNode): Extract<RegexNode, { kind: 'set' }> | null {
  const set = setOf(node.kind === 'sequence' ? node.items[0] : node)
  return set?.kind === 'set' ? set : null
}

function nativeSource(node: RegexNode): string | null {
  const items = node.kind === 'sequence' ? node.items : [node]
  const first = firstSet(node)
  const last = items.at(-1)
  if (!first || items.length > 50 || (last?.kind === 'repeat' && tooOften(last))) return null
  const parts = items.map((item, at) => {
    const set = at === items.length - 1 ? setOf(item) : item
    // With `i`, V8 reads a negated property another way than Java.
    if (set?.kind !== 'set' || set.ignoreCase !== first.ignoreCase || (set.ignoreCase && set.set.properties.length > 0)) return null
    const text = setSource(set.set, '\\u', 'Script=')
    return item.kind === 'repeat' ? text + times(item.least, item.most) : text
  })
  return parts.includes(null) ? null : parts.join('')
}

function re2Engine(parsed: ParsedRegex, pattern: string): Engine {
  let expression: RE2JS
  try {
    expression = RE2JS.compile(re2(parsed.node))
  } catch {
    // Only its bounds are left to break: the syntax was read before.
    throw new Failure(`The regular expression "${pattern.slice(0, 60)}" repeats something more than 1000 times.`)
  }
  const size = expression.programSize()
  const bounded = (text: string): void => {
    if (text.length * size > mostWork) {
      throw new Failure('A regular expression of this size is too much for a text of this length.', 'limit')
    }
  }
  return {
    // A match may have looked at the whole text to find out where it ends.
    betweenLooks: 1,
    matches(text) {
      bounded(text)
      return expression.testExact(text)
    },
    search(text) {
      bounded(text)
      const matcher = expression.matcher(text)
      return () => {
        if (!matcher.find()) return null
        const offsets: number[] = []
        for (let group = 0; group <= parsed.groups; group += 1) offsets.push(matcher.start(group), matcher.end(group))
        return offsets
      }
    },
  }
}

const edges: Readonly<Record<Edge, string>> = {
  start: '\\A',
  end: '\\z',
  'before last line end': '\\z',
  'line start': '(?m:^)',
  'line end': '(?m:$)',
  word: '\\b',
  'not word': '\\B',
}

function re2(node: RegexNode): string {
  switch (node.kind) {
    case 'set':
      return node.ignoreCase ? `(?i:${setSource(node.set, '\\x', '')})` : setSource(node.set, '\\x', '')
    case 'sequence':
      return node.items.map(re2).join('')
    case 'choice':
      return `(?:${node.options.map(re2).join('|')})`
    case 'repeat': {
      const { least, most } = node
      const times =
        most === Infinity ? (least === 0 ? '*' : least === 1 ? '+' : `{${String(least)},}`) : `{${String(least)},${String(most)}}`
      return `(?:${re2(node.item)})${times}${node.mode === 'lazy' ? '?' : ''}`
    }
    case 'group':
      return `(${node.index === null ? '?:' : ''}${re2(node.item)})`
    case 'edge':
      return edges[node.edge]
    default:
      throw new Error(`RE2 has no ${node.kind}`)
  }
}

const times = (least: number, most: number): string => `{${String(least)},${most === Infinity ? '' : String(most)}}`

/** A set in brackets: RE2 and V8 write code points and the names of scripts each in their own way. */
function setSource(set: CodeSet, escape: '\\x' | '\\u', script: '' | 'Script='): string {
  const codePoint = (code: number): string => `${escape}{${code.toString(16)}}`
  const only = single(set)
  if (only !== null) return codePoint(only)
  const ranges = set.ranges.map(([first, last]) => codePoint(first) + (last === first ? '' : `-${codePoint(last)}`))
  const properties = set.properties.map(property => `\\${property.negated ? 'P' : 'p'}{${property.script ? script : ''}${property.name}}`)
  return `[${set.negated ? '^' : ''}${ranges.join('')}${properties.join('')}]`
}
