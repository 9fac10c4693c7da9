import { Failure } from './failure.ts'
import type { Meter } from './limits.ts'
import type { ParsedRegex, RegexNode } from './regex-parse.ts'
import { inSet, type CodeSet } from './regex-sets.ts'

type Next = (at: number) => boolean
type Step = (at: number, next: Next) => boolean
/** The places of the groups: start and end of the whole match, of group 1, and so on; -1 for a group that took no part. */
export type Offsets = readonly number[]

/**
 * What one search may try. Backtracking can need exponentially many steps, and then this ends it; expressions without the constructs
 * that need backtracking never come here.
 */
const mostSteps = 10_000_000

/** A matcher with backtracking for what RE2 cannot express. `run` searches from `from`; `whole` asks for a match up to the end. */
export function backtracking(parsed: ParsedRegex): (text: string, from: number, whole: boolean, meter: Meter) => Offsets | null {
  let text = ''
  let meter: Meter | null = null
  let steps = 0
  let places: number[] = []

  const count = (): void => {
    steps += 1
    if ((steps & 0xffff) === 0) meter?.look()
    if (steps > mostSteps) throw new Failure('A regular expression took too many steps: write it without nested repetitions.', 'limit')
  }
  const sets = new Map<CodeSet, (code: number) => boolean>()
  const tester = (set: CodeSet, ignoreCase: boolean): ((code: number) => boolean) => {
    if (!ignoreCase) {
      const known = sets.get(set) ?? ((code: number) => inSet(set, code))
      sets.set(set, known)
      return known
    }
    const has = (character: string): boolean => [...character].length === 1 && inSet(set, character.codePointAt(0) ?? 0)
    return code => {
      const character = String.fromCodePoint(code)
      return inSet(set, code) || has(character.toLowerCase()) || has(character.toUpperCase())
    }
  }
  const width = (code: number): number => (code > 0xffff ? 2 : 1)
  const lineEndAt = (at: number): boolean => /[\n\r\u0085\u2028\u2029]/.test(text.charAt(at))
  const wordAt = (at: number): boolean => /\w/.test(text.charAt(at))

  function compile(node: RegexNode): Step {
    switch (node.kind) {
      case 'set': {
        const has = tester(node.set, node.ignoreCase)
        return (at, next) => {
          count()
          const code = text.codePointAt(at)
          return code !== undefined && has(code) && next(at + width(code))
        }
      }
      case 'sequence': {
        const items = node.items.map(compile)
        return items.reduceRight<Step>(
          (rest, item) => (at, next) => item(at, end => rest(end, next)),
          (at, next) => next(at),
        )
      }
      case 'choice': {
        const options = node.options.map(compile)
        return (at, next) => options.some(option => option(at, next))
      }
      case 'group': {
        const item = compile(node.item)
        const { index } = node
        if (index === null) return item
        return (at, next) =>
          item(at, end => {
            const [start, stop] = [places[index * 2] ?? -1, places[index * 2 + 1] ?? -1]
            places[index * 2] = at
            places[index * 2 + 1] = end
            if (next(end)) return true
            places[index * 2] = start
            places[index * 2 + 1] = stop
            return false
          })
      }
      case 'atomic':
        return atomic(compile(node.item))
      case 'repeat':
        return repeat(node)
      case 'look': {
        const item = compile(node.item)
        const found: Next = node.behind
          ? at => {
              for (let start = at; start >= 0; start -= 1) {
                count()
                if (item(start, end => end === at)) return true
              }
              return false
            }
          : at => item(at, () => true)
        return (at, next) => {
          const before = places.slice()
          const holds = found(at) !== node.negative
          if (holds && next(at)) return true
          places = before
          return false
        }
      }
      case 'reference': {
        const { index, ignoreCase } = node
        return (at, next) => {
          count()
          const [start, end] = [places[index * 2] ?? -1, places[index * 2 + 1] ?? -1]
          if (start < 0) return false
          const part = text.slice(start, end)
          const here = text.slice(at, at + part.length)
          steps += part.length
          const same = ignoreCase ? here.toLowerCase() === part.toLowerCase() : here === part
          return same && next(at + part.length)
        }
      }
      case 'edge':
        return (at, next) => {
          count()
          return edge(node.edge, at) && next(at)
        }
    }
  }

  function edge(kind: Extract<RegexNode, { kind: 'edge' }>['edge'], at: number): boolean {
    switch (kind) {
      case 'start':
        return at === 0
      case 'end':
        return at === text.length
      case 'before last line end':
        return at === text.length || (lineEndAt(at) && (at === text.length - 1 || text.slice(at) === '\r\n'))
      case 'line start':
        return at === 0 || (at < text.length && lineEndAt(at - 1))
      case 'line end':
        return at === text.length || lineEndAt(at)
      case 'word':
        return wordAt(at - 1) !== wordAt(at)
      case 'not word':
        return wordAt(at - 1) === wordAt(at)
    }
  }

  function atomic(item: Step): Step {
    return (at, next) => {
      const before = places.slice()
      let end = -1
      if (!item(at, stop => ((end = stop), true))) return false
      if (next(end)) return true
      places = before
      return false
    }
  }

  function repeat(node: Extract<RegexNode, { kind: 'repeat' }>): Step {
    const { least, most, mode } = node
    if (node.item.kind === 'set' && mode !== 'lazy') return run(node, node.item)
    const item = compile(node.item)
    const turn = (done: number, at: number, next: Next): boolean => {
      count()
      // A turn that takes nothing ends the repetition, as in Java: it would go on for ever.
      const more = (): boolean => done < most && item(at, end => (end > at || done < least) && turn(done + 1, end, next))
      if (done < least) return more()
      return mode === 'lazy' ? next(at) || more() : more() || next(at)
    }
    const step: Step = (at, next) => turn(0, at, next)
    return mode === 'possessive' ? atomic(step) : step
  }

  /** Characters of one set: taken in a loop, so that a long run needs no stack. */
  function run(node: Extract<RegexNode, { kind: 'repeat' }>, item: Extract<RegexNode, { kind: 'set' }>): Step {
    const has = tester(item.set, item.ignoreCase)
    return (at, next) => {
      let taken = 0
      let end = at
      for (; taken < node.most; taken += 1) {
        count()
        const code = text.codePointAt(end)
        if (code === undefined || !has(code)) break
        end += width(code)
      }
      if (taken < node.least) return false
      if (node.mode === 'possessive') return next(end)
      for (; taken >= node.least; taken -= 1) {
        count()
        if (next(end)) return true
        if (taken > 0) end -= (text.codePointAt(end - 2) ?? 0) > 0xffff && end - 2 >= at ? 2 : 1
      }
      return false
    }
  }

  const whole = compile(parsed.node)
  return (input, from, complete, owner) => {
    text = input
    meter = owner
    steps = 0
    try {
      for (let start = from; start <= input.length; start += width(input.codePointAt(start) ?? 0)) {
        places = new Array<number>(parsed.groups * 2 + 2).fill(-1)
        let end = -1
        const found = whole(start, stop => {
          if (complete && stop !== input.length) return false
          end = stop
          return true
        })
        if (found) return [start, end, ...places.slice(2)]
        if (complete) return null
      }
      return null
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new Failure('A regular expression went too deep for this text: write it without nested repetitions.', 'limit')
    }
  }
}
