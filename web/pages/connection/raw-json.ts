/* JSON as text: a number of 19 digits is not exact in JavaScript, so what a service wrote is laid out and taken apart without being read. */

/** The index of the quote that closes the string opened at `i`. */
function endOfString(text: string, i: number): number {
  for (let j = i + 1; j < text.length; j++) {
    if (text[j] === '\\') j++
    else if (text[j] === '"') return j
  }
  return text.length
}

const isBlank = (c: string | undefined): boolean => c === ' ' || c === '\n' || c === '\r' || c === '\t'

function skipBlanks(text: string, i: number): number {
  while (isBlank(text[i])) i++
  return i
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The same document with one member a line, every number and string as it was written; null when it is not JSON. */
export function prettyJson(text: string): string | null {
  if (!isJson(text)) return null
  const parts: string[] = []
  let depth = 0
  const line = () => '\n' + '  '.repeat(depth)
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (c === '"') {
      const end = endOfString(text, i)
      parts.push(text.slice(i, end + 1))
      i = end
    } else if (c === '{' || c === '[') {
      const next = skipBlanks(text, i + 1)
      if (text[next] === '}' || text[next] === ']') {
        parts.push(c, text[next] ?? '')
        i = next
      } else {
        depth++
        parts.push(c, line())
      }
    } else if (c === '}' || c === ']') {
      depth--
      parts.push(line(), c)
    } else if (c === ',') parts.push(c, line())
    else if (c === ':') parts.push(': ')
    else if (!isBlank(c)) parts.push(c)
  }
  return parts.join('')
}

/** The items of a JSON array, each as the text that was written. The array must be valid. */
export function itemTexts(text: string): readonly string[] {
  const items: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') i = endOfString(text, i)
    else if (c === '{' || c === '[') {
      depth++
      if (depth === 1) from = i + 1
    } else if (c === '}' || c === ']') depth--
    if ((c === ',' && depth === 1) || (c === ']' && depth === 0)) {
      const item = text.slice(from, i).trim()
      if (item !== '') items.push(item)
      from = i + 1
    }
  }
  return items
}

/** The members of a JSON object by name, each as the text that was written. The object must be valid. */
export function memberTexts(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  let depth = 0
  let name = ''
  let from = 0
  let inValue = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') {
      const end = endOfString(text, i)
      if (depth === 1 && !inValue) name = JSON.parse(text.slice(i, end + 1)) as string
      i = end
    } else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') {
      depth--
      if (depth === 0 && inValue) members.set(name, text.slice(from, i).trim())
    } else if (depth === 1 && c === ':') {
      inValue = true
      from = i + 1
    } else if (depth === 1 && c === ',') {
      members.set(name, text.slice(from, i).trim())
      inValue = false
    }
  }
  return members
}
