/* What a page keeps in its URL. Anything that is not what it should be is left out, so that a mistyped URL still opens the page. */

export const optionalText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200) : typeof value === 'number' ? String(value) : undefined

export const oneOf = <const T extends string>(known: readonly T[], value: unknown): T | undefined => known.find(one => one === value)

/** Everything in a page's search may be left out when linking to it. */
export const optional = <T extends object>(values: T): Partial<T> => values

/** Several texts, at most a hundred; what is none is left out. */
export const optionalTexts = (value: unknown): string[] | undefined => {
  const texts = Array.isArray(value) ? value.filter(one => typeof one === 'string' && one !== '' && one.length <= 300).slice(0, 100) : []
  return texts.length === 0 ? undefined : (texts as string[])
}
