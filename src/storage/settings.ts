import type { Executor } from './database.ts'
import type { OrganizationSettingsTable } from './tables.ts'

export async function findSetting(db: Executor, name: string): Promise<string | null> {
  const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? null
}

export const putSetting = (db: Executor, name: string, value: string) =>
  db
    .insertInto('settings')
    .values({ name, value })
    .onConflict(conflict => conflict.column('name').doUpdateSet({ value }))
    .execute()

/** Writes it when it is not there; whoever comes second gets the first one's value. */
export async function settleSetting(db: Executor, name: string, value: string): Promise<string> {
  await db
    .insertInto('settings')
    .values({ name, value })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute()
  return (await findSetting(db, name)) ?? value
}

/** Changes it where it still is `before` (null: whatever it is). @returns whether it did. */
export async function moveSetting(db: Executor, name: string, before: string | null, value: string): Promise<boolean> {
  const update = db.updateTable('settings').set({ value }).where('name', '=', name)
  const { numUpdatedRows } = await (before === null ? update : update.where('value', '=', before)).executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function organizationSettings(
  db: Executor,
  organizationId: string,
): Promise<Pick<OrganizationSettingsTable, 'who_may_create'>> {
  const row = await db
    .selectFrom('organization_settings')
    .select('who_may_create')
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
  return row ?? { who_may_create: 'everyone' }
}

export const putOrganizationSettings = (db: Executor, row: OrganizationSettingsTable) =>
  db
    .insertInto('organization_settings')
    .values(row)
    .onConflict(conflict => conflict.column('organization_id').doUpdateSet({ who_may_create: row.who_may_create }))
    .execute()
