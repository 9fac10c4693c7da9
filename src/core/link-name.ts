import { z } from 'zod'

/** CON-2: no i, m or u flag, because with them `ſ`, `K` or a trailing newline would pass. The database has the same check. */
export const linkNamePattern = /^[a-z][a-z0-9_]{0,49}$/

export const linkNameRule = 'A link name starts with a lower-case letter; then lower-case letters, digits or _; 50 characters at most.'

export const linkName = z
  .string()
  .regex(linkNamePattern, linkNameRule)
  .meta({ description: linkNameRule, examples: ['mailchimp'] })

/** Control and format characters have no place in a name that people read; the joiner inside an emoji does. */
const unseen = /(?!\u200D)[\p{Cc}\p{Cf}]/u

/** CON-1: up to 50 characters as a person counts them (code points), trimmed and composed. */
export const displayName = z
  .string()
  .transform(text => text.trim().normalize('NFC'))
  .pipe(
    z
      .string()
      .min(1, 'A name is needed.')
      .refine(text => [...text].length <= 50, 'A name has 50 characters at most.')
      .refine(text => !unseen.test(text), 'A name has no control or invisible characters.'),
  )

/** A few words from a person, read by others: one line (line breaks become blanks), trimmed and composed, no control or invisible characters. */
export const oneLine = (max: number) =>
  z
    .string()
    .max(max * 4)
    .transform(text => text.normalize('NFC').replace(/\s+/g, ' ').trim())
    .pipe(
      z
        .string()
        .refine(text => [...text].length <= max, `Write ${max} characters at most.`)
        .refine(text => !unseen.test(text) && !/\p{Cs}/u.test(text), 'Control and invisible characters cannot stand here.'),
    )

/** CON-4: the link name that a form proposes for a name. May be empty when nothing in the name can stand in one. */
export function linkNameFor(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 50)
}
