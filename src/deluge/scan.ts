import type { Report } from './finding.ts'
import { smartQuotes, type Token, type TokenKind } from './token.ts'

/**
 * Splits a source into tokens (§3.1), the last of which is `end`. Time and memory grow with the length of the source only; comments are left
 * out (LEX-1). Whatever is no token is reported once, and left out or read as what was probably meant.
 */
export function scan(source: string, report: Report): Token[] {
  const tokens: Token[] = []
  const length = source.length
  /** Once one quotation mark has no partner before the end, no later one has: each then ends with its line, or time would be quadratic. */
  const unclosed = new Set<string>()
  let at = 0
  let fresh = true
  const push = (kind: TokenKind, start: number, end: number) => {
    tokens.push({ kind, start, end, fresh })
    fresh = false
    at = end
  }
  while (at < length) {
    const code = source.charCodeAt(at)
    if (code === newline) {
      fresh = true
      at += 1
    } else if (isSpace(code)) at += 1
    else if (isNameStart(code)) push('name', at, endOfName(source, at + 1))
    else if (isDigit(code)) push('number', at, endOfNumber(source, at, report))
    else if (code === 0x22 || code === 0x27) push(code === 0x22 ? 'text' : 'quoted', at, endOfText(source, at, unclosed, report))
    else if (code === slash && source.charCodeAt(at + 1) === slash) {
      const end = source.indexOf('\n', at)
      at = end < 0 ? length : end
    } else if (code === slash && source.charCodeAt(at + 1) === star) {
      const end = source.indexOf('*/', at + 2)
      if (end < 0) report({ start: at, end: at + 2 }, 'This comment is never closed.', 'Write */ where it ends.')
      if (source.slice(at, end < 0 ? length : end).includes('\n')) fresh = true
      at = end < 0 ? length : end + 2
    } else if (code === dot && isDigit(source.charCodeAt(at + 1)) && mayStartValue(tokens, at))
      push('number', at, endOfNumber(source, at, report))
    else {
      const kind = symbolAt(code, source.charCodeAt(at + 1))
      if (kind !== undefined) push(kind, at, at + kind.length)
      else {
        const [meant, end] = mistaken(source, at, report)
        if (meant === null) at = end
        else push(meant, at, end)
      }
    }
  }
  tokens.push({ kind: 'end', start: length, end: length, fresh: true })
  return tokens
}

const newline = 10
const slash = 47
const star = 42
const dot = 46

const isDigit = (code: number) => code >= 48 && code <= 57
const isNameStart = (code: number) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
const isNamePart = (code: number) => isNameStart(code) || isDigit(code)
/** Spaces, and those that come along when a script is copied from a page: no-break space, zero-width space, byte order mark. */
const isSpace = (code: number) =>
  code === 32 || code === 9 || code === 13 || code === 11 || code === 12 || code === 0xa0 || code === 0x200b || code === 0xfeff

/** By the code of the first character, then of the second; 0 stands for any. */
const symbols: readonly (ReadonlyMap<number, TokenKind> | undefined)[] = symbolTable([
  ...(['(', ')', '[', ']', '{', '}', ',', ';', ':', '.', '?', '=', '+', '-', '*', '/', '%', '<', '>', '!'] as const),
  ...(['==', '!=', '<=', '>=', '&&', '||', '+=', '-=', '*=', '/=', '%='] as const),
])

function symbolTable(kinds: readonly TokenKind[]): Map<number, TokenKind>[] {
  const table: Map<number, TokenKind>[] = []
  for (const kind of kinds) (table[kind.charCodeAt(0)] ??= new Map()).set(kind.length > 1 ? kind.charCodeAt(1) : 0, kind)
  return table
}

function symbolAt(code: number, next: number): TokenKind | undefined {
  const following = symbols[code]
  return following === undefined ? undefined : (following.get(next) ?? following.get(0))
}

/** Directly after a name or a closing bracket a point asks for a member: `x.5` is no `x` followed by `.5`. */
function mayStartValue(tokens: readonly Token[], at: number): boolean {
  const before = tokens.at(-1)
  return before === undefined || before.end < at || !beforeMember.has(before.kind)
}
const beforeMember: ReadonlySet<TokenKind> = new Set<TokenKind>(['name', ')', ']', '}', 'text', 'quoted', 'number'])

function endOfName(source: string, from: number): number {
  let at = from
  while (isNamePart(source.charCodeAt(at))) at += 1
  return at
}

