import pg from 'pg'
import { credentialPlace } from '../src/broker/places.ts'
import { unwrapDataKey, type DataKeyRow } from '../src/vault/data-key.ts'
import { kidOf, open, seal } from '../src/vault/envelope.ts'
import { loadMasterKeys } from '../src/vault/master-key-file.ts'
import type { MeasuredPatchbay } from './patchbay.ts'

/** As many rows are sent at once. */
const together = 2000

/** Link name of a connection that `seed` made, by its number from 1. */
export const seededName = (number: number): string => `seed_${String(number).padStart(7, '0')}`

/** The columns of a table, as they are or as told. */
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

const idOf = (number: string) => `md5('seed ' || ${number})::uuid`

/**
 * Copies of the connection `bench_key` and its credential, in the database itself. The first `usable` credentials are sealed for their own
 * rows, as Patchbay would; the others hold as many bytes that open nowhere, since only listing and searching touches them.
 */
export async function seed(patchbay: MeasuredPatchbay, url: string, count: number, usable: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${patchbay.schema}` })
  // the server is stopped under it when the run is interrupted
  client.on('error', () => {})
  await client.connect()
  try {
    const connection = await columnsOf(client, 'connections', {
      id: idOf('g'),
      link_name: `'seed_' || lpad(g::text, 7, '0')`,
      name: `'Customer ' || g || ' ' || left(md5(g::text), 8)`,
    })
    await client.query(
      `insert into connections (${connection.names})
       select ${connection.values} from connections t, generate_series(1, $1::int) g where t.link_name = 'bench_key'`,
      [count],
    )
    const credential = await columnsOf(client, 'credentials', { connection_id: idOf('g') })
    await client.query(
      `insert into credentials (${credential.names})
       select ${credential.values} from credentials t, generate_series(1, $1::int) g
       where t.connection_id = (select id from connections where link_name = 'bench_key')`,
      [count],
    )
    await sealFor(client, patchbay, Math.min(count, usable))
    await client.query('analyze connections')
    await client.query('analyze credentials')
  } finally {
    await client.end()
  }
}

async function sealFor(client: pg.Client, patchbay: MeasuredPatchbay, count: number): Promise<void> {
  const { rows } = await client.query<Template>(
    `select connection_id, subject_id, organization_id, generation, service_revision, sealed from credentials
     where connection_id = (select id from connections where link_name = 'bench_key')`,
  )
  const template = rows[0]
  if (!template) throw new Error('The connection bench_key has no credential.')
  const { masterKeys } = loadMasterKeys({
    keyText: undefined,
    keyFile: undefined,
    dataDir: patchbay.dataDirectory,
    production: false,
    allowCreate: false,
  })
  const { rows: keys } = await client.query<DataKeyRow>('select * from data_keys where kid = $1', [kidOf(template.sealed)])
  if (!keys[0]) throw new Error('The data key of bench_key is not there.')
  const dataKey = unwrapDataKey(keys[0], masterKeys)
  const placeOf = (connectionId: string) =>
    credentialPlace(
      { organizationId: template.organization_id, connectionId, subjectId: template.subject_id },
      template.generation,
      template.service_revision,
    )
  const secret = open(dataKey, placeOf(template.connection_id), template.sealed)
  for (let from = 1; from <= count; from += together) {
    const to = Math.min(count, from + together - 1)
    const { rows: ids } = await client.query<{ id: string }>(`select ${idOf('g')} as id from generate_series($1::int, $2::int) g`, [
      from,
      to,
    ])
    await client.query(
      `update credentials c set sealed = n.sealed from unnest($1::uuid[], $2::bytea[]) as n (id, sealed) where c.connection_id = n.id`,
      [ids.map(({ id }) => id), ids.map(({ id }) => seal(dataKey, placeOf(id), secret))],
    )
  }
  secret.fill(0)
}
