import { schemeOf } from '../auth/index.ts'
import { percentEncode, type IncomingResponse } from '../core/request.ts'
import type { Opened, Usable } from './usable.ts'

/**
 * Takes the credential out of an answer that repeats it (X11): some services show a request as they received it, some put a token into
 * their errors or redirects. A net, not a guarantee: what a service turned around, cut up, encrypted or encoded otherwise is not found.
 */
export interface Echo {
  /** Of flat headers; with `patchbay-redacted: n` behind them when something was taken out. */
  headers(headers: readonly string[]): readonly string[]
  /** Headers and body, files too: which of them an answer is, the service says. */
  answer(answer: IncomingResponse): IncomingResponse
}

/** Of a call without a connection. */
export const noEcho: Echo = { headers: headers => headers, answer: answer => answer }

export const redacted = '[redacted]'
const countHeader = 'patchbay-redacted'

/** Shorter values stand in too many answers by chance. */
const shortest = 8
/** Half a millisecond a megabyte and spelling, while which nothing else happens: of a longer body only so much is searched. */
const mostSearched = 4 * 1024 * 1024

const escaped = (text: string, characters: RegExp, escape: (code: number) => string): string =>
  text.replace(characters, one => escape(one.charCodeAt(0)))

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const inHtml = (text: string, quote: string): string => text.replace(/[&<>"']/g, one => entities[one] ?? quote)

/** In JSON: as it must be, with `/` as PHP, and with more escaped than must be as Gson, Go and .NET do it. */
function spellingsInJson(secret: string): string[] {
  const plain = JSON.stringify(secret).slice(1, -1)
  const hex = (code: number) => code.toString(16).padStart(4, '0')
  return [
    plain,
    plain.replaceAll('/', '\\/'),
    escaped(plain, /[&<>]/g, code => `\\u${hex(code)}`),
    escaped(plain, /[&<>'=]/g, code => `\\u${hex(code)}`),
    escaped(plain.replaceAll('\\"', '"'), /["&'+<>`]/g, code => `\\u${hex(code).toUpperCase()}`),
  ]
}

/** What is the same of a longer Base64 text wherever in it the secret stands: all but the characters it shares with its neighbours. */
const insideBase64 = (bytes: Buffer): string[] =>
  [1, 2].map(before =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(before + 1, Math.floor(((before + bytes.length) * 8) / 6)),
  )

/** As a part of JSON, HTML, a URL, a form, or a URL in a URL. */
function escapedSpellings(secret: string): string[] {
  const percent = encodeURIComponent(secret)
  return [
    ...spellingsInJson(secret),
    ...["'", '&#39;', '&#x27;'].map(quote => inHtml(secret, quote)),
    ...[percent, percentEncode(secret)].flatMap(one => [one, one.replace(/%../g, two => two.toLowerCase()), encodeURIComponent(one)]),
    new URLSearchParams({ a: secret }).toString().slice(2),
  ]
}

/** Characters that are escaped nowhere, which most tokens have no others of. */
const escapedNowhere = /^[\w.-]*$/

/** Alone and as a part of what must escape it, a header of HTTP Basic, or something longer that is in Base64. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = bytes.toString('base64')
  const inBase64 = [base64, base64.replace(/=+$/, ''), ...insideBase64(bytes)]
  const hex = bytes.toString('hex')
  return [
    secret,
    ...(escapedNowhere.test(secret) ? [] : escapedSpellings(secret)),
    ...inBase64,
    ...inBase64.map(one => one.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')),
    hex,
    hex.toUpperCase(),
  ]
}

type Width = 'utf8' | 'utf16le' | 'utf16be'

/** UTF-16 by its byte order mark, or by a first character that is ASCII, as that of JSON always is. */
function widthOf(body: Buffer): Width {
  const [first = 1, second = 1] = body
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf16le'
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? 'utf16be' : 'utf8'
}

const bytesIn = (width: Width, text: string): Buffer =>
  width === 'utf16be' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, width)

/** By the opened credential, which is another object for each generation. */
const echoes = new WeakMap<Opened, Echo>()

export function echoOf(usable: Pick<Usable, 'service'>, opened: Opened): Echo {
  let echo = echoes.get(opened)
  if (!echo) {
    const { service } = usable
    const variables = Object.entries(service.advanced.variables ?? {}).flatMap(([name, { secret }]) =>
      secret && Object.hasOwn(opened.variables, name) ? [opened.variables[name] ?? ''] : [],
    )
    echoes.set(opened, (echo = createEcho([...schemeOf(service).secretsOf(opened.credential), ...variables])))
  }
  return echo
}

export function createEcho(secrets: readonly string[]): Echo {
  const spellings = [...new Set(secrets.filter(one => one.length >= shortest).flatMap(spellingsOf))]
  // the longest first: what is left of it must not be found as a part of another
  const texts = spellings.sort((a, b) => b.length - a.length)
  /** Made for the first body: the proxy never has one here, and thousands of connections are remembered. */
  let needles: Buffer[] | null = null
  const [least = Infinity] = texts.map(text => text.length).toReversed()
  if (texts.length === 0) return noEcho

  function clean(headers: readonly string[], found: number): readonly string[] {
    let out: string[] | null = null
    let count = found
    for (let i = 1; i < headers.length; i += 2) {
      const value = headers[i] ?? ''
      if (value.length < least) continue
      let shown = value
      for (const text of texts) {
        if (text.length > shown.length || !shown.includes(text)) continue
        const parts = shown.split(text)
        count += parts.length - 1
        shown = parts.join(redacted)
      }
      if (shown !== value) (out ??= [...headers])[i] = shown
    }
    return count === 0 ? headers : [...(out ?? headers), countHeader, String(count)]
  }

  function cleanBody(body: Buffer): { body: Buffer; count: number } {
    let count = 0
    let text = body.subarray(0, mostSearched)
    const width = widthOf(text)
    for (const needle of width === 'utf8' ? (needles ??= texts.map(one => bytesIn(width, one))) : texts.map(one => bytesIn(width, one))) {
      let at = text.indexOf(needle)
      if (at < 0) continue
      const parts: Buffer[] = []
      let from = 0
      for (; at >= 0; at = text.indexOf(needle, from)) {
        parts.push(text.subarray(from, at), bytesIn(width, redacted))
        from = at + needle.length
        count++
      }
      text = Buffer.concat([...parts, text.subarray(from)])
    }
    return { body: count === 0 ? body : Buffer.concat([text, body.subarray(mostSearched)]), count }
  }

  return {
    headers: headers => clean(headers, 0),
    answer(answer) {
      const searched = cleanBody(answer.body)
      const headers = clean(answer.headers, searched.count)
      return headers === answer.headers ? answer : { ...answer, headers, body: searched.body }
    },
  }
}
