import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { freePort, type Answer } from '../support/patchbay.ts'
import { launch, ready, type PatchbayProcess } from '../support/process.ts'
import { launchPuppet, type Puppet } from '../support/puppet.ts'
import { startSmallDisk, type SmallDisk } from '../support/small-disk.ts'

const isAway = (answer: Answer): void => {
  expect([answer.status, answer.json.code], answer.text).toEqual([503, 'storage_unavailable'])
  expect(answer.headers.get('retry-after')).toBe('2')
}

describe('R-1 the disk of the embedded database is full [pglite]', { timeout: 120_000 }, () => {
  let practice: Practice
  let disk: SmallDisk
  let settings: Record<string, string>
  let running: Puppet
  let story: OAuthStory
  const started: PatchbayProcess[] = []
  /** Services whose creation was acknowledged. */
  const written: string[] = []

  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    disk = await startSmallDisk(96)
    const port = await freePort()
    settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: disk.dataDir,
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
    }
    running = await begun(launchPuppet(settings, practice.url, undefined, disk.enter))
    story = await startOAuthStory(running)
  }, setUpTimeoutMs)
  afterAll(async () => {
    for (const one of started) await one.end('SIGKILL')
    await disk.stop()
    await practice.close()
  })

  const begun = <T extends PatchbayProcess>(one: T): Promise<T> => (started.push(one), ready(one))
  const reached = () => practice.state.counters.api['oauth2']?.['ok'] ?? 0
  const logged = async (): Promise<number> => {
    const [row] = await running.sql('select sum(cardinality(after_ms))::int as calls from invocation_batches where status = 200')
    return Number(row?.['calls'])
  }
  /** Nothing goes out that the log cannot hold. */
  const goesNowhere = async () => {
    await eventually(
      'a refusal',
      () => story.invoke('other'),
      answer => answer.status === 503,
    )
    const wentOut = reached()
    for (let i = 0; i < 3; i++) isAway(await story.invoke('other'))
    expect((await running.admin('GET', '/readyz')).json.code).toBe('storage_unavailable')
    expect(reached(), 'nothing goes out any more').toBe(wentOut)
  }
  const worksAgain = async (...names: string[]) => {
    const back = performance.now()
    for (const name of names)
      await eventually(
        'calls',
        () => story.invoke(name),
        answer => answer.json.status_code === 200,
      )
    expect(performance.now() - back).toBeLessThan(15_000)
  }
  const nothingIsMissing = async () => {
    await eventually('every call that went out in the log', logged, count => count === reached())
    for (const name of written) expect((await running.admin('GET', `/api/v1/services/${name}`)).status, name).toBe(200)
    expect(running.process.exitCode).toBeNull()
  }
  const write = async (name: string) => {
    const parameters = [{ name: 'X-Api-Key', display_name: 'API key' }]
    const definition = { link_name: name, name, auth_type: 'api_key', parameters, api_hosts: ['service.example'] }
    const answer = await running.admin('POST', '/api/v1/services', definition)
    if (answer.status === 201) written.push(name)
    return answer
  }
  /** What is there has room for small changes for a while: this takes it, until PostgreSQL itself gives up. */
  const useUpTheLog = async () => {
    for (let i = 0; i < 60; i++) {
      const refused = await running.sql(`select pg_logical_emit_message(true, 'test', repeat('x', 2000000))`).then(
        () => false,
        () => true,
      )
      if (refused) return
    }
    throw new Error('the disk is not full')
  }
  const leftOver = () =>
    readdirSync(dirname(disk.outside(disk.dataDir))).filter(name => !['data', 'data.spool', 'data.lock', 'filler'].includes(name))

  it('while calls, changes and a renewal go on: refusals, nothing lost and nothing unlogged, and it works again when there is room', async () => {
    const other = await story.connect(await story.service('other'), 'other')
    const kept = await story.connect(await story.service('kept', { habits: { rotation: 'strict' } }), 'kept')
    expect((await story.invoke(other)).json.status_code).toBe(200)
    await running.sql(`update credentials set expires_at = now() - interval '1 second'
      where connection_id = (select id from connections where link_name = 'kept')`)
    await running.arm('refresh.after_response', 1, 'wait')
    const renewed = story.invoke(kept)
    await running.reached()

    const heard: Answer[] = []
    let going = true
    const load = Promise.all([
      (async () => {
        for (let n = 0; going; n++, await delay(20)) heard.push(await write(`written_${n}`))
      })(),
      (async () => {
        for (; going; await delay(100)) heard.push(await story.invoke(other))
      })(),
    ])
    load.catch(() => {})
    await eventually(
      'some of both',
      async () => Math.min(written.length, reached()),
      count => count >= 3,
    )
    disk.fill()
    await useUpTheLog()
    await running.go()
    isAway(await renewed)
    const loudly = 'A renewed credential could be written neither to the database nor to the spool. It is kept in memory only'
    await eventually(
      'the alarm',
      async () => running.said.stdout.includes(loudly),
      said => said,
    )
    const spool = disk.outside(`${disk.dataDir}.spool`)
    expect(existsSync(spool) ? readdirSync(spool) : [], 'nothing half written').toEqual([])
    await goesNowhere()

    disk.makeRoom()
    await worksAgain(other, kept)
    going = false
    await load
    for (const answer of heard) if (answer.status >= 300) isAway(answer)
    expect([practice.state.counters.token.refresh_token, practice.state.counters.old_refresh_tokens_presented]).toEqual([{ ok: 1 }, 0])
    await nothingIsMissing()
    expect(running.said.stdout).toContain('the embedded database works again')
  })

  it('a disk that turns read-only: refusals, nothing lost and nothing unlogged, and it works again when it may be written to', async () => {
    disk.readOnly(true)
    await expect(running.sql('create table made_now (n int)')).rejects.toThrow('The database does not answer')
    // what is open may be written on
    for (let n = 0, refused = false; !refused; n++) {
      const answer = await write(`late_${n}`)
      if ((refused = answer.status >= 300)) isAway(answer)
    }
    await useUpTheLog()
    await goesNowhere()
    // meanwhile it is tried to start it, after three seconds
    await delay(4_500)
    disk.readOnly(false)
    await worksAgain('other', 'kept')
    await nothingIsMissing()
  })

  it('a start on a full or read-only disk says so in a sentence and leaves nothing behind; then everything acknowledged is there', async () => {
    await running.end('SIGKILL')
    const refused = async () => {
      const one = launch(settings, null, disk.enter)
      started.push(one)
      expect(await one.exited, one.said.stdout).toBe(1)
      return one.said.stderr
    }
    disk.fill()
    expect(await refused()).toMatch(
      /^Patchbay did not start\.\nThere is no room left on the disk for the embedded database in .*Make room there/,
    )
    expect(leftOver()).toEqual([])
    disk.makeRoom()
    disk.readOnly(true)
    expect(await refused()).toMatch(/^Patchbay did not start\.\nThe disk of .* may only be read: .*Mount it for writing/)
    disk.readOnly(false)
    const again = await begun(launch(settings, practice.url, disk.enter))
    expect(written.length).toBeGreaterThan(2)
    for (const name of written) expect((await again.admin('GET', `/api/v1/services/${name}`)).status, name).toBe(200)
    for (const connection of ['other', 'kept']) {
      const answer = await again.admin('POST', '/api/v1/invoke', { connection, url: `${practice.url}/api/echo` })
      expect(answer.json.status_code, answer.text).toBe(200)
    }
  })
})
