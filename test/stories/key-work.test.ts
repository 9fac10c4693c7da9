import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataKeyStore, findKeyChecks, putKeyChecks } from '../../src/storage/data-keys.ts'
import { openDatabase, type OpenDatabase } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { countSealedByRetired } from '../../src/storage/sealed-columns.ts'
import { newDataKey, unwrapDataKey } from '../../src/vault/data-key.ts'
import { seal, type Place } from '../../src/vault/envelope.ts'
import { checkKey } from '../../src/vault/key-check.ts'
import { createKeyring } from '../../src/vault/keyring.ts'
import { parseMasterKey } from '../../src/vault/master-key.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { createPostgresDatabase } from '../support/postgres.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const texts = { old: randomBytes(32).toString('base64'), fresh: randomBytes(32).toString('base64') }
const old = parseMasterKey(texts.old)
const fresh = parseMasterKey(texts.fresh)
const organizations = 400
const fieldsEach = 4

let open: OpenDatabase
let url: string
const running = new Set<ReturnType<typeof spawn>>()

const idOf = (organization: number, field: number): string =>
  `00000000-0000-4000-8000-${String(organization * fieldsEach + field).padStart(12, '0')}`
const placeOf = (organization: number, field: number, version: number): Place => ({
  organizationId: `o${organization}`,
  table: 'function_variables',
  rowId: idOf(organization, field),
  column: 'sealed',
  rowVersion: version,
  serviceRevision: 1,
})
const list = (rows: readonly ReturnType<typeof sql>[]) => sql.join(rows)

beforeAll(async () => {
  url = await createPostgresDatabase()
  open = await openDatabase({ url, dataDir: '/nonexistent' })
  await migrate(open)
  const { db } = open
  await putKeyChecks(db, [old.keyCheck])
  const all = Array.from({ length: organizations }, (_, i) => i)
  for (let at = 0; at < organizations; at += 200) {
    const page = all.slice(at, at + 200)
    await sql`insert into organizations (id, name, slug, created_at) values ${list(page.map(i => sql`(${`o${i}`}, 'O', ${`o${i}`}, now())`))}`.execute(
      db,
    )
    const made = page.map(i => newDataKey(`o${i}`, old, randomBytes))
    await sql`insert into data_keys (kid, organization_id, wrapped, master_key_id, state) values ${list(
      made.map(({ row }) => sql`(${row.kid}::uuid, ${row.organization_id}, ${row.wrapped}::bytea, ${row.master_key_id}, 'active')`),
    )}`.execute(db)
    const fields = page.flatMap((organization, i) =>
      Array.from({ length: fieldsEach }, (_, field) => {
        const key = made[i]?.key
        if (!key) throw new Error('one each')
        const sealed = seal(key, placeOf(organization, field, 1), Buffer.from(`secret ${organization} ${field}`))
        return sql`(${idOf(organization, field)}::uuid, ${`o${organization}`}, ${`v${field}`}, 'text', true, ${sealed}::bytea, 1, 'u')`
      }),
    )
    await sql`insert into function_variables (id, organization_id, name, type, secret, sealed, version, updated_by) values ${list(fields)}`.execute(
      db,
    )
  }
}, setUpTimeoutMs)
afterAll(async () => {
  for (const one of running) one.kill('SIGKILL')
  await open?.close()
})

/** Begins the work in a process of its own. `killAfterMs`: that long after it said `when`. @returns how far it came. */
async function work(moment: string, kill?: { when: string; afterMs: number }): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      join(root, 'node_modules/tsx/dist/esm/index.mjs'),
      join(root, 'test/support/key-work.ts'),
      url,
      moment,
      texts.fresh,
      texts.old,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  running.add(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (kill && !said.includes(kill.when) && (said + chunk.toString()).includes(kill.when))
      setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
    said += chunk.toString()
  })
  await new Promise(resolve => child.once('close', resolve))
  running.delete(child)
  return said
}

