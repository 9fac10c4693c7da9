import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { mayUse, type Access } from '../core/connection.ts'
import { listConnections, type ConnectionFilter } from './connections.ts'
import type { Database, Executor } from './database.ts'

const nothing = { service: null, status: null, q: null, only: null, limit: 50, cursor: null, view: 'usable' } satisfies ConnectionFilter
const views = ['own', 'shared', 'available', 'others', 'usable', 'all'] as const
const statuses = ['connected', 'reauthorization_required', 'revoked'] as const

interface Made {
  readonly link_name: string
  readonly name: string
  readonly service: string
  readonly owner_id: string
  readonly access: Access
  readonly use_login_user_credentials: boolean
  /** By subject. */
  readonly credentials: Readonly<Record<string, (typeof statuses)[number]>>
}

const people = ['ada', 'bob', 'cyd'] as const
const accesses: readonly Access[] = ['private', 'organization', { members: ['bob'] }, { members: ['ada', 'cyd'] }]

/** Every mixture of owner, access and kind of credential, and for each another set of authorisations. */
const mixtures: readonly Made[] = people.flatMap((owner, o) =>
  accesses.flatMap((access, a) =>
    [false, true].map((login, l): Made => {
      const at = o * 8 + a * 2 + l
      const holders = login ? people.filter((_, i) => (at >> i) % 2 === 0) : at % 5 === 4 ? [] : [owner]
      return {
        link_name: `${at % 3 === 0 ? 'crm' : 'mail'}_${String(at).padStart(2, '0')}`,
        name: at % 4 === 0 ? `Ärger 100%_${at}` : `Customer ${at}`,
        service: at % 6 === 0 ? 'Zoo Books' : 'Other',
        owner_id: owner,
        access,
        use_login_user_credentials: login,
        credentials: Object.fromEntries(holders.map((one, i) => [one, statuses[(at + i) % 3] ?? 'connected'])),
      }
    }),
  ),
)

async function store(db: Database, organization: string, all: readonly Made[]): Promise<void> {
  await sql`insert into organizations (id, name, slug, created_at) values (${organization}, 'O', ${organization}, now())`.execute(db)
  for (const name of ['Zoo Books', 'Other'])
    await sql`insert into services (id, organization_id, kind, link_name, name, created_by, keeper_id)
      values (md5(${organization + name})::uuid, ${organization}, 'default', ${name.slice(0, 3).toLowerCase()}, ${name}, 'ada', 'ada')`.execute(
      db,
    )
  for (const one of all) {
    const id = sql`md5(${organization + one.link_name})::uuid`
    await sql`insert into connections (id, organization_id, service_id, link_name, name, owner_id, use_login_user_credentials, access)
      values (${id}, ${organization}, md5(${organization + one.service})::uuid, ${one.link_name}, ${one.name}, ${one.owner_id},
        ${one.use_login_user_credentials}, ${JSON.stringify(one.access)}::jsonb)`.execute(db)
    for (const [subject, status] of Object.entries(one.credentials))
      await sql`insert into credentials (connection_id, subject_id, organization_id, service_revision, status)
        values (${id}, ${subject}, ${organization}, 1, ${status})`.execute(db)
  }
}

/** What the list is for, in words that look at one connection at a time. */
function sees(one: Made, user: string, view: ConnectionFilter['view']): boolean {
  const own = one.owner_id === user
  const mine = (one.credentials[user] ?? 'revoked') !== 'revoked'
  const login = one.use_login_user_credentials
  if (view === 'own') return own
  if (view === 'shared') return !own && login && mine
  if (view === 'available') return !own && login && mayUse(one, user) && !mine
  if (view === 'others') return !own && (mine || (mayUse(one, user) && !login))
  if (view === 'usable') return mayUse(one, user) || mine
  return true
}

const statusFor = (one: Made, user: string) =>
  one.credentials[one.use_login_user_credentials ? user : one.owner_id] ?? 'authorization_required'

