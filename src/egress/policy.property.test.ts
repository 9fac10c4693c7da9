import { urlToHttpOptions } from 'node:url'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Problem } from '../core/problem.ts'
import { parseDestination } from './policy.ts'

/** What readers of URLs have understood differently: user names, backslashes, what the WHATWG parser removes, encoded and mapped characters. */
const pieces = fc.constantFrom(
  ...['https://', 'http://', 'HTTPS:', '//', '/', '\\', '@', ':', '#', '?', '.', '..', ';', '&', '=', '%', '[', ']', '|', '^', '<', '"'],
  ...[
    'good.test',
    'evil.test',
    '127.0.0.1',
    '10.0.0.1',
    '[::1]',
    '2130706433',
    '0x7f.1',
    ':443',
    ':80',
    ':0',
    ':65536',
    'user:password',
    'xn--',
  ],
  ...[
    '%2f',
    '%40',
    '%23',
    '%5c',
    '%00',
    '%0d%0a',
    '%2e',
    '%25',
    '\t',
    '\n',
    '\r',
    ' ',
    '\0',
    '\u007f',
    '\u00AD',
    '\u200B',
    '\u202E',
    '\uFEFF',
  ],
  ...['。', '／', '＠', '：', '＃', '１', '①', 'ⓖ', 'ß', 'İ', 'ａ', '℀', '\uD800', '🌍'],
)
const confusing = fc.oneof(
  fc.array(pieces, { maxLength: 12 }).map(list => list.join('')),
  fc.array(pieces, { maxLength: 8 }).map(list => `https://${list.join('')}`),
  fc.tuple(fc.array(pieces, { maxLength: 6 }), fc.webUrl()).map(([list, url]) => url.replace('/', () => list.join(''))),
)

/** Null for one that is refused. Anything but our own refusal is a fault. */
function destinationOf(text: string): URL | null {
  try {
    return parseDestination(text)
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    expect(error).toMatchObject({ code: 'invalid_url' })
    return null
  }
}

it('a confusing URL is refused, or every reader of it means the host that was judged', () => {
  let accepted = 0
  fc.assert(
    fc.property(confusing, text => {
      const url = destinationOf(text)
      if (url === null) return
      accepted++
      // the WHATWG parser, on the text and again on what we send
      expect(new URL(text).host).toBe(url.host)
      expect(new URL(url.href).href).toBe(url.href)
      // RFC 3986 appendix B, as older readers do it: the authority ends at the first / ? or #, and holds no user name
      const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? ''
      expect(authority).not.toMatch(/[@\\]/)
      expect(new URL(`${url.protocol}//${authority}/`).host).toBe(url.host)
      // Node's own reader, and what goes onto the wire
      expect(urlToHttpOptions(url).hostname).toBe(url.hostname.replace(/^\[|\]$/g, ''))
      expect([url.username, url.password, url.hash]).toEqual(['', '', ''])
      expect(url.host).toMatch(/^[\x21-\x7e]+$/)
      expect(url.host).not.toMatch(/[/?#@\\%<>^|]/)
      expect(url.pathname + url.search).toMatch(/^\/[\x21-\x7e]*$/)
      expect(['https:', 'http:']).toContain(url.protocol)
    }),
    { numRuns: 5_000 },
  )
  // otherwise it says nothing
  expect(accepted).toBeGreaterThan(50)
})

it('what a URL holds that it should not is not repeated in the refusal', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9]{12,24}$/), fc.array(pieces, { maxLength: 4 }), (secret, list) => {
      const text = `https://user:${secret}@${list.join('')}good.test/`
      try {
        parseDestination(text)
      } catch (error) {
        expect(error instanceof Problem && JSON.stringify([error.message, error.facts, error.errors])).not.toContain(secret)
      }
    }),
    { numRuns: 500 },
  )
})
