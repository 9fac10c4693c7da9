import { createReadStream } from 'node:fs'
import { access, constants, readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { PassThrough } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { randomUUID } from 'node:crypto'
import { operatorsOrganization } from './broker/operators.ts'
import { z } from 'zod'
import type { Config } from './config.ts'
import { Problem } from './core/problem.ts'
import { applyRevocation, revocationActions, type Revocation } from './storage/revocations.ts'
import { openDatabase, type Executor } from './storage/database.ts'
import { insertAudit } from './storage/audit.ts'
import { lastMoment, markRestored } from './storage/deployment.ts'
import { importDatabase } from './storage/export.ts'
import { migrate } from './storage/migrate.ts'

/** The lines of a gzip'd text, as they are read. @throws Problem storage_unavailable when it is no gzip or is cut short */
async function* linesOf(file: string): AsyncGenerator<string> {
  const text = new PassThrough()
  // its failure destroys `text` too, so it arrives in the loop below
  const read = pipeline(createReadStream(file), createGunzip(), text).catch((error: unknown) => error)
  let pending = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of text as AsyncIterable<Buffer>) {
      const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n')
      pending = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    throw new Problem(
      'storage_unavailable',
      { detail: 'The backup is damaged or cut short. Nothing was imported.' },
      { cause: (await read) ?? error },
    )
  }
  if (pending !== '') yield pending
}

const revocationShape = z.object({
  at: z.iso.datetime(),
  organization_id: z.string(),
  action: z.enum(revocationActions),
  object: z.string(),
  subject: z.string().nullable(),
})

/** @throws Problem storage_unavailable when a line is none */
const readRevocations = (text: string): Revocation[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      try {
        return revocationShape.parse(JSON.parse(line))
      } catch (error) {
        throw new Problem(
          'storage_unavailable',
          { detail: 'The file of revocations is damaged or is another one. Nothing was imported.' },
          { cause: error },
        )
      }
    })

/**
 * `patchbay restore`: fills the empty database that the settings name from a backup, in one transaction. The embedded one is opened
 * under its directory lock, so this is refused while the server runs. Every refresh token in it is marked: since the back-up was made it
 * may have been used up, which the first renewal will tell.
 * @param revocations a file that `patchbay revocations` wrote: what is later than the back-up is done again.
 * @throws Problem storage_unavailable with a sentence, when the database is not empty, is in use, or the file is not a whole backup
 */
export async function restore(
  file: string,
  config: Pick<Config, 'databaseUrl' | 'databaseDirectUrl' | 'databaseSchema' | 'dataDir'>,
  revocations: string | null = null,
): Promise<{ rows: number; database: string; backupAt: string; refreshTokens: number; repeated: number }> {
  await access(file, constants.R_OK)
  const later = revocations === null ? [] : readRevocations(await readFile(revocations, 'utf8'))
  const open = await openDatabase({
    url: config.databaseUrl ?? undefined,
    directUrl: config.databaseDirectUrl ?? undefined,
    dataDir: config.dataDir,
    schema: config.databaseSchema ?? undefined,
  })
  try {
    await migrate(open)
    let backupAt = ''
    let refreshTokens = 0
    let repeated = 0
    const { rows } = await importDatabase(open, linesOf(file), async (db, madeAt) => {
      const moment = madeAt ?? (await lastMoment(db))
      backupAt = moment.toISOString()
      refreshTokens = await markRestored(db, moment)
      // what was taken away before the back-up was made is away; since then it may have been given anew
      for (const one of later) if (Date.parse(one.at) >= moment.getTime() && (await applyRevocation(db, one))) repeated++
      await noteOnServer(db, 'instance.restored', { backup_at: backupAt, refresh_tokens: refreshTokens, revocations: repeated })
    })
    return { rows, database: open.describe(), backupAt, refreshTokens, repeated }
  } finally {
    await open.close()
  }
}

/** Somebody did it on the server, without signing in: the operators' audit log holds it. */
export const noteOnServer = async (db: Executor, action: string, details: Readonly<Record<string, unknown>>): Promise<void> => {
  await insertAudit(db, [
    {
      id: randomUUID(),
      organization_id: await operatorsOrganization({ db }),
      actor_id: null,
      actor: 'Operator on the server',
      action,
      object: 'instance',
      details: JSON.stringify(details),
    },
  ])
}
