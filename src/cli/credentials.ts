import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'

/** What `patchbay login` received: a key, and the Patchbay it is for. */
export interface Stored {
  readonly url: string
  readonly key: string
}

/** What the environment says. */
export interface Surroundings {
  readonly url: string | null
  readonly apiKey: string | null
  /** Where credentials.json lives. */
  readonly directory: string
}

export interface AccessOptions {
  readonly url?: string
  readonly keyFile?: string
}

const fileIn = (directory: string) => join(directory, 'credentials.json')

export function readStored(directory: string): Stored | null {
  let text
  try {
    text = readFileSync(fileIn(directory), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const value = JSON.parse(text) as Partial<Stored>
    if (typeof value.url === 'string' && typeof value.key === 'string') return { url: value.url, key: value.key }
  } catch {
    // said below
  }
  throw new Failure('not_logged_in', `${fileIn(directory)} is damaged. Delete it and run "patchbay login" again.`)
}

/** Readable by its owner only, and whole or not at all. */
export function writeStored(directory: string, stored: Stored): string {
  const path = fileIn(directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(draft, 0o600) // the mode above is narrowed by umask only; this says it exactly
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return path
}

export const defaultUrl = 'http://localhost:4400'

const originOf = (url: string): string => {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Failure('usage', `"${url}" is no URL: write it as https://patchbay.example.com.`)
  return new URL(url).origin
}

/** Which Patchbay is meant: the option, the environment, the last login, the default. */
export const urlOf = (surroundings: Surroundings, options: AccessOptions): string =>
  originOf(options.url ?? surroundings.url ?? readStored(surroundings.directory)?.url ?? defaultUrl)

/** Where to call and with which key. A stored key goes to the Patchbay that gave it and nowhere else. @throws Failure not_logged_in */
export function accessOf(surroundings: Surroundings, options: AccessOptions): { url: string; apiKey: string } {
  const url = urlOf(surroundings, options)
  if (options.keyFile !== undefined) return { url, apiKey: readFileSync(options.keyFile === '-' ? 0 : options.keyFile, 'utf8').trim() }
  if (surroundings.apiKey !== null) return { url, apiKey: surroundings.apiKey }
  const stored = readStored(surroundings.directory)
  if (stored && originOf(stored.url) === url) return { url, apiKey: stored.key }
  const elsewhere = stored ? ` You are logged in at ${stored.url}.` : ''
  throw new Failure('not_logged_in', `There is no key for ${url}.${elsewhere} Run "patchbay login --url ${url}", or set PATCHBAY_API_KEY.`)
}
