import { closeSync, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { MasterKeyRefused, parseMasterKey, type MasterKey } from './master-key.ts'

/** Where the master keys may come from. Values only: who calls has read the settings. */
export interface MasterKeySources {
  /** The key itself. Preferred to everything else, although a file is safer. */
  readonly keyText: string | undefined
  /** A file that the operator names. It must exist. */
  readonly keyFile: string | undefined
  /** The data directory. Its key lies beside it, not in it, so that a copy of the one is no copy of the other. */
  readonly dataDir: string
  readonly production: boolean
  /** False where the database holds anything: a new key would open none of it. */
  readonly allowCreate: boolean
}

export interface LoadedMasterKeys {
  /** At least one. The first wraps; the others only unwrap. */
  readonly masterKeys: readonly MasterKey[]
  /** The file they were read from; `undefined` where the setting held them. */
  readonly file: string | undefined
  readonly created: boolean
  /** Sentences for the operator. */
  readonly warnings: readonly string[]
}

const maxFileBytes = 64 * 1024
const maxKeys = 16

/**
 * Finds the master keys: the text, else the named file, else `<data directory>.key`. Only the last is ever created,
 * and only in development for an empty database; nothing is written in any other case.
 *
 * A source may hold several keys, one a line, `#` beginning a comment. Data keys are wrapped by the first and
 * unwrapped by any. To rotate while several instances run: add the new key as the second line everywhere, move it
 * to the first line everywhere, re-wrap, then remove the old one.
 *
 * @throws MasterKeyRefused with a sentence that says what to do.
 */
export function loadMasterKeys(sources: MasterKeySources): LoadedMasterKeys {
  if (sources.keyText !== undefined) {
    const masterKeys = parseMasterKeys(sources.keyText, 'The master key setting')
    const warning =
      'The master key comes from an environment variable, which other processes of the same user can read. A key file is safer.'
    return { masterKeys, file: undefined, created: false, warnings: [warning] }
  }
  if (sources.keyFile !== undefined) return fromFile(resolve(sources.keyFile), false)

  const file = `${resolve(sources.dataDir)}.key`
  if (existsSync(file)) return fromFile(file, false)
  if (sources.production)
    throw new MasterKeyRefused(
      'There is no master key, and in production none is made. Make one with "openssl rand -base64 32", keep a copy apart from the backups, and name its file in PATCHBAY_MASTER_KEY_FILE.',
    )
  if (!sources.allowCreate)
    throw new MasterKeyRefused(
      `The master key ${file} is missing, but the database holds data already. Put the key file back; a new key could not open what is stored.`,
    )
  return fromFile(file, createKeyFile(file))
}

/** @param called Where the text came from, for refusals, e.g. `The master key file /srv/data.key`. */
export function parseMasterKeys(text: string, called: string): readonly MasterKey[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ text: line.replace(/#.*/, '').trim(), number: i + 1 }))
  const filled = lines.filter(line => line.text !== '')
  const single = filled.length <= 1
  if (filled.length > maxKeys)
    throw new MasterKeyRefused(`${called} holds more than ${String(maxKeys)} keys. Remove those that a finished rotation left.`)

  const masterKeys = (single ? [filled[0] ?? { text: '', number: 1 }] : filled).map(line =>
    parseMasterKey(line.text, single ? called : `${called}, line ${String(line.number)},`),
  )
  if (new Set(masterKeys.map(key => key.id)).size < masterKeys.length)
    throw new MasterKeyRefused(
      `${called} holds the same key twice. In a rotation the new key is on the first line and the old one below it.`,
    )
  return masterKeys
}

function fromFile(file: string, created: boolean): LoadedMasterKeys {
  const { text, openToOthers } = readKeyFile(file)
  const warning = `The master key file ${file} can be read by other users. Run: chmod 600 ${file}`
  return { masterKeys: parseMasterKeys(text, `The master key file ${file}`), file, created, warnings: openToOthers ? [warning] : [] }
}

/** Reads at most 64 KiB: the name may belong to anything, also to a device without an end. */
function readKeyFile(file: string): { text: string; openToOthers: boolean } {
  const buffer = Buffer.alloc(maxFileBytes + 1)
  try {
    const descriptor = openSync(file, 'r')
    try {
      const stat = fstatSync(descriptor)
      let length = 0
      while (length < buffer.length) {
        const read = readSync(descriptor, buffer, length, buffer.length - length, null)
        if (read === 0) break
        length += read
      }
      if (length > maxFileBytes)
        throw new MasterKeyRefused(`The master key file ${file} is far too long to be one. Check PATCHBAY_MASTER_KEY_FILE.`)
      // A pipe that a shell or a service manager passes in has mode bits that say nothing.
      return { text: buffer.toString('utf8', 0, length), openToOthers: stat.isFile() && (stat.mode & 0o077) !== 0 }
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if (error instanceof MasterKeyRefused) throw error
    throw new MasterKeyRefused(`The master key file ${file} cannot be read (${codeOf(error)}). Check its name and its permissions.`)
  } finally {
    buffer.fill(0)
  }
}

/**
 * A complete file appears under its name or none does: written under another name, synced, then linked, which fails
 * where the name exists. Of two first starts at once one creates the key and both read it.
 *
 * @returns Whether it was this call that created it.
 */
function createKeyFile(file: string): boolean {
  const unfinished = `${file}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    const descriptor = openSync(unfinished, 'wx', 0o600)
    try {
      writeSync(
        descriptor,
        `# Patchbay master key. Without it nothing in the database can be opened: keep a copy apart from the backups.\n`,
      )
      writeSync(descriptor, `${randomBytes(32).toString('base64')}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    linkSync(unfinished, file)
    syncDirectory(dirname(file))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw new MasterKeyRefused(
      `The master key file ${file} cannot be created (${codeOf(error)}). Check the permissions of ${dirname(file)}.`,
    )
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** Makes the new name itself survive a power cut: a key that vanishes after the first secret is sealed opens nothing. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown error')
