/** Above this many comparisons at worst, searching goes by a table instead of V8's search, whose worst case is length × length. */
const quick = 1 << 24

/** As `text.indexOf(part, from)`, in time linear in both lengths whatever they hold. */
export function indexOfText(text: string, part: string, from = 0): number {
  if (part.length < 2 || part.length * (text.length - from) < quick) return text.indexOf(part, from)
  return occurrences(text, part, from).next().value ?? -1
}

/** As `text.lastIndexOf(part)`, in linear time. */
export function lastIndexOfText(text: string, part: string): number {
  if (part.length < 2 || part.length * text.length < quick) return text.lastIndexOf(part)
  let last = -1
  for (const at of occurrences(text, part, 0)) last = at
  return last
}

/** Where a text occurs, from left to right without overlap. An empty text occurs nowhere. */
export function* placesOf(text: string, part: string): Generator<number, undefined> {
  if (part === '') return
  for (let at = indexOfText(text, part); at >= 0; at = indexOfText(text, part, at + part.length)) yield at
}

/**
 * Lower case, one UTF-16 unit for each unit, so that places in the result are places in the text ("İ" has two units in lower case and
 * stays as it is).
 */
export function folded(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  return text.replaceAll(/./gsu, character => {
    const one = character.toLowerCase()
    return one.length === character.length ? one : character
  })
}

/** Knuth, Morris and Pratt: every place where `part` starts, overlapping ones too. */
function* occurrences(text: string, part: string, from: number): Generator<number, undefined> {
  const fallback = new Int32Array(part.length)
  for (let at = 1, matched = 0; at < part.length; at += 1) {
    while (matched > 0 && part.charCodeAt(at) !== part.charCodeAt(matched)) matched = fallback[matched - 1] ?? 0
    if (part.charCodeAt(at) === part.charCodeAt(matched)) matched += 1
    fallback[at] = matched
  }
  for (let at = from, matched = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    while (matched > 0 && unit !== part.charCodeAt(matched)) matched = fallback[matched - 1] ?? 0
    if (unit === part.charCodeAt(matched)) matched += 1
    if (matched === part.length) {
      yield at - part.length + 1
      matched = fallback[matched - 1] ?? 0
    }
  }
}
