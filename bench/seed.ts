import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import { credentialPlace } from '../src/broker/places.ts'
import { newDataKey, unwrapDataKey, type DataKeyRow } from '../src/vault/data-key.ts'
import { kidOf, open, seal, type DataKey } from '../src/vault/envelope.ts'
import { loadMasterKeys } from '../src/vault/master-key-file.ts'
import type { MeasuredPatchbay } from './patchbay.ts'

/** As many credentials are sent at once. */
const together = 5000

export interface Seeded {
  /** Connections in all. */
  readonly connections: number
  /** Organisations in all; the first is that of Patchbay's administrator. */
  readonly organizations: number
  /** Connections of the first organisation, all of them its administrator's; the others have the rest in equal parts. */
  readonly inFirst: number
}

/** Link name of a connection that `seed` made, by its number from 1. The first `inFirst` are the administrator's. */
export const seededName = (number: number): string => `seed_${String(number).padStart(7, '0')}`

/** As Patchbay's ids they are in no order. The same in SQL and here. */
const idOf = (kind: string, number: string) => `md5('${kind} ' || ${number})::uuid`
const connectionId = (number: number): string => {
  const hex = createHash('md5').update(`connection ${number}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The columns of a table, as the template `t` has them or as told. */
async function columnsOf(
  client: pg.Client,
  table: string,
  told: Readonly<Record<string, string>>,
): Promise<{ names: string; values: string }> {
  const { rows } = await client.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`,
    [table],
  )
  return { names: rows.map(({ name }) => name).join(', '), values: rows.map(({ name }) => told[name] ?? `t.${name}`).join(', ') }
}

interface Template {
  readonly connection_id: string
  readonly subject_id: string
  readonly organization_id: string
  readonly generation: number
  readonly service_revision: number
  readonly sealed: Buffer
}

/**
 * Copies of the connection `bench_key`, with everything that belongs to them: organisations with an owner, a service and a data key each, and
 * every credential sealed for its own row by its own organisation's data key, as Patchbay would. In the administrator's organisation each
 * tenth is shared with everybody in it. Rows are written without their triggers: they are consistent by construction.
 */
