import { sql, type Kysely } from 'kysely'

export const keyScopes = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw('alter table api_keys add column scopes jsonb').execute(db)
  },
}
