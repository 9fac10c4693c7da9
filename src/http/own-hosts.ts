import { isIP } from 'node:net'

/** Whether a Host header names this Patchbay. A request without one does: HTTP/1.0 has none, and browsers always send it. */
export type AnswersTo = (host: string | undefined) => boolean

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_][a-z0-9._~-]*))(?::\d{0,5})?$/i

/** The name or address in a Host header, without its port, lower-case; null for what is no host (RFC 9110 §7.2). */
export function nameIn(host: string): string | null {
  const found = hostPattern.exec(host)
  const name = found?.[1] ?? found?.[2]
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, '')
}

/**
 * A name that somebody else owns can be made to lead here (DNS rebinding): a browser that opened it takes us for a part of their site.
 * So only names are answered that nobody else can own: the public URL's, whatever the port, since a proxy may leave it out; those of
 * the setting; names without a dot and below .localhost, as in container networks; and addresses, which nobody can have made to lead
 * somewhere else.
 *
 * @param others names, lower-case.
 */
export function ownHosts(publicUrl: string, others: readonly string[]): AnswersTo {
  const { host, hostname } = new URL(publicUrl)
  const names = new Set([hostname, ...others])
  return asked => {
    if (asked === undefined || asked === host) return true
    const name = nameIn(asked)
    return name !== null && (names.has(name) || !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0)
  }
}
