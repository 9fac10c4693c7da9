import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, adminPassword, leaksOf, storedLeaks } from '../support/leaks.ts'
import { startOAuthStory } from '../support/oauth-story.ts'
import { startPatchbay } from '../support/patchbay.ts'

/*
 * Every Patchbay of every test is searched when it stops (test/support/leaks.ts). This is the proof that the search finds something,
 * and that it finds nothing where there is nothing.
 */

const random = () => randomBytes(24).toString('base64url')
/** Made anew, so that this file holds none that somebody might use. */
const planted: readonly (readonly [what: string, text: string])[] = [
  ['an access token of the practice service', `{"authorization":"Bearer at12_${random()}"}`],
  ['a refresh token of the practice service', `refresh_token=rt_${random()}&x=1`],
  ['a client secret of the practice service', `"client_secret":"secret_${random()}"`],
  ['a secret of a test', 'x CANARY-something y'],
  ['a secret of a test in Base64', Buffer.from('ada:CANARY-something-long').toString('base64')],
  ['a secret of a test in hexadecimal', Buffer.from('CANARY-something').toString('hex')],
  ['a password', `{"password":"${adminPassword}"}`],
  ['a password in a form', new URLSearchParams({ password: adminPassword }).toString()],
  ['an API key', `Bearer ${adminKey}`],
  ['a refresh token in a form within JSON', `{"body":"a=1\\nrt_${random()}"}`],
  ['an access token within an address within an address', `?next=%2Fx%3Ft%3Dat3_${random()}%26y`],
]
/** A `state` or `code_challenge` begins in any way there is. */
const innocent = ['rt_', 'ts_', 'tok_', 'code_', 'pb_', 'at1_'].map(
  begin => `&code_challenge=${begin}${randomBytes(32).toString('base64url').slice(begin.length)}&x=1`,
)

describe.each(['pglite', 'postgres'] as const)('X10 the scan over a whole test run [%s]', database => {
  it(
    'finds what is planted in a log line, an answer and a column, and a Patchbay with one does not stop in peace',
    async () => {
      const patchbay = await startPatchbay({ database })
      const { logged, answered } = patchbay
      const { db } = patchbay.broker
      const story = await startOAuthStory(patchbay)
      await story.connect(await story.service('canary'), 'canary')
      await story.invoke('canary')
      await story.ada.ask('GET', '/api/v1/connections/canary')
      // all of it is there to be searched, and nothing is found
      expect([answered.length > 4, logged.length > 0]).toEqual([true, true])
      expect([...leaksOf(patchbay), ...(await storedLeaks(db))]).toEqual([])

      await sql`create table planted (a text, b jsonb, c bytea)`.execute(db)
      for (const [what, text] of planted) {
        logged.push(text)
        expect(leaksOf({ logged, answered }), what).toHaveLength(1)
        logged.pop()
        answered.push(['GET /api/v1/planted', text])
        expect(leaksOf({ logged, answered }), what).toEqual([expect.stringContaining('GET /api/v1/planted: ')])
        answered.pop()
        await sql`insert into planted (a) values (${text})`.execute(db)
        expect(await storedLeaks(db), what).toEqual([expect.stringContaining('table planted: ')])
        await sql`delete from planted`.execute(db)
      }
      for (const text of innocent) {
        expect(leaksOf({ logged: [text], answered: [['GET /api/v1/planted', text]] }), text).toEqual([])
        await sql`insert into planted (a) values (${text})`.execute(db)
      }
      expect(await storedLeaks(db)).toEqual([])
      await sql`insert into planted (b) values (${JSON.stringify({ x: [planted[0]![1]] })})`.execute(db)
      await sql`insert into planted (c) values (${Buffer.from(planted[2]![1])})`.execute(db)
      expect(await storedLeaks(db)).toHaveLength(2)
      // what a service says at these doors is its own
      const at = (where: string, headers: string, body = planted[0]![1]) =>
        leaksOf({ logged: [], answered: [[where, `${headers}\n${body}`]] })
      expect(at('POST /api/v1/invoke', 'content-type,application/json; charset=utf-8')).toEqual([])
      expect(at('GET /proxy/a/https/b/api/v1/c', 'content-type,application/problem+json')).toEqual([])
      // but not what we say ourselves when a call is refused
      expect(at('POST /api/v1/invoke', 'content-type,application/problem+json\npatchbay-problem,invalid_url')).toHaveLength(1)
      expect(at('POST /api/v1/functions/standalone/a/run', 'content-type,application/problem+json')).toHaveLength(1)
      expect(at('GET /proxy/a/https/b/', 'patchbay-problem,upstream_timeout')).toHaveLength(1)
      const refused = `{"code":"unauthenticated","details":{"request_id":"x"},"message":${JSON.stringify(planted[0]![1])},"status":"error"}`
      expect(at('GET /functions/a/actions/execute', 'content-type,application/json', refused)).toHaveLength(1)

      await expect(patchbay.stop()).rejects.toThrow('table planted')
    },
    setUpTimeoutMs,
  )
})
