import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Problem } from '../core/problem.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { announce } from '../storage/changes.ts'
import { findCredential, storeRefreshed, type Holder, type RefreshedCredential } from '../storage/credentials.ts'
import type { Log } from '../telemetry/log.ts'
import type { Sealer } from '../vault/keyring.ts'
import type { Broker } from './broker.ts'
import { noteChange } from './change.ts'
import { credentialPlace, spoolPlace } from './places.ts'
import { revokeUnused } from './revoke.ts'
import type { RegisteredService } from './scheme-context.ts'
import { sealedText } from './stored-credential.ts'
import type { Opened, Usable } from './usable.ts'

/**
 * What providers answered while the database was away: one file for each renewal, sealed with its organisation's data key, written through
 * to the disk. The next start stores what is still wanted.
 */

/** The envelope: where the sealed text opens. None of it is secret, and none of it can be changed without the text refusing to open. What a newer version says beside it is passed over. */
const entryShape = z.object({
  format: z.literal(1),
  organization_id: z.string(),
  connection_id: z.string(),
  subject_id: z.string(),
  generation: z.int().min(0),
  service_revision: z.int().min(0),
  sealed: z.base64(),
})
export type SpoolEntry = z.infer<typeof entryShape>

const contentShape = z.object({
  link_name: z.string(),
  opened: z.object({ credential: z.record(z.string(), z.unknown()), variables: z.record(z.string(), z.string()) }),
  /** Milliseconds since 1970; null when the token names no end. */
  ends_at: z.number().nullable(),
  lifetime_seconds: z.number().nullable(),
  has_refresh_token: z.boolean(),
  granted_scopes: z.array(z.string()).nullable(),
  variables: z.record(z.string(), z.string()),
  spacing_seconds: z.number().nullable(),
  /** The service as it was: to whom it is given back when nobody wants it any more. Files of earlier versions do not say. */
  service: z
    .object({
      id: z.string(),
      definition: z.record(z.string(), z.unknown()),
      client_id: z.string().nullable(),
      sealed_client_secret: z.base64().nullable(),
    })
    .optional(),
})

export interface Spool {
  /** Writes it down and waits for the disk. Never throws: a disk that is full is logged, loudly. @returns what takes it away again. */
  keep(entry: SpoolEntry): Promise<() => Promise<void>>
  readonly directory: string
}

/** What one renewal needs to be stored later, ready for the disk. @param endsAt milliseconds since 1970, of a token that names an end. */
export function spoolEntry(
  sealer: Sealer,
  usable: Usable,
  opened: Opened,
  facts: Omit<RefreshedCredential, 'sealed' | 'expiresInSeconds'>,
  endsAt: number,
): SpoolEntry {
  const content: z.infer<typeof contentShape> = {
    link_name: usable.linkName,
    opened: { credential: { ...opened.credential }, variables: { ...opened.variables } },
    ends_at: facts.lifetimeSeconds === null ? null : endsAt,
    lifetime_seconds: facts.lifetimeSeconds,
    has_refresh_token: facts.hasRefreshToken,
    granted_scopes: facts.grantedScopes && [...facts.grantedScopes],
    variables: { ...facts.variables },
    spacing_seconds: facts.spacingSeconds,
    service: {
      id: usable.serviceId,
      definition: { ...usable.service },
      client_id: usable.clientId,
      sealed_client_secret: usable.sealedClientSecret?.toString('base64') ?? null,
    },
  }
  return {
    format: 1,
    organization_id: usable.organizationId,
    connection_id: usable.connectionId,
    subject_id: usable.subjectId,
    generation: usable.generation,
    service_revision: usable.serviceRevision,
    sealed: sealer(spoolPlace(usable, usable.generation, usable.serviceRevision), JSON.stringify(content)).toString('base64'),
  }
}

/** Made on first use, readable by nobody else. */
export function createSpool(directory: string, log: Log): Spool {
  return {
    directory,
    async keep(entry) {
      const path = join(directory, `${randomUUID()}.json`)
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await writeThrough(`${path}.draft`, JSON.stringify(entry))
        await rename(`${path}.draft`, path)
        await syncDirectory(directory)
        log.warn({ connection: entry.connection_id, file: path }, 'the database is away: a renewed credential was written to the spool')
      } catch (error) {
        log.error(
          { err: error, connection: entry.connection_id, directory },
          'A renewed credential could be written neither to the database nor to the spool. It is kept in memory only: do not stop this process before the database is back. Make room in, or access to, the folder.',
        )
      }
      return () => remove(path)
    },
  }
}

