import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Problem } from '../core/problem.ts'

/**
 * One process per data directory. The embedded database does not notice a second opener: both write, and acknowledged rows are
 * lost without an error. Separate pid namespaces (two containers on one volume) are not covered: they cannot see each other.
 */
export interface DirectoryLock {
  readonly path: string
  release(): void
}

interface Holder {
  readonly pid: number
  /** Start time in clock ticks since boot (proc(5), field 22), so that a reused pid is not mistaken for the holder; null elsewhere. */
  readonly started: string | null
  readonly boot: string | null
  /** Names this one holding of the lock. */
  readonly token: string
}

const readIfAny = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** State and start time of a process; the command name before them may contain spaces and parentheses, hence the last one. */
const processStat = (pid: number): { state: string; started: string } | undefined => {
  const stat = readIfAny(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] !== undefined && fields[19] !== undefined ? { state: fields[0], started: fields[19] } : undefined
}

const bootId = (): string | null => readIfAny('/proc/sys/kernel/random/boot_id')?.trim() ?? null

const isAlive = (holder: Holder): boolean => {
  if (holder.boot !== null && holder.boot !== bootId()) return false
  const stat = processStat(holder.pid)
  // A killed process stays visible as a zombie until its parent has read its exit code.
  if (stat) return !['Z', 'X'].includes(stat.state) && (holder.started === null || holder.started === stat.started)
  try {
    process.kill(holder.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const parseHolder = (text: string): Holder | undefined => {
  try {
    const value = JSON.parse(text) as Partial<Holder>
    const { pid, started = null, boot = null, token } = value
    return Number.isInteger(pid) && typeof token === 'string' ? { pid: pid as number, started, boot, token } : undefined
  } catch {
    return undefined
  }
}

const refused = (detail: string): Problem => new Problem('storage_unavailable', { detail })

/** Creates `path` with our holder in it, whole or not at all; false when it exists. */
const create = (path: string, holder: Holder): boolean => {
  const draft = `${path}.${holder.token}.draft`
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeSync(file, `${JSON.stringify(holder)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/**
 * Replaces a dead holder. Two processes may find the same dead one; the heir is whoever creates the claim that carries its token.
 * While the claim stands nobody else replaces that holder, so looking once more after claiming makes the replacement safe.
 */
const inherit = (path: string, dead: Holder, ours: Holder): boolean => {
  const claim = `${path}.${dead.token}.claim`
  if (!create(claim, ours)) {
    const text = readIfAny(claim)
    const claimant = text === undefined ? undefined : parseHolder(text)
    if (claimant && !isAlive(claimant)) rmSync(claim, { force: true })
    return false
  }
  const text = readIfAny(path)
  if (text === undefined || parseHolder(text)?.token !== dead.token) {
    rmSync(claim, { force: true })
    return false
  }
  try {
    renameSync(claim, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // Two processes that found a dead claimant as well may have swapped claims: what counts is whose name stands in the lock.
  return parseHolder(readIfAny(path) ?? '')?.token === ours.token
}

/**
 * Takes `<dataDir>.lock` for this process, creating the parent folder where needed.
 *
 * A lock whose holder is dead (killed, or of an earlier boot) is taken over; a living one never is.
 * Throws `storage_unavailable` naming the holder and what to do.
 */
export const lockDirectory = (dataDir: string): DirectoryLock => {
  const directory = resolve(dataDir)
  const path = `${directory}.lock`
  mkdirSync(dirname(path), { recursive: true })
  const started = processStat(process.pid)?.started ?? null
  const ours: Holder = { pid: process.pid, started, boot: bootId(), token: `${process.pid}-${process.hrtime.bigint()}` }

  // Each round either ends or has seen somebody else change the lock; many rounds mean a crowd of starting processes.
  for (let round = 0; round < 100; round++) {
    if (create(path, ours) || takeOver(path, directory, ours)) return { path, release: () => release(path, ours) }
  }
  throw refused(`Several processes are fighting over the data directory ${directory}. Start only one.`)
}

const takeOver = (path: string, directory: string, ours: Holder): boolean => {
  const text = readIfAny(path)
  if (text === undefined) return false
  const holder = parseHolder(text)
  if (!holder) throw refused(`The lock file ${path} is not one of ours. Delete it if no Patchbay is running on this data directory.`)
  if (isAlive(holder)) {
    throw refused(
      `The data directory ${directory} is in use by process ${holder.pid}. ` +
        'Stop that process first, or set PATCHBAY_DATA_DIR to another directory.',
    )
  }
  return inherit(path, holder, ours)
}

const release = (path: string, ours: Holder): void => {
  const text = readIfAny(path)
  if (text !== undefined && parseHolder(text)?.token === ours.token) rmSync(path, { force: true })
}
