import { sql, type Kysely } from 'kysely'

const statements = [
  // a retired data key goes when nothing has needed it for a while
  `alter table data_keys add column retired_at timestamptz`,
  `update data_keys set retired_at = now() where state = 'retired'`,
  // set by a restore: when the back-up was made that this refresh token comes from; the first renewal clears it
  `alter table credentials add column restored_from timestamptz`,
]

export const rotationAndRestore = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
