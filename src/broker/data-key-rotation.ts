import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { Problem } from '../core/problem.ts'
import { announce } from '../storage/changes.ts'
import { dataKeyStore } from '../storage/data-keys.ts'
import {
  countSealedByRetired,
  destroyRetiredDataKeys,
  replaceSealed,
  sealedColumns,
  sealedRows,
  type SealedColumn,
  type SealedPage,
  type SealedRow,
} from '../storage/sealed-columns.ts'
import { findSetting, moveSetting, settleSetting } from '../storage/settings.ts'
import { kidOf } from '../vault/envelope.ts'
import { MasterKeyRefused } from '../vault/master-key.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { operatorsOrganization } from './operators.ts'
import { placeOfSealed } from './places.ts'

/**
 * A new data key for every organisation, and everything sealed again by it, while calls go on. Readers find a data key by the id in the
 * field, so they open it before and after; the old data keys stay until nothing can need them. Each field is replaced where the cell still
 * holds what was read, so it may be killed and go on, or run twice at once.
 */

export interface DataKeyRotation {
  /** By the database's clock: data keys made before are replaced. */
  readonly started_at: string
  readonly finished_at: string | null
  /** Sealed fields: how many there were to be sealed again, and how many have been. More may come while it runs. */
  readonly total: number
  readonly done: number
  /** Fields that did not open and were left as they are. */
  readonly damaged: number
  /** Which instance works on it, and when it last said so. */
  readonly instance: string
  readonly beat_at: string
}

const setting = 'data_key_rotation'
const rowsPerPage = 200
/** After so many fields, a millisecond's work, calls get their turn. */
const rowsAtOnce = 10
/** So that calls stay quick meanwhile. */
const mostRowsPerSecond = 2000
/** Few enough to leave sessions for the calls: each waits for the disk. */
const keysAtOnce = 4
/** An instance that said nothing for so long has died. */
const deadAfterMs = 10_000
/** Who holds a field sealed by a retired data key lets go of it by then: memory after a minute, a job that tells a provider after a day. */
const retiredForMinutes = 24 * 60
/** So often it is written down how far it is. */
const noteEveryMs = 500
/** Another instance may go on sealing with the old data key for a minute; what is left after these rounds is the hourly job's. */
const mostRounds = 3

const parsed = (text: string | null): DataKeyRotation | null => (text === null ? null : (JSON.parse(text) as DataKeyRotation))

export const rotationOf = async (broker: Pick<Broker, 'db'>): Promise<DataKeyRotation | null> =>
  parsed(await findSetting(broker.db, setting))

const isAlive = (broker: Broker, rotation: DataKeyRotation, now: Date): boolean =>
  rotation.finished_at === null && rotation.instance !== broker.instance && now.getTime() - Date.parse(rotation.beat_at) < deadAfterMs

const underWay = new WeakMap<Broker, Promise<void>>()

/** Whether some instance is working on it now. */
export async function rotationRuns(broker: Broker, rotation: DataKeyRotation): Promise<boolean> {
  return rotation.finished_at === null && (underWay.has(broker) || isAlive(broker, rotation, await databaseNow(broker)))
}

async function databaseNow(broker: Pick<Broker, 'db'>): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(broker.db)
  const now = rows[0]?.now
  if (!now) throw new Error('the database has no clock')
  return now
}

/**
 * Begins a rotation, or goes on with one that was interrupted. It runs behind; `rotationOf` says how far it is.
 * @throws Problem master_key_missing when a data key is wrapped by a key that is not loaded; nothing was changed then.
 */
export async function rotateDataKeys(broker: Broker, by: Caller): Promise<DataKeyRotation> {
  await broker.vault.assertMasterKeys().catch((error: unknown) => {
    throw error instanceof MasterKeyRefused ? new Problem('master_key_missing', { detail: error.message }) : error
  })
  const now = await databaseNow(broker)
  const before = await findSetting(broker.db, setting)
  const last = parsed(before)
  if (last !== null && last.finished_at === null) {
    if (!isAlive(broker, last, now)) run(broker)
    return last
  }
  const moment = now.toISOString()
  const fresh: DataKeyRotation = {
    started_at: moment,
    finished_at: null,
    total: 0,
    done: 0,
    damaged: 0,
    instance: broker.instance,
    beat_at: moment,
  }
  const begun = await change(broker, by, async (trx, traces) => {
    const text = JSON.stringify(fresh)
    const mine = before === null ? (await settleSetting(trx, setting, text)) === text : await moveSetting(trx, setting, before, text)
    if (mine) traces.audit('keys.rotation_started', 'instance')
    return mine
  })
  if (!begun) return (await rotationOf(broker)) ?? fresh
  run(broker)
  return fresh
}

/** Goes on with a rotation whose instance has died. For the start of an instance, and for the hourly job. */
export async function resumeRotation(broker: Broker): Promise<void> {
  const rotation = await rotationOf(broker)
  if (rotation !== null && rotation.finished_at === null && !isAlive(broker, rotation, await databaseNow(broker))) run(broker)
}

/** What this instance is doing of it; for whoever stops it. */
export const rotationUnderWay = (broker: Broker): Promise<void> => underWay.get(broker) ?? Promise.resolve()

function run(broker: Broker): void {
  if (underWay.has(broker)) return
  const work = rotate(broker)
    .catch((error: unknown) => broker.log.error({ err: error }, 'the rotation of data keys was interrupted; it goes on within the hour'))
    .finally(() => underWay.delete(broker))
  underWay.set(broker, work)
}