test('3.6 wrapping and sealing again, killed ten times in between and by several processes at once, ends with every secret whole and the newest', async () => {
  const { db } = open
  const moment = (await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)).rows[0]?.now.toISOString() ?? ''
  const vault = createKeyring({ masterKeys: [old, fresh], store: dataKeyStore(db) })
  const expected = new Map<string, string>()
  let writing = true
  const written = (async () => {
    for (let i = 0; writing; i = (i + 1) % organizations) {
      // an instance that has not heard of any of it writes and reads meanwhile, with whatever data key it remembers
      const { rows } = await sql<{
        version: number
        sealed: Buffer
      }>`select version, sealed from function_variables where id = ${idOf(i, 0)}::uuid`.execute(db)
      const row = rows[0]
      if (!row) throw new Error('it is there')
      const text = (await vault.open(placeOf(i, 0, row.version), Buffer.from(row.sealed))).expose()
      expect(text).toBe(expected.get(idOf(i, 0)) ?? `secret ${i} 0`)
      const next = `newer ${i} ${row.version}`
      const sealed = await vault.seal(placeOf(i, 0, row.version + 1), next)
      await sql`update function_variables set sealed = ${sealed}, version = ${row.version + 1} where id = ${idOf(i, 0)}::uuid`.execute(db)
      expected.set(idOf(i, 0), next)
      await delay(5)
    }
  })()
  const interrupted: string[] = []
  for (const when of ['wrapping', 'sealing'])
    interrupted.push(...(await Promise.all([40, 120, 200, 320, 450].map(afterMs => work(moment, { when, afterMs })))))
  expect(interrupted).toHaveLength(10)
  expect(interrupted.filter(said => said.includes('done')).length, 'most were in the middle of it').toBeLessThan(5)
  expect(checkKey(await findKeyChecks(db), [fresh, old]), 'a start with both keys is let through at any moment').toEqual({ kind: 'match' })

  expect(await work(moment)).toContain('done')
  writing = false
  await written
  // what the other instance sealed with the data key it remembered, after the last round had passed
  expect(await work(moment)).toContain('done')
  expect(await countSealedByRetired(db)).toBe(0)
  expect(expected.size).toBeGreaterThan(20)

  const store = dataKeyStore(db)
  expect(await store.countByMasterKey()).toMatchObject([{ master_key_id: fresh.id }])
  expect(checkKey(await findKeyChecks(db), [fresh])).toEqual({ kind: 'match' })
  expect(checkKey(await findKeyChecks(db), [old])).toMatchObject({ kind: 'refused' })
  const actives = (await store.page(undefined, 5000)).filter(row => row.state === 'active')
  expect(actives, 'one each').toHaveLength(organizations)
  for (const row of actives) unwrapDataKey({ ...row, wrapped: Buffer.from(row.wrapped) }, [fresh])
  const afterwards = createKeyring({ masterKeys: [fresh], store })
  const { rows } = await sql<{ id: string; version: number; sealed: Buffer }>`select id, version, sealed from function_variables`.execute(
    db,
  )
  expect(rows).toHaveLength(organizations * fieldsEach)
  for (const row of rows) {
    const number = Number(row.id.slice(-12))
    const [organization, field] = [Math.floor(number / fieldsEach), number % fieldsEach]
    const text = (await afterwards.open(placeOf(organization, field, row.version), Buffer.from(row.sealed))).expose()
    expect(text).toBe(expected.get(row.id) ?? `secret ${organization} ${field}`)
  }
}, 120_000)

test('a master key that is not here stops both before the first write', async () => {
  const { db } = open
  const hash = async () =>
    (await sql<{ hash: string }>`select md5(string_agg(k::text, '|' order by kid)) as hash from data_keys k`.execute(db)).rows[0]?.hash
  const before = await hash()
  const stranger = parseMasterKey(randomBytes(32).toString('base64'))
  const vault = createKeyring({ masterKeys: [stranger], store: dataKeyStore(db) })
  await expect(vault.rewrap()).rejects.toThrow(/which is not here.*nothing was changed/)
  await expect(vault.assertMasterKeys()).rejects.toThrow(/which is not here/)
  expect(await hash()).toBe(before)
})
