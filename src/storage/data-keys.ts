import { randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { DataKeysTable } from './tables.ts'

type Row = Selectable<DataKeysTable>
type NewRow = Pick<Row, 'kid' | 'organization_id' | 'wrapped' | 'master_key_id'>

/** The table of wrapped data keys, in the shape that the vault asks for. Never called inside a transaction. */
export const dataKeyStore = (db: Database) => ({
  findActive: (organizationId: string): Promise<Row | undefined> =>
    db.selectFrom('data_keys').selectAll().where('organization_id', '=', organizationId).where('state', '=', 'active').executeTakeFirst(),

  findByKid: (kid: string): Promise<Row | undefined> => db.selectFrom('data_keys').selectAll().where('kid', '=', kid).executeTakeFirst(),

  findAll: (kids: readonly string[], organizationIds: readonly string[]): Promise<Row[]> =>
    db
      .selectFrom('data_keys')
      .selectAll()
      .where(
        sql<boolean>`(kid = any(${[...kids]}::uuid[]) or (state = 'active' and organization_id = any(${[...organizationIds]}::text[])))`,
      )
      .execute(),

  async insertActive(row: NewRow): Promise<boolean> {
    const inserted = await db
      .insertInto('data_keys')
      .values({ ...row, state: 'active' })
      .onConflict(conflict => conflict.doNothing())
      .returning('kid')
      .executeTakeFirst()
    return inserted !== undefined
  },

  async replaceActive(retiredKid: string, { kid, organization_id, wrapped, master_key_id }: NewRow): Promise<boolean> {
    // one statement: a rotation of ten thousand organisations asks ten thousand times
    const { numAffectedRows } = await sql`
      with retired as (update data_keys set state = 'retired', retired_at = now() where kid = ${retiredKid} and state = 'active' returning kid)
      insert into data_keys (kid, organization_id, wrapped, master_key_id, state)
      select ${kid}::uuid, ${organization_id}::text, ${wrapped}::bytea, ${master_key_id}::text, 'active' from retired`.execute(db)
    return numAffectedRows === 1n
  },

  async rewrap(kid: string, fromMasterKeyId: string, wrapped: Buffer, toMasterKeyId: string): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('data_keys')
      .set({ wrapped, master_key_id: toMasterKeyId })
      .where('kid', '=', kid)
      .where('master_key_id', '=', fromMasterKeyId)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  page(after: string | undefined, limit: number): Promise<Row[]> {
    const rows = db.selectFrom('data_keys').selectAll().orderBy('kid').limit(limit)
    return (after === undefined ? rows : rows.where('kid', '>', after)).execute()
  },

  /** Active data keys that were made before this moment of the database's clock, at most `limit`. */
  activeMadeBefore: (moment: Date, limit: number): Promise<Pick<Row, 'kid' | 'organization_id'>[]> =>
    db
      .selectFrom('data_keys')
      .select(['kid', 'organization_id'])
      .where('state', '=', 'active')
      .where('created_at', '<', moment)
      .orderBy('created_at')
      .limit(limit)
      .execute(),

  async countRetired(): Promise<number> {
    const { count } = await db
      .selectFrom('data_keys')
      .select(sql<string>`count(*)`.as('count'))
      .where('state', '=', 'retired')
      .executeTakeFirstOrThrow()
    return Number(count)
  },

  async countByMasterKey(): Promise<{ master_key_id: string; count: number }[]> {
    const rows = await db
      .selectFrom('data_keys')
      .select(['master_key_id', sql<string>`count(*)`.as('count')])
      .groupBy('master_key_id')
      .execute()
    return rows.map(row => ({ ...row, count: Number(row.count) }))
  },
})

/** Key checks stand in `settings` under this prefix and a name of their own: several while master keys are being rotated. */
const prefix = 'key_check:'

export async function findKeyChecks(db: Database): Promise<Buffer[]> {
  const rows = await db
    .selectFrom('settings')
    .select('value')
    .where('name', 'like', prefix + '%')
    .execute()
  return rows.map(row => Buffer.from(row.value, 'base64'))
}

/** Leaves the checks of exactly these keys. */
export const putKeyChecks = (db: Database, checks: readonly Buffer[]): Promise<void> =>
  db.transaction().execute(async trx => {
    await trx
      .deleteFrom('settings')
      .where('name', 'like', prefix + '%')
      .execute()
    await trx
      .insertInto('settings')
      .values(checks.map(check => ({ name: prefix + randomUUID(), value: check.toString('base64') })))
      .execute()
  })
