import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, type Database, type OpenDatabase } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { migrations } from '../../src/storage/migrations/index.ts'
import { sealedColumns } from '../../src/storage/sealed-columns.ts'
import { missingDataDir, openFresh, setUpTimeoutMs } from '../support/databases.ts'
import { makeEverySecret } from '../support/every-secret.ts'
import { eventually, startOAuthStory } from '../support/oauth-story.ts'
import { adminEmail, adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { must } from '../support/practice-services.ts'

const names = Object.keys(migrations)
const upTo = (count: number) => Object.fromEntries(Object.entries(migrations).slice(0, count))

/** What no story here leaves behind. A new table that stays empty is named by the test: a row of it belongs here, or into the story. */
const more = [
  `insert into verifications (id, identifier, value, expires_at) values ('v', 'ada@example.test', 'x', now())`,
  `insert into invitations (id, organization_id, email, role, status, expires_at, inviter_id, token_hash)
     select 'i', id, 'ben@example.test', 'user', 'pending', now() + interval '7 days', (select id from users limit 1), 'h' from organizations`,
  `insert into password_resets (token_hash, user_id, created_by, expires_at) select 'h', id, id, now() from users`,
  `insert into cli_logins (code_hash, device_hash, expires_at) values ('c', 'd', now())`,
  `insert into organization_settings (organization_id, who_may_create) select id, 'developers' from organizations on conflict do nothing`,
  `insert into service_requests (id, organization_id, link_name, user_id, requested_at)
     select gen_random_uuid(), organization_id, 'hubspot', user_id, now() from members`,
  `insert into function_mail_days (organization_id, day, sent) select id, current_date, 3 from organizations`,
]

/** A table that a migration has replaced, as what there is now. */
const replaced: Readonly<Record<string, string>> = {
  invocations: `select gen_random_uuid() as id, organization_id, series_id, first_at + make_interval(secs => after / 1000.0) as at, status, problem, duration_ms
    from (select organization_id, series_id, first_at, status, problem, unnest(after_ms) as after, unnest(duration_ms) as duration_ms from invocation_batches) b`,
}

const tablesOf = async (db: Database): Promise<Map<string, string[]>> => {
  const { rows } = await sql<{ table: string; columns: string[] }>`
    select table_name::text as table, array_agg(column_name::text order by column_name) as columns from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely%' group by 1`.execute(db)
  return new Map(rows.map(row => [row.table, row.columns]))
}

const columnList = (columns: readonly string[]) => sql.join(columns.map(name => sql.ref(name)))

/** All rows, in no particular order, of these columns. */
const rowsOf = async (db: Database, table: string, columns: readonly string[]): Promise<string[]> => {
  const { rows } = await sql<{ row: string }>`
    select to_json(t)::text as row from (select ${columnList(columns)} from ${sql.table(table)}) t order by 1`.execute(db)
  return rows.map(one => one.row)
}

/** The rows of a database of today, as far as the older one has tables and columns for them. @returns what it then holds, by table. */
const fill = (older: Database, now: Database): Promise<Map<string, { columns: string[]; rows: string[] }>> =>
  older.connection().execute(async one => {
    const today = await tablesOf(now)
    const filled = new Map<string, { columns: string[]; rows: string[] }>()
    // in whatever order: they belong together already
    await sql`set session_replication_role = replica`.execute(one)
    for (const [table, all] of await tablesOf(one)) {
      const columns = replaced[table] === undefined ? all.filter(name => today.get(table)?.includes(name)) : all
      const source = replaced[table] === undefined ? sql`select ${columnList(columns)} from ${sql.table(table)}` : sql.raw(replaced[table])
      const { rows } = await sql<{ all: string }>`select coalesce(json_agg(t), '[]')::text as all from (${source}) t`.execute(now)
      await sql`insert into ${sql.table(table)} (${columnList(columns)})
        select ${columnList(columns)} from json_populate_recordset(null::${sql.table(table)}, ${rows[0]?.all ?? '[]'}::json)`.execute(one)
      filled.set(table, { columns, rows: await rowsOf(one, table, columns) })
    }
    await sql`set session_replication_role = default`.execute(one)
    return filled
  })

describe('3.6 a database at each schema there was, with a row in every table, is brought to that of today', () => {
  let today: TestPatchbay
  const settings = { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64') }
  beforeAll(async () => {
    today = await startPatchbay({ database: 'postgres', settings })
    const { db } = today.broker
    const story = await startOAuthStory(today)
    const secrets = await makeEverySecret(today, story)
    for (const [name, use] of Object.entries(secrets.again)) expect(await use(), name).toBe('worked')
    for (const statement of more) await sql.raw(statement).execute(db)
    await eventually(
      'all calls in the log',
      async () => today.broker.invocations.waiting(),
      waiting => waiting === 0,
    )
    await eventually(
      'the runs in theirs',
      () => db.selectFrom('function_runs').select('status').execute(),
      runs => runs.length > 0 && runs.every(one => one.status !== 'running'),
    )
  }, setUpTimeoutMs)
  afterAll(() => today?.stop())

  /** @param open has no tables. */
  const upgrade = async (open: OpenDatabase, count: number): Promise<void> => {
    await migrate(open, upTo(count))
    const filled = await fill(open.db, today.broker.db)
    expect(await migrate(open)).toEqual(names.slice(count))
    const tables = await tablesOf(open.db)
    for (const [table, { columns, rows }] of filled) {
      expect(rows.length, `a row of ${table}`).toBeGreaterThan(0)
      if (tables.has(table)) expect(await rowsOf(open.db, table, columns), `${table} from ${names[count - 1] ?? ''}`).toEqual(rows)
    }
  }
  const counts = names.slice(0, -1).map((_name, at) => at + 1)
  /** The first with connections, the first in which functions can do all they do, the last. */
  const someCounts = [2, 5, names.length - 1]

  it('[pglite] every row is still what it was', { timeout: setUpTimeoutMs }, async () => {
    const open = await openFresh('pglite')
    for (const count of someCounts) {
      await upgrade(open, count)
      await sql`drop schema public cascade`.execute(open.db)
      await sql`create schema public`.execute(open.db)
    }
    await open.close()
  })

  it('[postgres] every row is still what it was', { timeout: setUpTimeoutMs }, async () => {
    for (const count of counts.filter(one => !someCounts.includes(one))) {
      const open = await openFresh('postgres')
      await upgrade(open, count)
      await open.close()
    }
  })

  it.each(someCounts)(
    '[postgres] from migration %i every row is still what it was, every sealed field opens, and everything is there to be used',
    async count => {
      const databaseUrl = await createPostgresDatabase()
      const open = await openDatabase({ url: databaseUrl, dataDir: missingDataDir() })
      await upgrade(open, count)
      await open.close()
      const practice = today.practiceUrl ?? ''
      const { host } = new URL(practice)
      const patchbay = await startPatchbay({
        database: 'postgres',
        databaseUrl,
        settings: {
          ...settings,
          PATCHBAY_PRACTICE: 'off',
          PATCHBAY_ALLOW_PRIVATE_ADDRESSES: host.replace(':', '/32:'),
          PATCHBAY_ALLOW_INSECURE_HTTP: host,
        },
      })
      try {
        const ask = async (path: string, method = 'GET', body?: unknown) => must(await patchbay.admin(method, path, body), 200).json
        const before = async (path: string) => must(await today.admin('GET', path), 200).json
        const each = (answer: { data: Record<string, unknown>[] }, name: string) => answer.data.map(one => one[name]).sort()
        const same = async (path: string, name: string) => expect(each(await ask(path), name), path).toEqual(each(await before(path), name))

        await patchbay.browser().signIn(adminEmail, adminPassword)
        await same('/api/v1/members', 'email')
        await same('/api/v1/api-keys', 'name')
        await same('/api/v1/members/invitations', 'email')
        await same('/api/v1/services?kind=custom', 'link_name')
        await same('/api/v1/connections', 'link_name')
        await same('/api/v1/connections/first/attempts', 'outcome')
        await same('/api/v1/invocations?limit=100', 'duration_ms')
        const actions = each(await before('/api/v1/audit?limit=100'), 'action')
        expect(each(await ask('/api/v1/audit?limit=100'), 'action')).toEqual(expect.arrayContaining(actions))
        const call = { connection: 'first', url: `${practice}/api/echo` }
        expect((await ask('/api/v1/invoke', 'POST', call)).status_code).toBe(200)
        let fields = 0
        for (const { table, column } of sealedColumns) {
          const { rows } = await sql<{ n: number }>`select count(${sql.ref(column)})::int as n from ${sql.table(table)}`.execute(
            patchbay.broker.db,
          )
          fields += rows[0]?.n ?? 0
        }
        expect(fields).toBeGreaterThan(5)
        expect(await ask('/api/v1/operations/verify-keys', 'POST', { all: true })).toEqual({ data_keys: 1, fields, damaged: [] })
        if (count < 3) return
        await same('/api/v1/functions', 'name')
        await same('/api/v1/functions/variables', 'name')
        await same('/api/v1/functions/schedules', 'id')
        await same('/api/v1/functions/runs', 'id')
        const run = await ask('/api/v1/functions/standalone/holder/run', 'POST', { arguments: { token: 'x' } })
        expect(JSON.stringify(run)).toContain('xfirst')
      } finally {
        await patchbay.stop()
      }
    },
    30_000,
  )

  it('[postgres] a notification that only the next version understands makes this one forget what it remembers', async () => {
    const { db } = today.broker
    const invoke = async (): Promise<unknown> => {
      const call = { connection: 'second', url: `${today.practiceUrl ?? ''}/api/echo` }
      const { json } = await today.admin('POST', '/api/v1/invoke', call)
      return json.status_code ?? json.code
    }
    expect(await invoke()).toBe(200)
    await sql`update credentials set status = 'revoked', status_reason = 'revoked_by_person' where connection_id = (select id from connections where link_name = 'second')`.execute(
      db,
    )
    await sql`select pg_notify('patchbay_changes', '{"kind":"of_tomorrow","id":"x"}')`.execute(db)
    await eventually('it has forgotten', invoke, answer => answer === 'connection_revoked')
  })
})
