import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminPassword, startPatchbay, type Browser, type TestPatchbay } from '../support/patchbay.ts'
import { sinkScan } from '../support/sinks.ts'

/** A flow at the moment when its person comes back: what a good answer holds. */
interface Waiting {
  readonly path: string
  readonly state: string
  readonly code: string
}

/** Who loads the URL. Only the first may finish the flow. */
const visitors = ['its person', 'its person', 'its person', 'its person elsewhere', 'nobody', 'a prefetch'] as const
type Visitor = (typeof visitors)[number]

/** Pieces of a query; `STATE` and `CODE` stand for those of the flow, which is made while the property runs. */
const names = ['state', 'state', 'state', 'code', 'code', 'code', 'iss', 'error', 'error_description', 'State', 'state[]', '__proto__', '']
const values = [
  ...['STATE', 'STATE', 'STATE', 'CODE', 'CODE', 'other', '', 'A'.repeat(43), 'STATE%20', 'STATE=', '+', 'access_denied', 'server_error'],
  ...['%00', 'a%0d%0aset-cookie:%20a=b', '%ff', '%c0%af', '%', '%u0041', '%c2%85', 'é', '\u202eevil', '%3Cscript%3Ealert(1)%3C/script%3E'],
  ...['https://evil.test', "' or 1=1 --", '{"$ne":1}', '?', '?STATE', ';state=STATE', 'a'.repeat(4096), 'a'.repeat(4097)],
]
const pair = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)).map(([name, value]) => `${name}=${value}`)
const piece = fc.oneof(
  { weight: 8, arbitrary: pair },
  { weight: 1, arbitrary: fc.constantFrom('state', 'code', '', '=', '==', '&', '?') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
)
/** Half of them are a good answer, a refusal or one without a code, and something more. */
const polluted = fc
  .tuple(
    fc.array(piece, { maxLength: 2 }),
    fc.constantFrom('code=CODE', 'code=CODE', 'error=access_denied', 'code='),
    fc.array(piece, { maxLength: 2 }),
  )
  .map(([before, answer, after]) => [...before, answer, 'state=STATE', ...after])
/** A code under another name is known to be one by the parameter `code` alone: without that it is a text like any other. */
const query = fc.oneof(fc.array(piece, { maxLength: 6 }), polluted).map(pieces => {
  const codes = pieces.filter(one => /^code(?:=|$)/.test(one))
  const known = codes.length === 1 && codes[0] === 'code=CODE'
  return pieces.map(one => (known || one.startsWith('code=') ? one : one.replace('CODE', 'other'))).join('&')
})

/**
 * What a query is by the standards (RFC 6749 §4.1.2, RFC 9700 §4.7), read without Patchbay's own reader: every parameter once, valid
 * UTF-8 without control characters, nothing longer than 4096 characters, the state of the flow, and a code or an error.
 */
function meaningOf(search: string, { state }: Waiting): 'code' | 'error' | 'nothing' {
  const read = new Map<string, string>()
  for (const part of search.replace(/^\?/, '').split('&')) {
    if (part === '') continue
    const [name = '', ...rest] = part
      .split('=')
      .reduce<string[]>((all, one, i) => (i < 2 ? [...all, one] : [all[0]!, `${all[1]}=${one}`]), [])
    let key, value: string
    try {
      key = decodeURIComponent(name.replaceAll('+', ' '))
      value = decodeURIComponent((rest[0] ?? '').replaceAll('+', ' '))
    } catch {
      return 'nothing'
    }
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    if (read.has(key) || value.length > 4096 || /[\u0000-\u001f\u007f]/.test(key + value)) return 'nothing'
    read.set(key, value)
  }
  if (read.get('state') !== state) return 'nothing'
  if (read.get('error')) return 'error'
  const code = read.get('code') ?? ''
  return code === '' || /\p{Cc}/u.test(code) ? 'nothing' : 'code'
}

describe.each(['pglite', 'postgres'] as const)('X08 whatever comes to the callback [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let elsewhere: Browser
  beforeAll(async () => {
    // so that each visit may come from an address of its own: guessing is throttled by address
    patchbay = await startPatchbay({ database, settings: { PATCHBAY_TRUSTED_PROXIES: '127.0.0.1' } })
    story = await startOAuthStory(patchbay)
    elsewhere = patchbay.browser()
    await elsewhere.signIn(story.ada.email, adminPassword)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const stored = async ({ state }: Waiting) => {
    const hash = createHash('sha256').update(state).digest('base64url')
    const rows = await sql`select 1 from pending_authorizations where state_hash = ${hash}`.execute(patchbay.broker.db)
    return rows.rows.length === 1
  }
  const tokenRequests = async () => (await story.counters()).token_requests

  it('no query makes a token request or uses a flow up but a good one of its person, and none is an accident', async () => {
    const name = await story.service('any_query')
    const waitingAt = (callback: string): Waiting => {
      const url = new URL(callback)
      return { path: url.pathname, state: url.searchParams.get('state') ?? '', code: url.searchParams.get('code') ?? '' }
    }
    const again = async () => {
      const begun = await story.ada.browser.ask('POST', `/api/v1/connections/${name}/authorize`, {})
      return waitingAt(await story.toCallback(story.ada.browser, begun.json.authorization.url as string))
    }
    let waiting = waitingAt(await story.toCallback(story.ada.browser, await story.begin(name, name)))
    const secrets = { state: waiting.state, code: waiting.code }
    let address = 0
    let expectedRequests = 0
    const seen = { code: 0, error: 0, nothing: 0 }

    const visit = (visitor: Visitor, url: string) => {
      address++
      const from = { 'x-forwarded-for': `198.51.${address >> 8}.${address & 255}`, accept: 'text/html' }
      if (visitor === 'nobody') return patchbay.nobody('GET', url, undefined, from)
      if (visitor === 'its person elsewhere') return elsewhere.ask('GET', url, undefined, from)
      return story.ada.browser.ask('GET', url, undefined, visitor === 'a prefetch' ? { ...from, 'sec-purpose': 'prefetch' } : from)
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...visitors), query, async (visitor, pieces) => {
        const { path, state, code } = waiting
        const url = new URL(`${patchbay.base}${path}?${pieces.replaceAll('STATE', state).replaceAll('CODE', code)}`)
        const answer = await visit(visitor, url.origin + url.pathname + url.search)
        const meaning = visitor === 'its person' ? meaningOf(url.search, waiting) : 'nothing'
        seen[meaning]++
        if (meaning === 'code') expectedRequests++
        const flow = waiting
        if (meaning !== 'nothing') waiting = await again()
        const what = `${visitor} ${meaning} ${url.search}: ${answer.status} ${answer.text.slice(0, 200)}`
        expect(await stored(flow), what).toBe(meaning === 'nothing')
        expect(await tokenRequests(), what).toBe(expectedRequests)
        expect(answer.status, what).toBeLessThan(500)
        if (meaning === 'nothing') expect([303, 400, 403], what).toContain(answer.status)
        if (answer.status === 303 && meaning === 'nothing') expect(answer.headers.get('location'), what).toMatch(/^\/sign-in\?return_to=/)
        if (answer.status !== 303) {
          expect(answer.headers.get('content-type'), what).toBe('text/html; charset=utf-8')
          expect(answer.headers.get('cache-control'), what).toBe('no-store')
          expect(answer.text, what).not.toMatch(/<script|\u202e/i)
        }
      }),
      { numRuns: 150, endOnFailure: true },
    )
    expect(Math.min(...Object.values(seen)), `every kind was tried: ${JSON.stringify(seen)}`).toBeGreaterThan(0)
    // the sign-in page keeps the URL in its own address: that is where nobody's answers have it from
    const { code } = secrets
    expect((await sinkScan(patchbay, { code })).filter(where => !where.startsWith('GET http'))).toEqual([])
  }, 120_000)
})
