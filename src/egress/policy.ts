import { Problem } from '../core/problem.ts'

/** Longest URL that is called or accepted, in characters as given and as parsed. Servers refuse longer ones anyway (RFC 9110 §4.1 asks for 8000). */
export const longestUrl = 8192

const refuse = (detail: string) => new Problem('invalid_url', { detail })

/**
 * The one place where text becomes a URL to call (X13, URL tricks of X03). The WHATWG parser repairs much of what it is given; what
 * it would have to repair is refused, so that no other reader of the same text can understand another host. The fragment is dropped.
 * @throws Problem invalid_url
 */
export function parseDestination(text: string): URL {
  if (text.length > longestUrl)
    throw refuse(`The URL is longer than ${longestUrl} characters. Shorten it, or send its parameters in the body.`)
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for: the parser removes tabs and line breaks silently
  if (/[\x00-\x20\x7f\\]/.test(text)) throw refuse('The URL holds a space, a control character or a backslash. Percent-encode it.')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw refuse('The URL is not absolute: it must start with https://.')
  if (scheme !== 'https' && scheme !== 'http') throw refuse('Only https and http URLs can be called.')
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1]
  if (authority === undefined) throw refuse('The URL names no host: two slashes and a host follow the scheme.')
  if (authority.includes('@'))
    throw refuse('A URL with a user name or password in it is not called. The connection carries the credential.')
  const url = parsed(text)
  // Port 0 cannot be dialled, and reads as "no port" in many places.
  if (url.hostname === '' || url.port === '0') throw refuse('The host or port of the URL is not valid.')
  // Setting it parses everything once more.
  if (text.includes('#')) url.hash = ''
  if (url.href.length > longestUrl)
    throw refuse(`The URL is longer than ${longestUrl} characters once encoded. Shorten it, or send its parameters in the body.`)
  return url
}

function parsed(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The parser's own error repeats the URL.
    throw refuse('The host or port of the URL is not valid.')
  }
}

/**
 * Plain http only to hosts that the operator listed, each as `host` (any port) or `host:port`, in lower case.
 * @throws Problem destination_not_allowed
 */
export function assertTransport(url: URL, insecureHosts: readonly string[]): void {
  if (url.protocol === 'https:') return
  const { hostname } = url
  if (url.protocol === 'http:' && (insecureHosts.includes(hostname) || insecureHosts.includes(`${hostname}:${url.port || '80'}`))) return
  throw new Problem('destination_not_allowed', {
    host: url.host,
    detail: `${url.host} may only be called over https. Use https, or let the operator list the host in PATCHBAY_ALLOW_INSECURE_HTTP.`,
  })
}
