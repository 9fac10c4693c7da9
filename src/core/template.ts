/** `{name}` in a URL, header or parameter stands for a variable of the connection (CON-17). */
const placeholder = /\{([a-z][a-z0-9_]{0,49})\}/g

export const placeholdersOf = (text: string): string[] => [...text.matchAll(placeholder)].map(match => match[1] ?? '')

/** Replaces each `{name}` that has a value; one without a value stays as it stands, so that nothing is sent half-filled unnoticed. */
export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(placeholder, (whole, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? whole) : whole))

/** What a variable may hold inside a host: one DNS label or several, so that `evil.test/` or `a@b` cannot move a URL elsewhere (X13). */
export const hostVariablePattern = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,7}$/

/** Elsewhere in a URL: unreserved characters only, and never a dot segment. */
export const pathVariablePattern = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,200}$/

/** True when the placeholder stands in the host of a URL template. */
export const inHost = (template: string, name: string): boolean => {
  const host = /^https?:\/\/([^/?#]*)/.exec(template)?.[1] ?? (/^[^/?#]*$/.test(template) ? template : '')
  return host.includes(`{${name}}`)
}
