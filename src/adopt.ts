import { randomUUID } from 'node:crypto'
import type { Config } from './config.ts'
import { placeInWords, placeOf } from './core/deployment.ts'
import { Problem } from './core/problem.ts'
import { noteOnServer } from './restore.ts'
import { announce } from './storage/changes.ts'
import { openDatabase } from './storage/database.ts'
import { findDeployment, markRestored, putDeployment } from './storage/deployment.ts'
import { appliedMigrations, migrate } from './storage/migrate.ts'

export interface Adopted {
  /** In words: where the database belonged, null when it was ours already, and where it belongs now. */
  readonly from: string | null
  readonly to: string
  /** Refresh tokens that were marked as those of a back-up; null when nothing was said of one. */
  readonly refreshTokens: number | null
}

/**
 * `patchbay adopt`: the database that the settings name belongs to the public URL that they name from now on. Servers that run on
 * PostgreSQL hear of it at once; the embedded database is opened under its directory lock, so this is refused while its server runs.
 *
 * @param restoredFrom the database was filled by PostgreSQL's own tools from a back-up of this moment: its refresh tokens are marked.
 * @throws Problem storage_unavailable with a sentence
 */
export async function adopt(
  config: Pick<Config, 'databaseUrl' | 'databaseDirectUrl' | 'databaseSchema' | 'dataDir' | 'publicUrl' | 'port'>,
  restoredFrom: Date | null,
): Promise<Adopted> {
  const to = placeOf(config.publicUrl ?? `http://localhost:${config.port}`)
  const open = await openDatabase({
    url: config.databaseUrl ?? undefined,
    directUrl: config.databaseDirectUrl ?? undefined,
    dataDir: config.dataDir,
    schema: config.databaseSchema ?? undefined,
  })
  try {
    if ((await appliedMigrations(open.db, open.schema)).length === 0)
      throw new Problem('storage_unavailable', { detail: `There is nothing to adopt: ${open.describe()} is empty.` })
    await migrate(open)
    return await open.db.transaction().execute(async trx => {
      const before = await findDeployment(trx)
      const refreshTokens = restoredFrom === null ? null : await markRestored(trx, restoredFrom)
      if (refreshTokens !== null)
        await noteOnServer(trx, 'instance.restored', { backup_at: restoredFrom?.toISOString() ?? null, refresh_tokens: refreshTokens })
      if (before?.place !== to) {
        await putDeployment(trx, { id: randomUUID(), place: to })
        await noteOnServer(trx, 'instance.adopted', { from: before?.place ?? null, to })
      }
      await announce(trx, [{ kind: 'deployment', id: to }])
      return { from: before && before.place !== to ? placeInWords(before.place) : null, to: placeInWords(to), refreshTokens }
    })
  } finally {
    await open.close()
  }
}
