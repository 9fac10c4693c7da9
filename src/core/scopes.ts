/** The three ways a scope list is written (CON-11). `plus` is the letter `+` between scopes, which arrives encoded as `%2B`. */
export const scopeSeparators = { comma: ',', space: ' ', plus: '+' } as const

export type ScopeDelimiter = keyof typeof scopeSeparators

/** Scopes once each, in the order they were asked for. */
export const unique = (scopes: readonly string[]): string[] => [...new Set(scopes)]

/** Scopes as a service lists them in an answer: whatever it separates them with, none of these characters is part of one. */
export const splitScopes = (text: string): string[] => unique(text.split(/[\s,+]+/).filter(Boolean))

/** Scopes that were asked for and not granted. A service that says nothing about scopes granted what was asked (RFC 6749 §5.1). */
export const missingScopes = (asked: readonly string[], granted: readonly string[]): string[] => {
  const have = new Set(granted.map(scope => scope.toLowerCase()))
  return asked.filter(scope => !have.has(scope.toLowerCase()))
}
