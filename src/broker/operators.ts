import type { Executor } from '../storage/database.ts'

/** The first organisation: its administrators are the operators, and its audit log holds what happens to the whole instance. Null: there is none yet. */
export async function operatorsOrganization({ db }: { readonly db: Executor }): Promise<string | null> {
  const first = await db.selectFrom('organizations').select('id').orderBy('created_at').orderBy('id').limit(1).executeTakeFirst()
  return first?.id ?? null
}
