import { schemeOf } from '../auth/index.ts'
import { isFile } from '../core/invoke-answer.ts'
import { headerOf, type IncomingResponse } from '../core/request.ts'
import type { Opened, Usable } from './usable.ts'

/**
 * Takes the credential out of an answer that repeats it (X11): some services show a request as they received it, some put a token into
 * their errors or redirects. A net, not a guarantee: what a service turned around, cut up, encrypted or encoded otherwise is not found.
 */
export interface Echo {
  /** Of flat headers; with `patchbay-redacted: n` behind them when something was taken out. */
  headers(headers: readonly string[]): readonly string[]
  /** Headers and body. A file stays as it is. */
  answer(answer: IncomingResponse): IncomingResponse
}

/** Of a call without a connection. */
export const noEcho: Echo = { headers: headers => headers, answer: answer => answer }

export const redacted = '[redacted]'
const redactedBytes = Buffer.from(redacted)
const countHeader = 'patchbay-redacted'

/** Shorter values stand in too many answers by chance. */
const shortest = 8
/** Half a millisecond a megabyte and spelling, while which nothing else happens: of a longer body only so much is searched. */
const mostSearched = 4 * 1024 * 1024

/** Alone and as a part of JSON, a URL, a form, or a header of HTTP Basic. */
function spellingsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64')
  const inJson = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    inJson,
    inJson.replaceAll('/', '\\/'),
    encodeURIComponent(secret),
    new URLSearchParams({ a: secret }).toString().slice(2),
    base64,
    base64.replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
  ]
}

/** By the opened credential, which is another object for each generation. */
const echoes = new WeakMap<Opened, Echo>()

export function echoOf(usable: Usable, opened: Opened): Echo {
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
  const needles = texts.map(text => Buffer.from(text))
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
    for (const needle of needles) {
      let at = text.indexOf(needle)
      if (at < 0) continue
      const parts: Buffer[] = []
      let from = 0
      for (; at >= 0; at = text.indexOf(needle, from)) {
        parts.push(text.subarray(from, at), redactedBytes)
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
      const searched = isFile(headerOf(answer.headers, 'content-type')) ? { body: answer.body, count: 0 } : cleanBody(answer.body)
      const headers = clean(answer.headers, searched.count)
      return headers === answer.headers ? answer : { ...answer, headers, body: searched.body }
    },
  }
}
