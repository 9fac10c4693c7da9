import { sql } from 'kysely'
import { openDatabase } from '../../src/storage/database.ts'
import { listInvocations } from '../../src/storage/invocations.ts'
import { missingDataDir } from './databases.ts'

/** How many calls the log holds, of the first organisation: read from the database itself, when nobody writes any more. */
export async function loggedCalls(databaseUrl: string, connection: string | null = null): Promise<number> {
  const open = await openDatabase({ url: databaseUrl, dataDir: missingDataDir() })
  try {
    const { rows } = await sql<{ id: string }>`select id from organizations order by created_at limit 1`.execute(open.db)
    const filter = { connection, user: null, status: null, visibleTo: null, since: null, until: null, cursor: null, limit: 10_000 }
    return (await listInvocations(open.db, rows[0]?.id ?? '', filter)).data.length
  } finally {
    await open.close()
  }
}
