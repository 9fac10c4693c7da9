import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finishRotations } from '../../src/broker/data-key-rotation.ts'
import { placeOfSealed } from '../../src/broker/places.ts'
import { sealedColumns, sealedRows } from '../../src/storage/sealed-columns.ts'
import { kidOf } from '../../src/vault/envelope.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { makeEverySecret, type EverySecret } from '../support/every-secret.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { must, refusal } from '../support/practice-services.ts'

/** One of everything that is sealed: sealed again by new data keys while it is used, verified, and swapped by somebody who has the database. */
describe.each(['pglite', 'postgres'] as const)('everything that is sealed [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let secrets: EverySecret
  const timeout = 60_000
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
    secrets = await makeEverySecret(patchbay, story)
  }, setUpTimeoutMs)
  afterAll(() => patchbay?.stop())

  const db = () => patchbay.broker.db
  const fields = async () => {
    const all = []
    for (const column of sealedColumns)
      for (const row of (await sealedRows(db(), column, 'all', null, 100)).rows)
        all.push({ column, row, name: `${column.table}.${column.column}` })
    return all
  }
  const dataKeys = async () =>
    (await sql<{ kid: string; state: string }>`select kid, state from data_keys order by created_at`.execute(db())).rows
  const rotate = async () => {
    must(await patchbay.admin('POST', '/api/v1/operations/rotate-data-keys'), 200)
    const status = await eventually(
      'the end of the rotation',
      async () => must(await patchbay.admin('GET', '/api/v1/operations/keys'), 200).json,
      json => json.rotation.finished_at !== null,
    )
    return status.rotation as { total: number; done: number; damaged: number }
  }
  const verify = async (all: boolean) => must(await patchbay.admin('POST', '/api/v1/operations/verify-keys', { all }), 200).json

  it('5.1 there is one of each, and each opens at its place', async () => {
    const found = await fields()
    for (const { table, column } of sealedColumns)
      expect(found.filter(one => one.name === `${table}.${column}`).length, `${table}.${column}`).toBeGreaterThan(0)
    expect(await verify(true)).toEqual({ data_keys: 1, fields: found.length, damaged: [] })
    expect(await verify(false)).toEqual({ data_keys: 1, fields: 1, damaged: [] })
  })

  it(
    '3.6 while data keys are rotated no call fails; then everything is sealed by the new one, and the old one goes when nothing needs it',
    async () => {
      const [before] = await dataKeys()
      let calling = true
      const failed: string[] = []
      let worked = 0
      const callers = ['first', 'second'].map(async name => {
        while (calling) {
          const answer = await story.invoke(name)
          if (answer.status === 200) worked++
          else failed.push(answer.text)
        }
      })
      const wrote = (async () => {
        for (let i = 0; calling; i++)
          must(await story.ada.ask('PUT', '/api/v1/functions/variables/written', { value: `${i}`, secret: true }), i === 0 ? 201 : 200)
      })()
      const count = (await fields()).length
      const rotation = await rotate().finally(() => (calling = false))
      await Promise.all([...callers, wrote])
      expect(failed).toEqual([])
      expect(worked).toBeGreaterThan(2)
      expect(rotation).toMatchObject({ damaged: 0 })
      expect(rotation.done, 'all but what was written meanwhile').toBeGreaterThanOrEqual(count - 2)

      const keys = await dataKeys()
      expect(keys.map(one => one.state)).toEqual(['retired', 'active'])
      expect(keys[0]?.kid).toBe(before?.kid)
      for (const { row, name } of await fields()) expect(kidOf(row.sealed), name).toBe(keys[1]?.kid)
      for (const [name, use] of Object.entries(secrets.again)) expect(await use(), name).toBe('worked')

      const retiredFor = async (hours: number) => {
        await sql`update data_keys set retired_at = now() - make_interval(hours => ${hours}) where state = 'retired'`.execute(db())
        await finishRotations(patchbay.broker)
        return (await dataKeys()).length
      }
      expect(await retiredFor(25), 'what a question about an account would tell the provider is sealed by it').toBe(2)
      await sql`update held_grants set revocation = null`.execute(db())
      expect(await retiredFor(23), 'a day has not passed').toBe(2)
      expect(await retiredFor(25), 'destroyed').toBe(1)
      expect(
        (await dataKeys()).map(one => one.kid),
        'destroyed',
      ).toEqual([keys[1]?.kid])
      expect(await verify(true)).toMatchObject({ data_keys: 1, damaged: [] })
      for (const [name, use] of Object.entries(secrets.again)) expect(await use(), name).toBe('worked')
      const audited = must(await patchbay.admin('GET', '/api/v1/audit?limit=100'), 200).json.data as { action: string }[]
      for (const action of ['keys.rotation_started', 'keys.rotated', 'keys.destroyed'])
        expect(
          audited.filter(one => one.action === action),
          action,
        ).toHaveLength(1)
    },
    timeout,
  )

  it(
    'a data key that a job still needs is kept; one that was interrupted goes on and does not begin again',
    async () => {
      await story.connect(await story.service('leaver'), 'leaver')
      await rotate()
      const before = (await dataKeys()).find(one => one.state === 'active')
      await sql`update settings set value = (value::jsonb || jsonb_build_object('finished_at', null, 'beat_at', '2026-01-01T00:00:00Z',
        'total', (value::jsonb->>'done')::int + 7))::text where name = 'data_key_rotation'`.execute(db())
      const interrupted = must(await patchbay.admin('GET', '/api/v1/operations/keys'), 200).json.rotation
      expect(interrupted).toMatchObject({ running: false, finished_at: null })
      const metrics = must(await patchbay.nobody('GET', '/metrics'), 200).text
      expect(metrics).toContain('patchbay_key_work_left{what="fields_to_reseal"} 7\n')
      expect(metrics).toContain('patchbay_key_work_left{what="data_keys_to_rewrap"} 0\n')
      await rotate()
      expect(
        (await dataKeys()).find(one => one.state === 'active'),
        'no newer data key',
      ).toEqual(before)

      await story.control('misbehave', { endpoint: 'revoke', kind: 'answer', status: 503 })
      must(await story.ada.ask('POST', '/api/v1/connections/leaver/revoke', {}), 200)
      expect(await patchbay.broker.jobs.waiting('revoke_at_provider')).toHaveLength(1)
      const again = (when: string) =>
        sql`update patchbay_jobs.job set start_after = ${when}::timestamptz where name = 'revoke_at_provider' and state = 'retry' returning id`.execute(
          db(),
        )
      await eventually(
        'the first try, which was in vain',
        () => again('infinity'),
        ({ rows }) => rows.length === 1,
      )
      await rotate()
      await sql`update held_grants set revocation = null`.execute(db())
      await sql`update data_keys set retired_at = now() - interval '25 hours' where state = 'retired'`.execute(db())
      await finishRotations(patchbay.broker)
      expect((await dataKeys()).map(one => one.kid)).toContain(before?.kid)
      await again('now')
      const told = await eventually(
        'the revocation',
        () => story.connection('leaver'),
        one => one.revoked_at_provider !== 'pending',
      )
      expect(told.revoked_at_provider).toBe('yes')
    },
    timeout,
  )

  it('18.2 no sealed field opens in the cell of any other, of another version, or of another organisation', async () => {
    const found = await fields()
    const { vault } = patchbay.broker
    await sql`insert into organizations (id, name, slug, created_at) values ('elsewhere', 'Elsewhere', 'elsewhere', now())`.execute(db())
    const refused = async (what: string, place: Parameters<typeof vault.open>[0], sealed: Buffer) => {
      const code = await vault.open(place, sealed).then(
        () => 'opened',
        (error: unknown) => (error as { code?: string }).code,
      )
      expect(code, what).toBe('integrity_error')
    }
    for (const here of found) {
      const place = placeOfSealed(here.column, here.row)
      expect((await vault.open(place, here.row.sealed)).expose().length).toBeGreaterThan(0)
      for (const other of found) if (other !== here) await refused(`${other.name} in ${here.name}`, place, other.row.sealed)
      await refused(`${here.name}, one version later`, { ...place, rowVersion: place.rowVersion + 1 }, here.row.sealed)
      await refused(`${here.name}, one revision later`, { ...place, serviceRevision: place.serviceRevision + 1 }, here.row.sealed)
      const foreign = await vault.seal({ ...place, organizationId: 'elsewhere' }, 'the same place of another organisation')
      await refused(`${here.name} of another organisation`, place, foreign)
    }
  })

  it(
    '18.2 swapped in the database each is refused where it is used, sends nothing, and the connection says so',
    async () => {
      const sent = async () => {
        const { token, api } = await story.counters()
        return JSON.stringify([token, api])
      }
      const swapped = { ...secrets.again, ...secrets.once }
      for (const [name, use] of Object.entries(swapped)) {
        const [table = '', column = ''] = name.split('.')
        const everything = await fields()
        const all = everything.filter(one => one.name === name)
        expect(all.length, name).toBeGreaterThan(0)
        const strangers = all.length > 1 ? all : everything.filter(one => one.name !== name)
        const put = async (one: (typeof all)[number], sealed: Buffer | undefined) =>
          sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealed} where ${sql.join(
            one.column.key.map((key, i) => sql`${sql.ref(key.name)}::text = ${one.row.key[i]}`),
            sql` and `,
          )}`.execute(db())
        for (const [i, one] of all.entries()) await put(one, strangers[(i + 1) % strangers.length]?.row.sealed)
        patchbay.broker.calls.forgetAll()
        const before = await sent()
        expect(await use(), name).toBe('integrity_error')
        expect(await sent(), `${name}: nothing is sent`).toBe(before)
        for (const one of all) await put(one, one.row.sealed)
        patchbay.broker.calls.forgetAll()
        if (name === 'credentials.sealed') {
          expect(await story.connection('first')).toMatchObject({ status: 'reauthorization_required', status_reason: 'integrity' })
          await sql`update credentials set status = 'connected', status_reason = null`.execute(db())
          patchbay.broker.calls.forgetAll()
        }
        if (name in secrets.again) expect(await use(), `${name}, put back`).toBe('worked')
      }
    },
    timeout,
  )

  it('18.3 what was altered in the database is named by a verification', async () => {
    const [one] = (await fields()).filter(field => field.name === 'function_variables.sealed')
    if (!one) throw new Error('there is one')
    const altered = Buffer.from(one.row.sealed)
    altered.writeUInt8((altered.at(-1) ?? 0) ^ 1, altered.length - 1)
    await sql`update function_variables set sealed = ${altered} where id = ${one.row.key[0]}::uuid`.execute(db())
    expect((await verify(true)).damaged).toEqual([`function_variables.sealed ${one.row.key[0]}`])
    const rotation = await rotate()
    expect(rotation.damaged, 'a rotation leaves it as it is, and goes on with the rest').toBe(1)
    expect((await fields()).filter(field => field.row.sealed.equals(altered))).toHaveLength(1)
  })

  it('only the operator may do any of it', async () => {
    const bob = await story.member('bob')
    for (const [method, path] of [
      ['GET', 'keys'],
      ['POST', 'rotate-data-keys'],
      ['POST', 'verify-keys'],
      ['POST', 'adopt'],
    ] as const)
      expect(refusal(await bob.ask(method, `/api/v1/operations/${path}`)), path).toBe('forbidden')
  })
})
