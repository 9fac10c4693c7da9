import fc from 'fast-check'
import { expect, it } from 'vitest'
import { invokeUrlInput, outgoing, type InvokeUrl } from './invoke-url.ts'
import { Problem } from './problem.ts'
import { pairsOf } from './request.ts'

/** Characters that end a part of a URL, a header or a body somewhere. */
const nasty = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '\r\nHost: evil.test',
    '@evil.test',
    '//evil.test/',
    '?',
    '#',
    '&',
    '=',
    '%',
    '/../..',
    '\\',
    '__proto__',
    'constructor',
    '\0',
  ),
)
const map = fc.dictionary(nasty, fc.oneof(nasty, fc.integer(), fc.boolean(), fc.constant(null)), { maxKeys: 6, noNullPrototype: true })
const destination = new URL('https://api.good.test:8443/v1/things?fixed=1')
const written = { headers: null, body: null, parameters: null }

/** A lone surrogate has no bytes in UTF-8. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD')

/** Null for a call that is refused, which only a Problem may do. */
function built(call: Readonly<Record<string, unknown>>) {
  try {
    const parsed: InvokeUrl = invokeUrlInput.parse({ url: destination.href, ...call })
    return outgoing(parsed, destination, written, () => 'patchbay-boundary')
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    return null
  }
}

it('no parameter moves a call to another host or path, or ends the query', () => {
  fc.assert(
    fc.property(fc.constantFrom('GET', 'HEAD', 'DELETE', 'POST', 'PUT'), map, (type, parameters) => {
      const request = built({ type, parameters })
      if (request === null) return
      const { url, body } = request
      expect([url.origin, url.pathname, url.hash, url.username]).toEqual([destination.origin, destination.pathname, '', ''])
      expect(url.href).toMatch(/^[\x21-\x7e]+$/)
      // what went in comes out again: nothing of it was read as a separator
      const pairs = pairsOf(`&${url.search.slice(1)}`).slice(1)
      const names = body?.kind === 'form' ? body.fields.map(([name]) => name) : pairs.map(([name]) => name)
      // names of prototypes too (X16)
      expect(names.map(wellFormed).sort()).toEqual(Object.keys(parameters).map(wellFormed).sort())
    }),
    { numRuns: 1_000 },
  )
})

it('no header of a caller holds a line break, or is one of ours', () => {
  const names = fc.oneof(
    nasty,
    fc.constantFrom('Host', 'Content-Length', 'X-Forwarded-For', 'Patchbay-Hop', 'transfer_encoding', 'Cookie', 'X-Fine'),
  )
  fc.assert(
    fc.property(fc.dictionary(names, nasty, { maxKeys: 4, noNullPrototype: true }), headers => {
      const request = built({ headers })
      if (request === null) return
      for (const [i, text] of request.headers.entries()) {
        expect(text).toMatch(/^[\x20-\x7e]*$/)
        if (i % 2 === 0) expect(text).not.toMatch(/^(?:host|content.length|x.forwarded.*|patchbay.*|transfer.encoding|cookie)$/i)
      }
    }),
    { numRuns: 1_000 },
  )
})
