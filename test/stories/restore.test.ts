import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { adopt } from '../../src/adopt.ts'
import { revokeAtProvider } from '../../src/broker/revoke.ts'
import { keepAlive } from '../../src/broker/upkeep.ts'
import { readConfig } from '../../src/config.ts'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { restore } from '../../src/restore.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { findPostgres } from '../support/postgres-server.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { must } from '../support/practice-services.ts'

const run = promisify(execFile)
const timeout = 90_000
const staging = 'https://staging.example.test'

describe.each(['pglite', 'postgres'] as const)('3.6 a back-up restored, and a copy that is started elsewhere [%s]', database => {
  let practice: Practice
  let directory: string
  let original: TestPatchbay
  let story: OAuthStory
  let common: Record<string, string>
  let originalUrl: string
  const others: TestPatchbay[] = []

  const begin = async (settings: Record<string, string>, databaseUrl: string | null) => {
    const one = await startPatchbay({
      database,
      settings: { ...common, ...settings },
      ...(databaseUrl !== null && { databaseUrl }),
    })
    return { ...one, practiceUrl: practice.url }
  }
  const fresh = async () => ({
    dataDir: database === 'pglite' ? await freshDataDir() : missingDataDir(),
    url: database === 'postgres' ? await createPostgresDatabase() : '',
  })
  const placeOf = ({ dataDir, url }: { dataDir: string; url: string }) => ({
    PATCHBAY_DATA_DIR: dataDir,
    ...(url !== '' && { PATCHBAY_DATABASE_URL: url }),
  })
  const backUp = async (from: TestPatchbay): Promise<string> => {
    const answer = await fetch(`${from.base}/api/v1/operations/backup`, { headers: { authorization: `Bearer ${adminKey}` } })
    expect(answer.status).toBe(200)
    const file = join(directory, `${randomBytes(6).toString('hex')}.ndjson.gz`)
    await writeFile(file, Buffer.from(await answer.arrayBuffer()))
    return file
  }

  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    directory = await mkdtemp(join(tmpdir(), 'patchbay-restore-'))
    common = {
      PATCHBAY_PRACTICE: 'off',
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
    }
    originalUrl = database === 'postgres' ? await createPostgresDatabase() : ''
    original = await begin({}, originalUrl || null)
    story = await startOAuthStory(original)
    for (const rotation of ['none', 'strict'])
      await story.connect(
        await story.service(rotation, { habits: { rotation }, advanced: { keep_alive_days: 1, test_url: `${practice.url}/api/echo` } }),
        rotation,
      )
    await story.connect(await story.service('leaver'), 'leaver')
  }, setUpTimeoutMs)
  afterEach(async () => {
    for (const one of others.splice(0)) await one.stop()
  })
  afterAll(async () => {
    await original?.stop()
    await practice?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const invoke = (on: TestPatchbay, connection: string) =>
    on.admin('POST', '/api/v1/invoke', { connection, url: `${practice.url}/api/echo` })
  const sent = () => JSON.stringify([practice.state.counters.token, practice.state.counters.revoke, practice.state.counters.api])

  it(
    'after a restore each refresh token says that it comes from a back-up; one that was replaced since is named when it is refused',
    async () => {
      const file = await backUp(original)
      await story.endsIn('strict', -1)
      expect((await story.invoke('strict')).status, 'the refresh token is replaced after the back-up').toBe(200)

      const target = await fresh()
      const restored = await restore(file, readConfig(placeOf(target)))
      expect(restored.refreshTokens).toBe(3)
      expect(Math.abs(Date.now() - Date.parse(restored.backupAt))).toBeLessThan(120_000)
      const again = await begin({ PATCHBAY_DATA_DIR: target.dataDir }, target.url || null)
      others.push(again)
      const its = await startOAuthStory(again)
      for (const name of ['none', 'strict'])
        expect(await its.connection(name)).toMatchObject({
          status: 'connected',
          warnings: ['restored_from_backup'],
          restored_from: restored.backupAt,
        })

      await its.endsIn('none', -1)
      expect((await its.invoke('none')).json.status_code).toBe(200)
      expect(await its.connection('none'), 'the first renewal told').toMatchObject({
        status: 'connected',
        warnings: [],
        restored_from: null,
      })

      await its.endsIn('strict', -1)
      const refused = await its.invoke('strict')
      expect([refused.status, refused.json.code, refused.json.reason]).toEqual([409, 'reauthorization_required', 'restored_backup'])
      const ended = await its.connection('strict')
      expect(ended).toMatchObject({
        status: 'reauthorization_required',
        status_reason: 'restored_backup',
        status_action: 'Connect it again.',
      })
      expect(ended.status_detail).toMatch(/restored from a back-up/)
      expect(must(await again.admin('GET', '/api/v1/audit?action=instance.restored'), 200).json.data).toHaveLength(1)
    },
    timeout,
  )

  if (database === 'postgres')
    it('X19 a second instance with another master key does not join, and the first does not notice', async () => {
      const another = { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64') }
      await expect(begin(another, originalUrl)).rejects.toThrow(/does not belong to this database.*nothing was changed/)
      expect((await story.invoke('none')).json.status_code).toBe(200)
    })

  it(
    'a copy at another public URL starts, says whose it is, and neither calls, renews, keeps alive nor revokes until it is adopted',
    async () => {
      await original.admin('POST', '/api/v1/connections/strict/authorize', {})
      const target = await fresh()
      let calling = true
      const failed: string[] = []
      const calls = (async () => {
        while (calling) {
          const answer = await story.invoke('none')
          if (answer.json.status_code !== 200) failed.push(answer.text)
        }
      })()
      if (database === 'postgres') {
        // as operators copy a PostgreSQL: with its own tools, while it is used
        const dump = join(directory, 'dump.sql')
        const programs = findPostgres() ?? ''
        await run(join(programs, 'pg_dump'), ['--no-owner', '-f', dump, originalUrl])
        await run(join(programs, 'psql'), ['-q', '-v', 'ON_ERROR_STOP=1', '-f', dump, target.url])
      } else await restore(await backUp(original), readConfig(placeOf(target)))
      calling = false
      await calls
      // the embedded database answers nobody else while it is exported: a long export makes calls wait, and refuses those that wait too long
      if (database === 'postgres') expect(failed, 'calls go on while a copy is taken').toEqual([])

      const copy = await begin({ PATCHBAY_DATA_DIR: target.dataDir, PATCHBAY_PUBLIC_URL: staging }, target.url || null)
      others.push(copy)
      const before = sent()
      for (const name of ['none', 'leaver']) {
        const refused = await invoke(copy, name)
        expect([refused.status, refused.json.code, refused.json.belongs_to, refused.json.runs_at]).toEqual([
          503,
          'deployment_mismatch',
          'loopback',
          staging,
        ])
        expect(refused.json.detail).toMatch(
          /belongs to the Patchbay at a loopback address.*runs at https:\/\/staging\.example\.test.*"patchbay adopt"/,
        )
      }
      expect((await copy.admin('POST', '/api/v1/connections/none/test')).json.code).toBe('deployment_mismatch')
      const proxied = await copy.admin('GET', `/proxy/none/http/${new URL(practice.url).host}/api/echo`)
      expect(proxied.headers.get('patchbay-problem')).toBe('deployment_mismatch')
      await copy.broker.db
        .updateTable('credentials')
        .set({ refreshed_at: new Date(0), created_at: new Date(0) })
        .execute()
      await keepAlive(copy.broker)
      must(await copy.admin('POST', '/api/v1/connections/leaver/revoke', {}), 200)
      const tries = async () => (await copy.broker.jobs.waiting('revoke_at_provider')).length
      expect(await tries()).toBe(1)
      const [job] = await copy.broker.jobs.waiting('revoke_at_provider')
      if (!job) throw new Error('it waits')
      await expect(revokeAtProvider(copy.broker, job)).rejects.toMatchObject({ code: 'deployment_mismatch' })
      expect(sent(), 'the provider heard nothing of it').toBe(before)
      expect(must(await copy.admin('GET', '/api/v1/me'), 200).json.belongs_to).toBe('loopback')
      expect(copy.logged.join('')).toContain('run \\"patchbay adopt\\" on the server')

      const settings = readConfig({ ...placeOf(target), PATCHBAY_PUBLIC_URL: staging })
      if (database === 'postgres')
        expect(await adopt(settings, null)).toMatchObject({ from: 'a loopback address (localhost)', to: staging })
      else {
        await expect(adopt(settings, null)).rejects.toMatchObject({ code: 'storage_unavailable' })
        expect(must(await copy.admin('POST', '/api/v1/operations/adopt'), 200).json).toEqual({ from: 'loopback', to: staging })
      }
      await eventually(
        'the end of its refusing',
        () => invoke(copy, 'none'),
        answer => answer.json.status_code === 200,
      )
      await eventually(
        'the revocation',
        async () => must(await copy.admin('GET', '/api/v1/connections/leaver'), 200).json,
        one => one.revoked_at_provider === 'yes',
      )
      expect(must(await copy.admin('GET', '/api/v1/me'), 200).json.belongs_to).toBe(null)
      expect(must(await copy.admin('GET', '/api/v1/audit?action=instance.adopted'), 200).json.data).toHaveLength(1)
      expect(must(await copy.admin('POST', '/api/v1/operations/adopt'), 200).json, 'again changes nothing').toEqual({
        from: null,
        to: staging,
      })

      if (database === 'postgres') {
        // what moved away is somebody else's for whoever still runs at the old address
        const moved = new Date()
        expect(await adopt(readConfig(placeOf(target)), moved)).toMatchObject({ from: staging, refreshTokens: 2 })
        await eventually(
          'the old one to stop',
          () => invoke(copy, 'none'),
          answer => answer.json.code === 'deployment_mismatch',
        )
      }
      expect((await story.invoke('none')).json.status_code, 'the original goes on').toBe(200)
    },
    timeout,
  )

  it(
    'what was revoked, deleted and removed after the back-up is done again by a restore, and nothing that was before it',
    async () => {
      const bob = await story.member('bob')
      const key = must(await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'of bob' }), 201).json
      for (const name of ['revoked', 'deleted']) await story.connect(await story.service(name), name)
      await story.connect(await story.service('made_anew'), 'made_anew')
      must(await story.ada.ask('DELETE', '/api/v1/connections/made_anew'), 204)
      await story.connect('made_anew', 'made_anew')
      const file = await backUp(original)
      must(await story.ada.ask('POST', '/api/v1/connections/revoked/revoke', {}), 200)
      must(await story.ada.ask('DELETE', '/api/v1/connections/deleted'), 204)
      must(await bob.browser.ask('DELETE', `/api/v1/api-keys/${String(key.id)}`), 204)
      must(await story.ada.ask('DELETE', `/api/v1/members/${bob.id}`), 204)
      const since = new Date(Date.now() - 3_600_000).toISOString()
      const listed = must(await original.admin('GET', `/api/v1/operations/revocations?since=${since}&limit=100`), 200).json.data as object[]
      const log = join(directory, 'revocations.ndjson')
      await writeFile(log, listed.map(one => `${JSON.stringify(one)}\n`).join(''))
      expect(listed.length, 'with what was before the back-up').toBeGreaterThan(4)

      const target = await fresh()
      expect(await restore(file, readConfig(placeOf(target)), log)).toMatchObject({ repeated: 4 })
      const open = await openDatabase({ dataDir: target.dataDir, ...(target.url !== '' && { url: target.url }) })
      try {
        const connections = await open.db
          .selectFrom('connections as c')
          .innerJoin('credentials as k', 'k.connection_id', 'c.id')
          .select(['c.link_name', 'k.status', 'k.sealed'])
          .where('c.link_name', 'in', ['revoked', 'deleted', 'made_anew'])
          .orderBy('c.link_name')
          .execute()
        expect(connections.map(one => [one.link_name, one.status, one.sealed === null])).toEqual([
          ['made_anew', 'connected', false],
          ['revoked', 'revoked', true],
        ])
        expect(await open.db.selectFrom('api_keys').select('id').where('user_id', '=', bob.id).execute()).toEqual([])
        expect(await open.db.selectFrom('members').select('user_id').where('user_id', '=', bob.id).execute()).toEqual([])
        expect(await open.db.selectFrom('sessions').select('user_id').where('user_id', '=', bob.id).execute()).toEqual([])
      } finally {
        await open.close()
      }
      await writeFile(log, 'nothing of the kind\n')
      await expect(restore(file, readConfig(placeOf(await fresh())), log)).rejects.toThrow(/damaged or is another one/)
    },
    timeout,
  )
})
