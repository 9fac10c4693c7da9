/** Controls, invisible and direction-changing characters, and halves of surrogate pairs: all but the joiner inside an emoji. */
const unseen =
  /(?<!\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)\u200D|\u200D(?!\p{Extended_Pictographic})|(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}]/gu

/** More than a person reads in one element; slicing first keeps a value of megabytes from being searched through. */
const readAtMost = 20_000

const whole = (value: string): string => value.slice(0, readAtMost).normalize('NFC')

function cut(value: string, max: number): string {
  const characters = [...value]
  return characters.length <= max ? value : `${characters.slice(0, max - 1).join('')}…`
}

/**
 * Text from outside as one line that can be shown: composed (NFC), line breaks and runs of blanks as one blank, control, format and
 * bidirectional characters gone (X21, X22), cut to `max` characters as a person counts them, the last being an ellipsis. Not escaped.
 */
export const text = (value: string, max = 300): string =>
  cut(
    whole(value)
      .replace(/[\s\p{Zl}\p{Zp}\u0085]+/gu, ' ')
      .replace(unseen, '')
      .trim(),
    max,
  )

/** True when one word joins Latin with Cyrillic or Greek letters, as a name made to look like another does (X21). */
export const mixesScripts = (value: string): boolean =>
  whole(value)
    .split(/[^\p{Letter}\p{Mark}]+/u)
    .some(word => /\p{Script=Latin}/u.test(word) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word))

/** A path on this origin: one slash first, and no second slash or backslash, which browsers take for another host. A callback may be long. */
export const ownPath = (value: string): string | null =>
  /^\/(?![/\\])/.test(value) && !/[\p{Cc}\p{Cs}\\]/u.test(value) && value.length <= 12_000 ? value : null

/** A URL that may be linked: a path on this origin, or absolute http(s) without a user name; anything else (`javascript:`, `data:`) is null. */
export function linkable(value: string): string | null {
  if (ownPath(value) !== null) return value
  if (!/^https?:\/\/[^/\\]/i.test(value) || /[\p{Cc}\p{Cf}\p{Cs}\s\\]/u.test(value) || value.length > 8192 || !URL.canParse(value))
    return null
  const url = new URL(value)
  return url.username === '' && url.password === '' ? url.href : null
}

/** One segment of a path of ours; never throws. */
export const segment = (value: string): string => encodeURIComponent(value.replace(/\p{Cs}/gu, '\uFFFD'))