export async function seed(patchbay: MeasuredPatchbay, url: string, wanted: Seeded): Promise<void> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${patchbay.schema} -c synchronous_commit=off` })
  // the server is stopped under it when the run is interrupted
  client.on('error', () => {})
  await client.connect()
  try {
    const { connections, organizations, inFirst } = wanted
    await client.query('set session_replication_role = replica')
    const template = await templateOf(client)
    await organise(client, organizations)
    const keys = await dataKeysFor(client, patchbay, template, organizations)
    /** The number of the organisation of connection g, from 0. */
    const organization = `case when g <= ${inFirst} then 0 else 1 + (g - ${inFirst + 1}) % ${Math.max(1, organizations - 1)} end`
    const rows = await columnsOf(client, 'connections', {
      id: idOf('connection', 'g'),
      organization_id: `case when o = 0 then t.organization_id else 'seed-' || o end`,
      service_id: `case when o = 0 then t.service_id else ${idOf('service', 'o')} end`,
      owner_id: `case when o = 0 then t.owner_id else 'seed-' || o end`,
      link_name: `'seed_' || lpad(g::text, 7, '0')`,
      name: `'Customer ' || g || ' ' || left(md5(g::text), 8)`,
      access: `case when g % 10 = 0 then '"organization"'::jsonb else t.access end`,
    })
    await client.query(
      `insert into connections (${rows.names}) select ${rows.values} from connections t,
       (select g, ${organization} as o from generate_series(1, $1::int) g) n where t.link_name = 'bench_key'`,
      [connections],
    )
    await sealAll(client, template, keys, wanted, organization)
    for (const table of ['organizations', 'services', 'data_keys', 'connections', 'credentials'])
      await client.query(`vacuum analyze ${table}`)
    // else it is written to the disk while something is measured
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

async function templateOf(client: pg.Client): Promise<Template> {
  const { rows } = await client.query<Template>(
    `select connection_id, subject_id, organization_id, generation, service_revision, sealed from credentials
     where connection_id = (select id from connections where link_name = 'bench_key')`,
  )
  if (!rows[0]) throw new Error('The connection bench_key has no credential.')
  return rows[0]
}

/** Organisations 1 … count − 1, each with an owner and a service of its own. */
async function organise(client: pg.Client, count: number): Promise<void> {
  const others = `generate_series(1, ${count - 1}) o`
  await client.query(
    `insert into users (id, name, email) select 'seed-' || o, 'Owner ' || o, 'owner-' || o || '@example.test' from ${others}`,
  )
  await client.query(
    `insert into organizations (id, name, slug, created_at) select 'seed-' || o, 'Organisation ' || o, 'seed-' || o, now() from ${others}`,
  )
  await client.query(
    `insert into members (id, organization_id, user_id, role, created_at)
     select 'seed-' || o, 'seed-' || o, 'seed-' || o, 'administrator', now() from ${others}`,
  )
  const { names, values } = await columnsOf(client, 'services', {
    id: idOf('service', 'o'),
    organization_id: `'seed-' || o`,
    created_by: `'seed-' || o`,
    keeper_id: `'seed-' || o`,
  })
  await client.query(`insert into services (${names}) select ${values} from services t, ${others} where t.link_name = 'bench_key'`)
}

interface DataKeys {
  /** By number of the organisation. */
  readonly keys: readonly DataKey[]
  /** What each credential holds. */
  readonly secret: Buffer
}

async function dataKeysFor(client: pg.Client, patchbay: MeasuredPatchbay, template: Template, count: number): Promise<DataKeys> {
  const { masterKeys } = loadMasterKeys({
    keyText: undefined,
    keyFile: undefined,
    dataDir: patchbay.dataDirectory,
    production: false,
    allowCreate: false,
  })
  const [newest] = masterKeys
  const { rows } = await client.query<DataKeyRow>('select * from data_keys where kid = $1', [kidOf(template.sealed)])
  if (!rows[0] || !newest) throw new Error('The data key of bench_key is not there.')
  const own = unwrapDataKey(rows[0], masterKeys)
  const holder = { organizationId: template.organization_id, connectionId: template.connection_id, subjectId: template.subject_id }
  const secret = open(own, credentialPlace(holder, template.generation, template.service_revision), template.sealed)
  const made = Array.from({ length: count - 1 }, (_, at) => newDataKey(`seed-${at + 1}`, newest, randomBytes))
  await client.query(
    `insert into data_keys (kid, organization_id, wrapped, master_key_id, state)
     select kid, organization_id, wrapped, $4, 'active' from unnest($1::uuid[], $2::text[], $3::bytea[]) as n (kid, organization_id, wrapped)`,
    [made.map(({ row }) => row.kid), made.map(({ row }) => row.organization_id), made.map(({ row }) => row.wrapped), newest.id],
  )
  return { keys: [own, ...made.map(({ key }) => key)], secret }
}

async function sealAll(
  client: pg.Client,
  template: Template,
  { keys, secret }: DataKeys,
  { connections, organizations, inFirst }: Seeded,
  organization: string,
): Promise<void> {
  const length = template.sealed.length
  const { names, values } = await columnsOf(client, 'credentials', {
    connection_id: idOf('connection', 'g'),
    subject_id: `case when o = 0 then t.subject_id else 'seed-' || o end`,
    organization_id: `case when o = 0 then t.organization_id else 'seed-' || o end`,
    sealed: `substring($3::bytea from (g - $1::int) * ${length} + 1 for ${length})`,
  })
  const text = `insert into credentials (${names}) select ${values} from credentials t,
    (select g, ${organization} as o from generate_series($1::int, $2::int) g) n where t.connection_id = $4::uuid`
  const sealedFor = (number: number): Buffer => {
    const at = number <= inFirst ? 0 : 1 + ((number - inFirst - 1) % Math.max(1, organizations - 1))
    const key = keys[at]
    if (!key) throw new Error(`There is no organisation ${at}.`)
    const subjectId = at === 0 ? template.subject_id : key.organizationId
    const holder = { organizationId: key.organizationId, connectionId: connectionId(number), subjectId }
    return seal(key, credentialPlace(holder, template.generation, template.service_revision), secret)
  }
  // while one part is written the next is sealed
  let writing: Promise<unknown> = Promise.resolve()
  for (let from = 1; from <= connections; from += together) {
    const to = Math.min(connections, from + together - 1)
    const sealed = Buffer.concat(Array.from({ length: to - from + 1 }, (_, at) => sealedFor(from + at)))
    await writing
    writing = client.query(text, [from, to, sealed, template.connection_id])
    // whether it failed is seen at the next turn
    writing.catch(() => {})
  }
  await writing
  secret.fill(0)
}