forEachDatabase((name, open) => {
  test('each view lists what it is for, through every filter, a page at a time and nobody twice', async () => {
    const { db } = await open()
    await store(db, 'one', mixtures)
    await store(db, 'another', mixtures)
    const expected = (user: string, view: ConnectionFilter['view'], also: (one: Made) => boolean = () => true) =>
      mixtures
        .filter(one => sees(one, user, view) && also(one))
        .map(one => one.link_name)
        .sort()
    const found = async (user: string, filter: Partial<ConnectionFilter>) =>
      (await listConnections(db, 'one', user, { ...nothing, ...filter })).data.map(one => one.link_name)
    for (const user of people)
      for (const view of views) {
        const told = `${user}: ${view}`
        expect(await found(user, { view }), told).toStrictEqual(expected(user, view))
        const pages: string[] = []
        for (let cursor: string | null = null; ;) {
          const page = await listConnections(db, 'one', user, { ...nothing, view, limit: 3, cursor })
          pages.push(...page.data.map(one => one.link_name))
          cursor = page.next_cursor
          if (cursor === null) break
          expect(page.data, told).toHaveLength(3)
        }
        expect(pages, `${told}, by pages`).toStrictEqual(expected(user, view))
        for (const status of [...statuses, 'authorization_required'])
          expect(await found(user, { view, status }), `${told}, ${status}`).toStrictEqual(
            expected(user, view, one => statusFor(one, user) === status),
          )
        expect(await found(user, { view, service: 'zoo' }), `${told}, of a service`).toStrictEqual(
          expected(user, view, one => one.service === 'Zoo Books'),
        )
        for (const q of ['cUstomer 1', 'CRM_', 'oo boo', '100%_', '0%1', 'nowhere'])
          expect(await found(user, { view, q }), `${told}, “${q}”`).toStrictEqual(
            expected(user, view, one => [one.name, one.link_name, one.service].some(text => text.toLowerCase().includes(q.toLowerCase()))),
          )
        expect(await found(user, { view, only: ['crm_00', 'mail_01', 'mail_02', 'gone'] }), `${told}, by name`).toStrictEqual(
          expected(user, view, one => ['crm_00', 'mail_01', 'mail_02'].includes(one.link_name)),
        )
      }
    expect(await found('ada', { only: [] })).toStrictEqual([])
  })

  test('a page reads few rows of an organisation that has many, wherever it begins', async () => {
    const { db } = await open()
    const count = 12_000
    await store(db, 'one', [])
    await sql`insert into connections (id, organization_id, service_id, link_name, name, owner_id, access)
      select md5(g::text)::uuid, 'one', md5('oneOther')::uuid, 'c' || lpad(g::text, 5, '0'), 'Customer ' || g,
        case when g % 100 = 0 then 'bob' else 'ada' end, case when g % 50 = 5 then '"organization"'::jsonb else '"private"' end
      from generate_series(1, ${count}::int) g`.execute(db)
    await sql`insert into credentials (connection_id, subject_id, organization_id, service_revision, status)
      select id, owner_id, 'one', 1, case when link_name like '%0_77' then 'reauthorization_required' else 'connected' end from connections`.execute(
      db,
    )
    await sql`analyze connections`.execute(db)
    await sql`analyze credentials`.execute(db)
    /** Entries of indexes and rows of tables that this session has read. */
    const readIn = async (trx: Executor) => {
      const { rows } = await sql<{
        read: string
      }>`select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)) as read
        from pg_class c where c.oid in ('connections'::regclass, 'credentials'::regclass)
          or c.oid in (select indexrelid from pg_index where indrelid in ('connections'::regclass, 'credentials'::regclass))`.execute(trx)
      return Number(rows[0]?.read)
    }
    const readBy = (user: string, filter: Partial<ConnectionFilter>) =>
      db.transaction().execute(async trx => {
        const before = await readIn(trx)
        const { data } = await listConnections(trx, 'one', user, { ...nothing, limit: 20, ...filter })
        return { found: data.length, read: (await readIn(trx)) - before }
      })
    const late = Buffer.from(JSON.stringify(['c09000'])).toString('base64url')
    for (const cursor of [null, late])
      for (const [user, view] of [
        ['ada', 'usable'],
        ['ada', 'own'],
        ['ada', 'all'],
        ['bob', 'usable'],
        ['bob', 'own'],
        ['bob', 'others'],
        ['bob', 'all'],
        ['cyd', 'usable'],
      ] as const) {
        const { found, read } = await readBy(user, { view, cursor })
        const told = `${name}, ${user}, ${view}, ${cursor ? 'late' : 'first'}`
        expect(found, told).toBe(20)
        expect(read, told).toBeLessThan(1000)
      }
    const rare = await readBy('ada', { status: 'reauthorization_required' })
    expect(rare.found).toBe(20)
    expect(rare.read, `${name}, a rare status`).toBeLessThan(1000)
  })
})
