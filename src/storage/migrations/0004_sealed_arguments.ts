import { sql, type Kysely } from 'kysely'

/** Passwords among stored arguments. What was stored in the open before is sealed when its function is saved the next time. */
const statements = ['functions', 'function_schedules'].flatMap(table => [
  `alter table ${table} add column sealed_arguments bytea`,
  `alter table ${table} add column sealed_version integer not null default 0`,
])

export const sealedArguments = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
