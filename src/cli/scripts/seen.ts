import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plain } from './folder.ts'

/*
 * What a folder last had in common with Patchbay, so that a change here and a change there are told apart. It belongs to this copy of the
 * folder: everybody else's has its own, which is why version control is told to leave it out.
 */

export interface Seen {
  readonly revision: number
  readonly sha256: string
}

/** By the function's id: another Patchbay, or a function made anew, has others. */
export type SeenFunctions = Map<string, Seen>

const directoryIn = (directory: string) => join(directory, '.patchbay')
const fileIn = (directory: string) => join(directoryIn(directory), 'last-seen.json')

export const fingerprint = (source: string): string => createHash('sha256').update(plain(source)).digest('hex')

const isSeen = (value: unknown): value is Seen =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'revision') === 'number' &&
  typeof Reflect.get(value, 'sha256') === 'string'

/** Nothing where there is no such file, or one that cannot be read: it only makes push and pull more careful. */
export function readSeen(directory: string): SeenFunctions {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(fileIn(directory), 'utf8')) as object)
    return new Map(entries.filter((one): one is [string, Seen] => isSeen(one[1])))
  } catch {
    return new Map()
  }
}

/** A folder that may not be written to is pushed all the same. */
export function writeSeen(directory: string, seen: SeenFunctions): void {
  try {
    mkdirSync(directoryIn(directory), { recursive: true })
    writeFileSync(join(directoryIn(directory), '.gitignore'), '*\n')
    writeFileSync(fileIn(directory), `${JSON.stringify(Object.fromEntries([...seen].sort()), null, 2)}\n`)
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