/** `12`, `3.14`; the point of `218.round(0)` belongs to the method. */
function endOfNumber(source: string, from: number, report: Report): number {
  let at = from
  while (isDigit(source.charCodeAt(at))) at += 1
  if (source.charCodeAt(at) === dot && isDigit(source.charCodeAt(at + 1))) {
    at += 1
    while (isDigit(source.charCodeAt(at))) at += 1
  }
  if (!isNameStart(source.charCodeAt(at))) return at
  const end = endOfName(source, at)
  const written = source.slice(from, Math.min(end, from + 40))
  report(
    { start: from, end },
    `'${written}' is neither a number nor a name.`,
    'Numbers are written with digits and at most one point: 1500 or 3.14.',
  )
  return end
}

/** A text may span lines (LEX-5). One that is never closed ends with its line, so that the rest can be read. */
function endOfText(source: string, from: number, unclosed: Set<string>, report: Report): number {
  const quote = source.charAt(from)
  if (!unclosed.has(quote)) {
    let end = source.indexOf(quote, from + 1)
    while (end >= 0 && isEscaped(source, from + 1, end)) end = source.indexOf(quote, end + 1)
    if (end >= 0) return end + 1
    unclosed.add(quote)
  }
  const lineEnd = source.indexOf('\n', from)
  const end = lineEnd < 0 ? source.length : lineEnd
  report({ start: from, end }, `This text is never closed.`, `Write ${quote} where it ends; a ${quote} inside it is written \\${quote}.`)
  return end
}

/** An odd number of backslashes before. Runs of them are counted again only at each quotation mark that follows them directly. */
function isEscaped(source: string, start: number, at: number): boolean {
  let before = at - 1
  while (before >= start && source.charCodeAt(before) === 0x5c) before -= 1
  return (at - before) % 2 === 0
}

/** What is no token of the language: reported, with what was probably meant. */
function mistaken(source: string, at: number, report: Report): [kind: TokenKind | null, end: number] {
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0)
  if (smartQuotes.includes(character)) return smartQuoted(source, at, report)
  if (/\p{Letter}/u.test(character)) {
    let end = at
    while (end < source.length && /[\p{Letter}\p{Mark}\p{Number}_]/u.test(String.fromCodePoint(source.codePointAt(end) ?? 0))) {
      end += String.fromCodePoint(source.codePointAt(end) ?? 0).length
    }
    report(
      { start: at, end },
      `'${source.slice(at, Math.min(end, at + 40))}' cannot be a name.`,
      'A name holds the letters A to Z, digits and _.',
    )
    return ['name', end]
  }
  const end = at + character.length
  if (character === '&' || character === '|') {
    report({ start: at, end }, `'${character}' stands alone.`, `Write ${character}${character}.`)
    return [character === '&' ? '&&' : '||', end]
  }
  const shown = /[\p{Control}\p{Format}\p{Surrogate}\p{Unassigned}\s]/u.test(character)
    ? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
    : character
  report(
    { start: at, end },
    `'${shown}' means nothing here.`,
    character === '#' ? 'A comment begins with //.' : 'Take it away, or put it inside a text.',
  )
  return [null, end]
}

/** Reads to the next quotation mark of any kind in the same line, and takes what stands between for a text (LEX-15). */
function smartQuoted(source: string, at: number, report: Report): [kind: TokenKind | null, end: number] {
  let end = at + 1
  while (
    end < source.length &&
    source.charCodeAt(end) !== newline &&
    !smartQuotes.includes(source.charAt(end)) &&
    source.charAt(end) !== '"'
  ) {
    end += 1
  }
  if (end < source.length && source.charCodeAt(end) !== newline) end += 1
  report(
    { start: at, end },
    `'${source.charAt(at)}' is a typographic quotation mark, and Deluge reads only straight ones.`,
    'Write " on both sides.',
  )
  return ['text', end]
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', "'": "'", '\\': '\\' }

/** What a text literal says, from its token. An escape that does not exist keeps its backslash, as in the regular expression "\d". */
export function textOfToken(source: string, token: Token): string {
  const open = source.charAt(token.start)
  const last = source.charAt(token.end - 1)
  const closed = token.end - token.start > 1 && (last === open || smartQuotes.includes(last) || (open !== "'" && last === '"'))
  const inside = source.slice(token.start + 1, closed ? token.end - 1 : token.end)
  if (!inside.includes('\\')) return inside
  return inside.replace(/\\([\s\S])/g, (whole, character: string) => escapes[character] ?? whole)
}
