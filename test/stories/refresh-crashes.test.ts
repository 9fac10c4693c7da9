import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CrashPoint } from '../../src/broker/broker.ts'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { freePort } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { ready } from '../support/process.ts'
import { launchPuppet, type Puppet } from '../support/puppet.ts'

const rotations = ['none', 'grace', 'strict'] as const
type Rotation = (typeof rotations)[number]

/** Where the process dies, and how often the provider gave new tokens in the end. A lost strict rotation gave them once, in vain. */
const cells: readonly { at: CrashPoint | 'while the provider answers'; given: Readonly<Record<Rotation, number>>; lost: boolean }[] = [
  { at: 'refresh.before_send', given: { none: 1, grace: 1, strict: 1 }, lost: false },
  { at: 'while the provider answers', given: { none: 2, grace: 2, strict: 1 }, lost: true },
  { at: 'refresh.after_response', given: { none: 2, grace: 2, strict: 1 }, lost: true },
  { at: 'refresh.after_commit', given: { none: 1, grace: 1, strict: 1 }, lost: false },
]

/** One process after another, one database each: both at the same time, since each mostly waits for its process to start. */
describe.concurrent.each(['pglite', 'postgres'] as const)('R-1 SIGKILL in a refresh [%s]', database => {
  let practice: Practice
  let settings: Record<string, string>
  let running: Puppet
  let story: OAuthStory
  const everStarted: Puppet[] = []

  const begin = async () => {
    everStarted.push((running = launchPuppet(settings, practice.url)))
    await ready(running)
  }
  const nameOf = (cell: number, rotation: Rotation) => `cell_${cell}_${rotation}`
  /** How often the service's client was given an access token: once for connecting, and for each refresh. */
  const given = (service: string): number =>
    [...practice.state.accessTokens.values()].filter(token => token.grant.client.redirect_uris[0]?.endsWith(`/${service}`)).length

  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    const port = await freePort()
    settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: database === 'pglite' ? await freshDataDir() : missingDataDir(),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
      ...(database === 'postgres' && { PATCHBAY_DATABASE_URL: await createPostgresDatabase() }),
    }
    await begin()
    story = await startOAuthStory(running)
    await Promise.all(
      cells.flatMap((_, cell) =>
        rotations.map(async rotation => {
          const name = nameOf(cell, rotation)
          await story.connect(await story.service(name, { habits: { rotation, grace_seconds: 600 } }), name)
        }),
      ),
    )
  }, setUpTimeoutMs)
  afterAll(async () => {
    for (const one of everStarted) if (one.process.exitCode === null && one.process.signalCode === null) await one.end('SIGKILL')
    await practice.close()
  })

  it('what a provider forgives recovers, a strict rotation is lost only between its answer and the commit, and is then named', async () => {
    for (const [cell, { at, given: expected, lost }] of cells.entries()) {
      const like = `'cell_${cell}_%'`
      await running.sql(`update credentials k set expires_at = now() - interval '1 second' from connections c
        where c.id = k.connection_id and c.link_name like ${like}`)
      if (at !== 'while the provider answers') await running.arm(at, 3, 'kill')
      else await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', kind: 'hang', after: true, times: 3 })
      const before = practice.state.counters.old_refresh_tokens_presented
      const calls = rotations.map(rotation => story.invoke(nameOf(cell, rotation)).catch((error: unknown) => error))
      if (at === 'while the provider answers') {
        await eventually(
          'three refreshes',
          async () => practice.state.counters.misbehaved['token'] ?? 0,
          count => count === 3,
        )
        await running.end('SIGKILL')
      }
      await running.exited
      expect(running.process.signalCode, at).toBe('SIGKILL')
      for (const call of await Promise.all(calls)) expect(call, at).toBeInstanceOf(TypeError)

      await begin()
      const held = await running.sql(`update credentials k set lease_until = now() - interval '1 second' from connections c
        where c.id = k.connection_id and c.link_name like ${like} and lease_owner is not null
        returning inflight_since`)
      expect(held.length, `${at}: the lease of the dead`).toBe(at === 'refresh.after_commit' ? 0 : 3)
      for (const row of held) expect(row['inflight_since'], at).not.toBeNull()

      for (const rotation of rotations) {
        const name = nameOf(cell, rotation)
        const answer = await story.invoke(name)
        if (rotation === 'strict' && lost) {
          expect([answer.status, answer.json.code, answer.json.reason], at).toEqual([409, 'reauthorization_required', 'lost_rotation'])
          expect((await story.connection(name)).status_reason).toBe('lost_rotation')
          await story.invoke(name)
        } else expect(answer.json.status_code, `${at}, ${rotation}: ${answer.text}`).toBe(200)
        expect(given(name) - 1, `${at}, ${rotation}`).toBe(expected[rotation])
      }
      expect(practice.state.counters.old_refresh_tokens_presented - before, `${at}: shown once more where it rotates`).toBe(lost ? 2 : 0)
    }
    const audit = await running.admin('GET', '/api/v1/audit?limit=100')
    const told = (audit.json.data as { action: string; object: string }[]).filter(row => row.action === 'connection.lost_rotation')
    expect(told.map(row => row.object).sort()).toEqual(['connection:cell_1_strict', 'connection:cell_2_strict'])
  }, 180_000)
})
