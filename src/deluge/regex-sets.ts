/** The sets of characters of Java's regular expressions: what `[…]`, `\d`, `\p{Alpha}` and a single character stand for. */
export type Range = readonly [first: number, last: number]

/** A set of code points: ranges, Unicode properties and nested sets together; `all` narrows it (`&&`), `negated` turns it round. */
export interface CodeSet {
  readonly negated: boolean
  readonly ranges: readonly Range[]
  readonly properties: readonly { readonly name: string; readonly script: boolean; readonly negated: boolean; readonly has: RegExp }[]
  readonly nested: readonly CodeSet[]
  readonly all: readonly CodeSet[]
}

export const highest = 0x10ffff
const digit: readonly Range[] = [[0x30, 0x39]]
const upper: readonly Range[] = [[0x41, 0x5a]]
const lower: readonly Range[] = [[0x61, 0x7a]]
const word: readonly Range[] = [...digit, ...upper, [0x5f, 0x5f], ...lower]
const space: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
]
export const vertical: readonly Range[] = [
  [0x0a, 0x0d],
  [0x85, 0x85],
  [0x2028, 0x2029],
]
const horizontal: readonly Range[] = [0x09, 0x20, 0xa0, 0x1680, 0x180e]
  .map((code): Range => [code, code])
  .concat([
    [0x2000, 0x200a],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ])
export const lineEnds: readonly Range[] = [[0x0a, 0x0a], [0x0d, 0x0d], ...vertical.slice(1)]
const punctuation: readonly Range[] = [
  [0x21, 0x2f],
  [0x3a, 0x40],
  [0x5b, 0x60],
  [0x7b, 0x7e],
]

/** Pattern, "POSIX character classes (US-ASCII only)". */
export const posix: Readonly<Record<string, readonly Range[]>> = {
  Lower: lower,
  Upper: upper,
  ASCII: [[0, 0x7f]],
  Alpha: [...upper, ...lower],
  Digit: digit,
  Alnum: [...digit, ...upper, ...lower],
  Punct: punctuation,
  Graph: [[0x21, 0x7e]],
  Print: [[0x20, 0x7e]],
  Blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  Cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  XDigit: [...digit, [0x41, 0x46], [0x61, 0x66]],
  Space: space,
}

export const ranges = (list: readonly Range[], negated = false): CodeSet => ({ negated, ranges: list, properties: [], nested: [], all: [] })
export const one = (code: number): CodeSet => ranges([[code, code]])
export const byLetter = new Map<string, CodeSet>([
  ['d', ranges(digit)],
  ['D', ranges(digit, true)],
  ['w', ranges(word)],
  ['W', ranges(word, true)],
  ['s', ranges(space)],
  ['S', ranges(space, true)],
  ['h', ranges(horizontal)],
  ['H', ranges(horizontal, true)],
  ['v', ranges(vertical)],
  ['V', ranges(vertical, true)],
  ['N', ranges(lineEnds, true)],
])
export const controls = new Map([
  ['t', 9],
  ['n', 10],
  ['r', 13],
  ['f', 12],
  ['a', 7],
  ['e', 27],
])

/** Whether a code point is in a set. */
export function inSet(set: CodeSet, code: number): boolean {
  let found =
    set.ranges.some(([first, last]) => code >= first && code <= last) ||
    set.nested.some(nested => inSet(nested, code)) ||
    set.properties.some(property => property.has.test(String.fromCodePoint(code)) !== property.negated)
  if (found) found = set.all.every(other => inSet(other, code))
  return found !== set.negated
}

/** The parts of a negated range list, for a list that is sorted. */
export function without(list: readonly Range[]): Range[] {
  const rest: Range[] = []
  let from = 0
  for (const [first, last] of [...list].sort((a, b) => a[0] - b[0])) {
    if (first > from) rest.push([from, first - 1])
    from = Math.max(from, last + 1)
  }
  if (from <= highest) rest.push([from, highest])
  return rest
}

/** The only character of a set, or null. */
export const single = (set: CodeSet): number | null => {
  const [range, ...others] = set.ranges
  const alone = range !== undefined && others.length === 0 && set.properties.length === 0 && set.nested.length === 0 && !set.negated
  return alone && range[0] === range[1] ? range[0] : null
}
