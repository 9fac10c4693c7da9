import { createReadStream } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { PassThrough } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Config } from './config.ts'
import { Problem } from './core/problem.ts'
import { openDatabase } from './storage/database.ts'
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

/**
 * `patchbay restore`: fills the empty database that the settings name from a backup, in one transaction. The embedded one is opened
 * under its directory lock, so this is refused while the server runs.
 * @throws Problem storage_unavailable with a sentence, when the database is not empty, is in use, or the file is not a whole backup
 */
export async function restore(
  file: string,
  config: Pick<Config, 'databaseUrl' | 'databaseSchema' | 'dataDir'>,
): Promise<{ rows: number; database: string }> {
  await access(file, constants.R_OK)
  const open = await openDatabase({
    url: config.databaseUrl ?? undefined,
    dataDir: config.dataDir,
    schema: config.databaseSchema ?? undefined,
  })
  try {
    await migrate(open)
    const { rows } = await importDatabase(open, linesOf(file))
    return { rows, database: open.describe() }
  } finally {
    await open.close()
  }
}
