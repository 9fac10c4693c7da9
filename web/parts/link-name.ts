const pattern = /^[a-z][a-z0-9_]{0,49}$/

/** What is wrong with a link name, by the rule alone; null when nothing is. */
export const linkNameProblem = (linkName: string): string | null => {
  if (linkName === '') return 'A link name is needed: callers name the connection by it.'
  if (!/^[a-z]/.test(linkName)) return 'A link name begins with a letter from a to z, in lower case.'
  if (!/^[a-z0-9_]*$/.test(linkName)) return 'A link name has lower-case letters, digits and _ only.'
  return pattern.test(linkName) ? null : 'A link name has 50 characters at most.'
}

/** CON-4: the link name that a form proposes for a name. */
export const linkNameFor = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 50)
