import { stripVTControlCharacters } from 'node:util'

/** Data goes to stdout; words about it go to stderr, so that output can be piped. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)
export const say = (text: string): void => void process.stderr.write(`${text}\n`)

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

/** Text from elsewhere, for a line of a terminal: what could move the cursor, or reverse what is read, is left out (CWE-150). */
export const clean = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')

type Cell = string | number | boolean | null | undefined

const shown = (value: Cell): string =>
  value === null || value === undefined || value === '' ? '–' : value === true ? 'yes' : value === false ? 'no' : clean(String(value))

/** Left-aligned columns under their heads. */
export function printTable(heads: readonly string[], rows: readonly (readonly Cell[])[], none: string): void {
  if (rows.length === 0) return say(none)
  const lines = [heads, ...rows.map(row => row.map(shown))]
  const widths = heads.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  const last = heads.length - 1
  for (const line of lines) print(line.map((text, column) => (column === last ? text : text.padEnd(widths[column] ?? 0))).join('  '))
}

/** Name and value, a line each; a value may have several lines. */
export function printPairs(pairs: readonly (readonly [name: string, value: Cell | readonly string[]])[]): void {
  const width = Math.max(...pairs.map(([name]) => name.length))
  for (const [name, value] of pairs) {
    const texts = Array.isArray(value) ? (value as readonly string[]).map(clean) : [shown(value as Cell)]
    const [first = '–', ...more] = texts
    print(`${name.padEnd(width)}  ${first}`)
    for (const text of more) print(`${' '.repeat(width)}  ${text}`)
  }
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Says that something takes time, moving where somebody looks. @returns what ends it. */
export function waiting(sentence: string): () => void {
  if (!process.stderr.isTTY) {
    say(`${sentence} …`)
    return () => undefined
  }
  let frame = 0
  const draw = () => process.stderr.write(`\r\x1b[K${frames[frame++ % frames.length]} ${sentence}`)
  draw()
  const timer = setInterval(draw, 100)
  return () => {
    clearInterval(timer)
    process.stderr.write('\r\x1b[K')
  }
}
