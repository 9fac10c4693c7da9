import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import { runScheduled } from '../../src/broker/function-due.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminEmail, adminPassword, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { connected } from '../support/postgres-server.ts'
import { must } from '../support/practice-services.ts'
import { startStatementRelay, type Loss, type StatementRelay } from '../support/statement-relay.ts'

/** What a process asks by itself, whenever it likes. */
const byItself = /clock_timestamp\(\) as at|^select 1$|patchbay_jobs\.|listen |"last_used_at"|invocation_(?:series|batches)|latest_time/i
/** More than any of these stories asks. */
const mostStatements = 100

const isAway = ({ status, json, text, headers }: Answer): boolean => {
  if (status !== 503) return false
  expect([json?.code, headers.get('retry-after')], text).toEqual(['storage_unavailable', '2'])
  return true
}

/**
 * Each statement in turn is lost with its connection, before it reaches the server or after it was carried out. Whoever asked hears the right
 * answer or `storage_unavailable`, and asks once more: then it is done, once.
 */
describe('R-1 every statement is lost once [postgres]', { timeout: 120_000 }, () => {
  let relay: StatementRelay
  let patchbay: TestPatchbay
  let story: OAuthStory
  let databaseUrl: string
  const settings: Record<string, string> = { PATCHBAY_MASTER_KEY: 'eZ0rTqk8mJx5Yw2vBn7cLd9fGh3sPa6uRi1oKt4yWbE=' }
  let printed: MockInstance
  let serial = 0

  beforeAll(async () => {
    const url = new URL(await createPostgresDatabase())
    relay = await startStatementRelay({ host: url.hostname, port: Number(url.port) }, text => !byItself.test(text))
    url.port = String(relay.port)
    databaseUrl = url.href
    patchbay = await startPatchbay({ database: 'postgres', databaseUrl, settings })
    story = await startOAuthStory(patchbay)
    await story.service('strict', { habits: { rotation: 'strict' } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await relay.close()
  })
  beforeEach(() => {
    printed = vi.spyOn(console, 'error')
  })
  afterEach(() => {
    expect(printed.mock.calls, 'what libraries print is in no log and not redacted').toEqual([])
    printed.mockRestore()
  })

  /** The story with its first statement lost, then with its second, until it has fewer. @returns the statements. */
  async function each(
    how: Loss,
    one: (name: string, lost: <T>(work: () => Promise<T>) => Promise<T>) => Promise<void>,
    most?: number,
  ): Promise<string[]> {
    const texts: string[] = []
    for (let number = 1; number <= mostStatements; number++) {
      let all: readonly string[] = []
      await one(`lost_${serial++}`, async work => {
        relay.count({ number, how })
        const since = performance.now()
        try {
          return await work()
        } finally {
          all = relay.stop()
          expect(performance.now() - since, all[number - 1]).toBeLessThan(8_000)
        }
      }).catch((error: unknown) => {
        throw new Error(`${how} ${number}: ${all[number - 1] ?? 'none'}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      })
      const text = all[number - 1]
      if (text === undefined) return texts
      texts.push(text)
      if (number === most) return texts
      await eventually(
        'ready',
        () => patchbay.nobody('GET', '/readyz'),
        answer => answer.status === 200,
      )
    }
    throw new Error('there was no end to it')
  }

  const rows = async (text: string, ...values: unknown[]) => {
    const client = await connected(databaseUrl, 10_000)
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows
    } finally {
      await client.end()
    }
  }
  const credentialOf = async (name: string) =>
    (await rows('select k.* from credentials k join connections c on c.id = k.connection_id where c.link_name = $1', name))[0]

  it.each(['before', 'after'] as const)('an authorisation comes back: connected, or said to be begun anew (%s)', async how => {
    const { browser } = story.ada
    const texts = await each(how, async (name, lost) => {
      const url = await story.toCallback(browser, await story.begin('strict', name))
      let answer = await lost(() => browser.ask('GET', url))
      if (isAway(answer)) answer = await browser.ask('GET', url)
      if (answer.status === 400) {
        expect(answer.text).toContain('Start it again')
        const begun = must(await browser.ask('POST', `/api/v1/connections/${name}/authorize`, {}), 200)
        answer = await browser.ask('GET', await story.toCallback(browser, begun.json.authorization.url as string))
      }
      expect([answer.status, answer.headers.get('location')]).toEqual([303, `/connections/${name}`])
      expect(await credentialOf(name), 'once').toMatchObject({ status: 'connected', generation: 1 })
      const attempts = await rows(
        `select outcome from attempts a join connections c on c.id = a.connection_id where link_name = $1 and outcome = 'connected'`,
        name,
      )
      expect(attempts.length, 'its attempt says so').toBe(1)
    })
    expect(texts.length).toBeGreaterThan(15)
  })

  it.each(['before', 'after', 'hangs'] as const)(
    'a token is renewed: one request, the rotated token is kept, nobody waits (%s)',
    async how => {
      const name = await story.connect('strict', `renewed_${how}`)
      let generation = 1
      const texts = await each(
        how,
        async (_name, lost) => {
          await story.endsIn(name, -1)
          patchbay.broker.vault.forget(null)
          const before = (await story.counters()).token['refresh_token']?.['ok'] ?? 0
          for (let asked = 0, answer: Answer | null = null; answer?.status !== 200; asked++) {
            const since = performance.now()
            answer = asked === 0 ? await lost(() => story.invoke(name)) : await story.invoke(name)
            expect(performance.now() - since, 'nobody waits for a database, or for a lease that nobody knows of').toBeLessThan(5_000)
            // those who come meanwhile wait for the same look-up, until it is given up
            if ((asked === 0 || how === 'hangs') && isAway(answer)) continue
            expect([answer.status, answer.json.status_code], answer.text).toEqual([200, 200])
          }
          const counters = await story.counters()
          expect([(counters.token['refresh_token']?.['ok'] ?? 0) - before, counters.old_refresh_tokens_presented]).toEqual([1, 0])
          expect(await credentialOf(name)).toMatchObject({
            status: 'connected',
            generation: ++generation,
            lease_owner: null,
            fail_count: 0,
          })
        },
        // until the provider is asked: what hangs afterwards is stored behind
        how === 'hangs' ? 4 : undefined,
      )
      // which ones they are a job of the minute may have shifted
      expect(texts.length).toBeGreaterThan(3)
    },
  )

  it.each(['before', 'after'] as const)('an authorisation is revoked: here, and once at the provider (%s)', async how => {
    const told = async () => (await story.counters()).revoke['refresh_token'] ?? 0
    const before = await told()
    const names: string[] = []
    await each(how, async (name, lost) => {
      await story.connect('strict', name)
      names.push(name)
      const revoke = () => patchbay.admin('POST', `/api/v1/connections/${name}/revoke`, {})
      const answer = await lost(revoke)
      must(isAway(answer) ? await revoke() : answer, 200)
      expect((await story.invoke(name)).json.code).toBe('connection_revoked')
    })
    await eventually('the provider knows', told, count => count >= before + names.length)
    expect(await told()).toBe(before + names.length)
  })

  it.each(['before', 'after'] as const)('a function runs by the clock: once, and the log of runs has it (%s)', async how => {
    await each(how, async (name, lost) => {
      must(await patchbay.admin('POST', '/api/v1/functions', { source: `string standalone.${name}()\n{\n\treturn "done";\n}\n` }), 201)
      const path = `/api/v1/functions/standalone/${name}/schedules`
      const { id } = must(await patchbay.admin('POST', path, { cron: '0 0 29 2 *', time_zone: 'UTC' }), 201).json as { id: string }
      const [row] = await rows('select organization_id from functions where name = $1', name)
      const data = { organization_id: String(row?.['organization_id']), schedule_id: id, due: new Date().toISOString() }
      await lost(() => runScheduled(patchbay.broker, data))
      const runs = await eventually(
        'its run',
        () => rows('select r.status from function_runs r join functions f on f.id = r.function_id where f.name = $1', name),
        found => found.length > 0 && found.every(run => run['status'] !== 'running'),
      )
      expect(runs).toEqual([{ status: 'success' }])
    })
  })

  it.each(['before', 'after'] as const)('somebody signs in (%s)', async how => {
    await each(how, async (_name, lost) => {
      const signIn = () => patchbay.browser().ask('POST', '/api/auth/sign-in/email', { email: adminEmail, password: adminPassword })
      const answer = await lost(signIn)
      must(isAway(answer) ? await signIn() : answer, 200)
    })
  })

  it('an invitation is accepted: one person, who is told to sign in if they did not hear of it', async () => {
    await each('after', async (name, lost) => {
      const email = `${name}@example.test`
      const invited = must(await patchbay.admin('POST', '/api/v1/members/invitations', { email, role: 'user' }), 201)
      const token = String(invited.json.accept_url).split('/').at(-1) ?? ''
      const accept = () => patchbay.browser().ask('POST', `/api/v1/invitations/${token}/accept`, { name, password: adminPassword })
      let answer = await lost(accept)
      if (isAway(answer)) answer = await accept()
      if (answer.status !== 200)
        expect([answer.json.code, answer.json.detail]).toEqual(['invitation_invalid', expect.stringMatching('Sign in')])
      await patchbay.browser().signIn(email, adminPassword)
      expect(await rows('select m.role from members m join users u on u.id = m.user_id where u.email = $1', email)).toEqual([
        { role: 'user' },
      ])
    })
  })

  it('a start on a database that is there: it starts, or says why not, and the next one starts', async () => {
    const leave = { database: 'postgres', databaseUrl, settings: { ...settings, PATCHBAY_PRACTICE: 'off' } } as const
    for (let number = 1; number <= mostStatements; number++) {
      relay.count({ number, how: 'after' })
      const other = await startPatchbay(leave).catch((error: unknown) => error as Error)
      const text = relay.stop()[number - 1]
      if (other instanceof Error) expect(other.message, text).toBe('The database does not answer. Try again in a moment.')
      else await other.stop()
      if (text === undefined) return expect(other).not.toBeInstanceOf(Error)
    }
    throw new Error('there was no end to it')
  })
})