async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
}

/** The name is as durable as the content only after this. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Another instance of the same folder may have been faster. */
const remove = (path: string): Promise<void> =>
  unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })

/**
 * At a start, before anybody calls: stores what the last process could not. Compare-and-set by generation, so that a file that is replayed
 * twice, or whose connection was renewed or authorised anew since, changes nothing. What cannot be read stays where it is, and is told.
 *
 * @returns what is left to do once jobs run: what a provider gave for a connection that was revoked or deleted meanwhile is given back.
 */
export async function replaySpool(broker: Broker): Promise<() => Promise<void>> {
  const { directory } = broker.spool
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT')
      broker.log.error({ err: error, directory }, 'The spool cannot be read. Give this process access to the folder.')
    return []
  })
  const left: (() => Promise<void>)[] = []
  for (const name of names.filter(one => one.endsWith('.json')).sort()) {
    const file = join(directory, name)
    try {
      const { outcome, giveBack } = await replay(broker, entryShape.parse(JSON.parse(await readFile(file, 'utf8'))))
      broker.log.warn({ file, outcome }, 'a renewed credential from the spool was looked at')
      if (giveBack) left.push(() => giveBack().then(() => remove(file)))
      else await remove(file)
    } catch (error) {
      broker.log.error(
        { err: error, file },
        error instanceof Problem && error.code === 'storage_unavailable'
          ? 'A renewed credential in the spool could not be stored: the database is away. Start again when it is back.'
          : 'A renewed credential in the spool cannot be read. Its connection may have to be connected again. Start with the master key it was sealed with, or delete the file.',
      )
    }
  }
  return async () => {
    for (const one of left) await one()
  }
}

interface Replayed {
  readonly outcome: 'stored' | 'healed' | 'superseded'
  readonly giveBack: (() => Promise<void>) | null
}

async function replay(broker: Broker, entry: SpoolEntry): Promise<Replayed> {
  const holder: Holder = { organizationId: entry.organization_id, connectionId: entry.connection_id, subjectId: entry.subject_id }
  const { generation, service_revision } = entry
  const secret = await broker.vault.open(spoolPlace(holder, generation, service_revision), Buffer.from(entry.sealed, 'base64'))
  const content = contentShape.parse(JSON.parse(secret.expose()))
  const sealed = await broker.vault.seal(credentialPlace(holder, generation + 1, service_revision), sealedText(content.opened))
  const outcome = await storeRefreshed(broker.db, holder, generation, {
    sealed,
    expiresInSeconds: content.ends_at === null ? null : (content.ends_at - broker.now()) / 1000,
    lifetimeSeconds: content.lifetime_seconds,
    hasRefreshToken: content.has_refresh_token,
    grantedScopes: content.granted_scopes,
    variables: content.variables,
    spacingSeconds: content.spacing_seconds,
  })
  const named = { ...holder, linkName: content.link_name }
  if (outcome === 'superseded') {
    const row = await findCredential(broker.db, holder)
    // of a family that somebody renewed or authorised anew, no token is revoked: some services would end the whole family
    if ((row && row.status !== 'revoked') || !content.service) return { outcome, giveBack: null }
    const { id, definition, client_id, sealed_client_secret } = content.service
    const from: RegisteredService = {
      organizationId: holder.organizationId,
      serviceId: id,
      serviceRevision: service_revision,
      service: definition as unknown as ServiceDefinition,
      clientId: client_id,
      sealedClientSecret: sealed_client_secret === null ? null : Buffer.from(sealed_client_secret, 'base64'),
      clockOffsetSeconds: 0,
    }
    return { outcome, giveBack: () => revokeUnused(broker, named, from, content.opened) }
  }
  await announce(broker.db, [{ kind: 'connection', id: holder.connectionId }])
  await noteChange(broker, named, 'connection.rotation_found')
  return { outcome, giveBack: null }
}