async function rotate(broker: Broker): Promise<void> {
  const start = await rotationOf(broker)
  if (start === null) return
  let rotation = start
  let damaged = 0
  let noted = -Infinity
  const note = async (resealed: number) => {
    const done = rotation.done + resealed
    rotation = { ...rotation, done, total: Math.max(rotation.total, done), instance: broker.instance }
    if (broker.monotonic() - noted < noteEveryMs) return
    noted = broker.monotonic()
    rotation = { ...rotation, beat_at: (await databaseNow(broker)).toISOString() }
    await moveSetting(broker.db, setting, null, JSON.stringify(rotation))
  }
  await replaceDataKeys(broker, new Date(start.started_at), () => note(0))
  // only for people: of very many it takes longer than a statement may
  rotation = { ...rotation, total: start.done + (await countSealedByRetired(broker.db).catch(() => 0)) }
  await note(0)
  for (let round = 0; round < mostRounds; round++) {
    const found = await resealAll(broker, note)
    damaged = found.damaged
    if (found.resealed === 0) break
  }
  const finished: DataKeyRotation = { ...rotation, damaged, finished_at: (await databaseNow(broker)).toISOString() }
  await change(broker, { organizationId: await operatorsOrganization(broker), actor: 'Patchbay' }, async (trx, traces) => {
    await moveSetting(trx, setting, null, JSON.stringify(finished))
    traces.audit('keys.rotated', 'instance', { resealed: rotation.done, damaged })
  })
  await destroyUnusedDataKeys(broker)
}

/**
 * Everything that is made before this moment of the database's clock.
 * @param alive called after each: of ten thousand the last comes after half a minute.
 */
export async function replaceDataKeys(
  broker: Pick<Broker, 'db' | 'vault'>,
  madeBefore: Date,
  alive: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (;;) {
    const old = await dataKeyStore(broker.db).activeMadeBefore(madeBefore, rowsPerPage)
    if (old.length === 0) return
    for (let at = 0; at < old.length; at += keysAtOnce) {
      const some = old.slice(at, at + keysAtOnce)
      await Promise.all(some.map(({ kid, organization_id }) => broker.vault.rotateDataKey(organization_id, kid)))
      await announce(
        broker.db,
        some.map(({ organization_id }) => ({ kind: 'data_key', id: organization_id })),
      )
      await alive()
    }
  }
}

type Sealing = Pick<Broker, 'db' | 'vault' | 'monotonic' | 'log'>

/** One pass over everything that a retired data key seals. */
export async function resealAll(
  broker: Sealing,
  note: (resealed: number) => Promise<void> = () => Promise.resolve(),
): Promise<{ resealed: number; damaged: number }> {
  let resealed = 0
  let damaged = 0
  for (const column of sealedColumns) {
    for (let after: readonly string[] | null = null; ;) {
      const since = broker.monotonic()
      const { rows, next }: SealedPage = await sealedRows(broker.db, column, 'by a retired data key', after, rowsPerPage)
      const page = await reseal(broker, column, rows)
      resealed += page.resealed
      damaged += page.damaged
      if (rows.length > 0) await note(page.resealed)
      if (next === null) break
      after = next
      const pause = (rows.length / mostRowsPerSecond) * 1000 - (broker.monotonic() - since)
      if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
    }
  }
  return { resealed, damaged }
}

async function reseal(broker: Sealing, column: SealedColumn, rows: readonly SealedRow[]): Promise<{ resealed: number; damaged: number }> {
  const fields: { key: readonly string[]; before: Buffer; next: Buffer }[] = []
  let damaged = 0
  // neighbours are of as many organisations
  await broker.vault.preload(rows)
  for (const [at, row] of rows.entries()) {
    if (at % rowsAtOnce === 0) await setImmediate()
    const place = placeOfSealed(column, row)
    try {
      fields.push({ key: row.key, before: row.sealed, next: await broker.vault.seal(place, await broker.vault.open(place, row.sealed)) })
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'integrity_error') throw error
      damaged++
      broker.log.error({ table: column.table, row: row.key.join(':') }, 'a sealed field does not open; it was left as it is')
    }
  }
  return { resealed: await replaceSealed(broker.db, column, fields), damaged }
}

/** Hourly: what an instance sealed by an old data key after the last round of a rotation, and data keys that nothing needs any more. */
export async function finishRotations(broker: Broker): Promise<void> {
  if ((await dataKeyStore(broker.db).countRetired()) === 0) return
  await resealAll(broker)
  await destroyUnusedDataKeys(broker)
}

/** Destroys data keys that nothing can need any more. */
export async function destroyUnusedDataKeys(broker: Broker): Promise<void> {
  const waiting = await broker.jobs.waiting('revoke_at_provider')
  const carried = waiting.flatMap(job => [job.sealed, ...(job.sealed_client_secret === null ? [] : [job.sealed_client_secret])])
  const used = new Set(carried.map(text => kidOf(Buffer.from(text, 'base64'))))
  const destroyed = await destroyRetiredDataKeys(broker.db, retiredForMinutes, used)
  if (destroyed.length === 0) return
  broker.vault.forget(null)
  await change(broker, { organizationId: await operatorsOrganization(broker), actor: 'Patchbay' }, async (_trx, traces) =>
    traces.audit('keys.destroyed', 'instance', { data_keys: destroyed.length }),
  )
}
