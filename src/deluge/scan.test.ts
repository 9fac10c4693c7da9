import { expect, test } from 'vitest'
import { findingsOf } from './finding.ts'
import { scan, textOfToken } from './scan.ts'

function scanned(source: string) {
  const findings = findingsOf(source)
  const tokens = scan(source, findings.add)
  return {
    kinds: tokens.map(token => token.kind).join(' '),
    words: tokens.map(token => source.slice(token.start, token.end)),
    texts: tokens.filter(token => token.kind === 'text' || token.kind === 'quoted').map(token => textOfToken(source, token)),
    messages: findings.list.map(finding => `${finding.line}:${finding.column} ${finding.message}`),
  }
}

test('comments stand anywhere between tokens and are left out (LEX-1)', () => {
  const { words, messages } = scanned('a/* x\n; */ = // "b\n1;//')
  expect(words).toEqual(['a', '=', '1', ';', ''])
  expect(messages).toEqual([])
})

test('a text keeps its line breaks and resolves its escapes, and an unknown escape keeps its backslash (LEX-5)', () => {
  expect(scanned(String.raw`"a \" \\ \n \t \r \d \'"`).texts).toEqual(['a " \\ \n \t \r \\d \''])
  expect(scanned('"one\ntwo"').texts).toEqual(['one\ntwo'])
  expect(scanned(String.raw`"\\"+"b"`).texts).toEqual(['\\', 'b'])
})

test('single quotes make a literal of their own kind (LEX-6)', () => {
  expect(scanned(`'01-Jan-2019 15:00:00' "x" ''`).kinds).toBe('quoted text quoted end')
})

test('the point of a number belongs to it only before a digit (LEX-8, EX-17)', () => {
  expect(scanned('218.49.round(0)').words).toEqual(['218.49', '.', 'round', '(', '0', ')', ''])
  expect(scanned('5.round(.5)').words).toEqual(['5', '.', 'round', '(', '.5', ')', ''])
  expect(scanned('x.5').kinds).toBe('name . number end')
  expect(scanned('1e5').messages).toEqual(["1:1 '1e5' is neither a number nor a name."])
})

test('names are plain letters, digits and underscores; another letter is reported and the name kept whole (LEX-3)', () => {
  expect(scanned('_a1 = été;').messages).toEqual(["1:7 'été' cannot be a name."])
  expect(scanned('_a1 = été;').words).toEqual(['_a1', '=', 'été', ';', ''])
})

test('typographic quotation marks are reported with a suggestion and read as a text (LEX-15)', () => {
  const source = 'x = “hello”;\ny = ‘a’;'
  const { kinds, texts, messages } = scanned(source)
  expect(kinds).toBe('name = text ; name = text ; end')
  expect(texts).toEqual(['hello', 'a'])
  expect(messages.map(message => message.slice(0, 4))).toEqual(['1:5 ', '2:5 '])
})

test('no-break spaces and byte order marks that came along from a page are white space', () => {
  expect(scanned('\ufeffx\u00a0=\u200b1;').kinds).toBe('name = number ; end')
})

test('a text that is never closed ends with its line, a comment with the source', () => {
  expect(scanned('x = "abc;\ny = 1;').messages).toEqual(['1:5 This text is never closed.'])
  expect(scanned('x = "abc;\ny = 1;').words).toEqual(['x', '=', '"abc;', 'y', '=', '1', ';', ''])
  expect(scanned('x /* y').messages).toEqual(['1:3 This comment is never closed.'])
})

test('what is no token at all is reported where it stands and left out', () => {
  expect(scanned('a & b @ # \u0007').messages).toEqual([
    "1:3 '&' stands alone.",
    "1:7 '@' means nothing here.",
    "1:9 '#' means nothing here.",
    "1:11 'U+0007' means nothing here.",
  ])
})

test('each long source is scanned in time that grows with its length', () => {
  const sources = ['"\\', '"\n\\', '\'\n\\"', '/*', '@', '“', '\\', '"a', '.5', '&', 'é ', '=', '"\\"']
  for (const part of sources) {
    const source = part.repeat(Math.floor(500_000 / part.length))
    // time of the processor: a busy machine takes longer by the clock
    const started = process.cpuUsage()
    scan(source, findingsOf(source).add)
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000, JSON.stringify(part)).toBeLessThan(3000)
  }
})
