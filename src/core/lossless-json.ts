/**
 * JSON whose long numbers must survive: a 19-digit id is not exact as a JavaScript number (URL-28). Texts are passed on as they stand
 * where they can be; where a value has to be taken out, its digits are kept as text.
 */

/** Nesting that no honest document has; deeper ones parse, and then break whoever walks them (X15). */
const deepest = 100

/** True when the text nests deeper than 100 levels. One pass, no allocation. */
export function tooDeep(text: string): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) i = endOfString(text, i)
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > deepest) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}

/** The index of the quote that closes the string opened at `i`. */
function endOfString(text: string, i: number): number {
  for (let j = i + 1; j < text.length; j++) {
    const c = text.charCodeAt(j)
    if (c === 0x5c) j++
    else if (c === 0x22) return j
  }
  return text.length
}

const blank = (c: number): boolean => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09
const literalHere = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y
const escapeHere = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/** The index behind the string that opens at `i`, -1 when it is none. */
function behindString(text: string, i: number): number {
  for (let j = i + 1; j < text.length; j++) {
    const c = text.charCodeAt(j)
    if (c === 0x22) return j + 1
    if (c < 0x20) return -1
    if (c !== 0x5c) continue
    escapeHere.lastIndex = j
    if (!escapeHere.test(text)) return -1
    j = escapeHere.lastIndex - 1
  }
  return -1
}

/**
 * Whether a text is a JSON object or list (RFC 8259) of at most 100 levels. Half of what JSON.parse takes, which would build what
 * nobody looks at.
 */
export function isJsonDocument(text: string): boolean {
  /** Of each level that is open, whether it is a map. */
  const open: boolean[] = []
  let i = 0
  /** What may stand here, besides blanks. */
  let next: 'document' | 'value' | 'value or end' | 'name' | 'name or end' | 'more or end' = 'document'
  while (i < text.length) {
    const c = text.charCodeAt(i)
    if (blank(c)) {
      i++
    } else if (c === 0x7d || c === 0x5d) {
      if (next !== 'more or end' && next !== (c === 0x7d ? 'name or end' : 'value or end')) return false
      if (open.pop() !== (c === 0x7d)) return false
      i++
      if (open.length === 0) break
      next = 'more or end'
    } else if (next === 'more or end') {
      if (c !== 0x2c) return false
      i++
      next = open.at(-1) ? 'name' : 'value'
    } else if (next === 'name' || next === 'name or end') {
      if (c !== 0x22 || (i = behindString(text, i)) < 0) return false
      while (blank(text.charCodeAt(i))) i++
      if (text.charCodeAt(i++) !== 0x3a) return false
      next = 'value'
    } else if (c === 0x7b || c === 0x5b) {
      if (open.push(c === 0x7b) > deepest) return false
      i++
      next = c === 0x7b ? 'name or end' : 'value or end'
    } else {
      if (next === 'document') return false
      if (c === 0x22) i = behindString(text, i)
      else {
        literalHere.lastIndex = i
        i = literalHere.test(text) ? literalHere.lastIndex : -1
      }
      if (i < 0) return false
      next = 'more or end'
    }
  }
  if (next === 'document' || open.length > 0) return false
  while (i < text.length && blank(text.charCodeAt(i))) i++
  return i === text.length
}

const long = /\d{16}/

/** Parses JSON with every number of 16 digits or more as text. @throws SyntaxError as JSON.parse does. */
export function parseLossless(text: string): unknown {
  return JSON.parse(long.test(text) ? quoteLongNumbers(text) : text)
}

/** A JSON number where it begins, however long it is. */
const numberHere = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

function quoteLongNumbers(text: string): string {
  let out = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) i = endOfString(text, i)
    else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      numberHere.lastIndex = i
      const number = numberHere.exec(text)?.[0] ?? ''
      if (long.test(number)) {
        out += text.slice(from, i) + '"' + number + '"'
        from = i + number.length
      }
      i += Math.max(number.length - 1, 0)
    }
  }
  return out + text.slice(from)
}

/** A JSON text without the blanks between its tokens; everything else stays as it was written. */
export function compactJson(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    const end = c === 0x22 ? endOfString(text, i) : i
    if (c > 0x20) out += text.slice(i, end + 1)
    i = end
  }
  return out
}

/** True when a JSON text holds digits that a JavaScript number may not keep; they may stand in a string as well. */
export const hasLongNumbers = (text: string): boolean => long.test(text)

/** The text of one member of a valid JSON object, as it was written; null when the object does not have it. The last one counts, as in JSON.parse. */
export function memberText(text: string, name: string): string | null {
  let depth = 0
  let found: string | null = null
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      const end = endOfString(text, i)
      if (depth === 1) {
        const colon = /^\s*:\s*/.exec(text.slice(end + 1, end + 200))
        if (colon) {
          const start = end + 1 + colon[0].length
          const stop = endOfValue(text, start)
          if (JSON.parse(text.slice(i, end + 1)) === name) found = text.slice(start, stop)
          i = stop - 1
          continue
        }
      }
      i = end
    } else if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return found
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      i = endOfString(text, i)
      if (depth === 0) return i + 1
    } else if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return i
      if (--depth === 0) return i + 1
    } else if (depth === 0 && (c === 0x2c || c <= 0x20)) return i
  }
  return text.length
}
