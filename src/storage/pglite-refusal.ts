import { Problem } from '../core/problem.ts'
import { EngineDied } from './pglite-engine.ts'

/**
 * What the operating system objects to, by Node's code or in PostgreSQL's sentence (musl's texts). That may pass while the files stay as
 * they are. With what to do about it.
 */
const obstacles: readonly (readonly [RegExp, (directory: string, said: string) => string])[] = [
  [
    /^(?:ENOSPC|EDQUOT)$|No space left on device|Quota exceeded/,
    (directory, said) =>
      `There is no room left on the disk for the embedded database in ${directory}: ${said}. Make room there and start Patchbay again: nothing that was stored is lost.`,
  ],
  [
    /^EROFS$|Read-only file system/,
    (directory, said) =>
      `The disk of ${directory} may only be read: ${said}. Mount it for writing, or set PATCHBAY_DATA_DIR to a directory elsewhere.`,
  ],
  [
    /^(?:EACCES|EPERM)$|Permission denied|Operation not permitted/,
    (directory, said) =>
      `This user may not do what the embedded database in ${directory} needs: ${said}. Run Patchbay as the user who owns it, or give it to this one with chown; the folder around it, where the lock is, too.`,
  ],
  [
    /^EIO$|I\/O error/,
    (directory, said) =>
      `The disk of ${directory} has errors: ${said}. Look at it and at the system's log before you start Patchbay again.`,
  ],
  [
    /^(?:ENOTDIR|EEXIST|EISDIR|ELOOP|ENAMETOOLONG)$/,
    (directory, said) => `${directory} cannot hold a database: ${said}. Set PATCHBAY_DATA_DIR to the name of a folder.`,
  ],
  [
    /^(?:EMFILE|ENFILE)$|No file descriptors available/,
    (directory, said) => `This process may not open the files that it needs in ${directory}: ${said}. Raise its limit (ulimit -n).`,
  ],
]

/** SQLSTATE of what PostgreSQL says of files that are not what they were: data corrupted, index corrupted, undefined file. */
const damaged = /^(?:XX00[12]|58P01)$/

/** What a storage error is made of. */
const originOf = (error: unknown): unknown => (error instanceof Problem && error.cause instanceof Error ? error.cause : error)

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '')

const obstacleOf = (error: unknown) =>
  obstacles.find(([pattern]) => pattern.test(codeOf(error)) || (error instanceof Error && pattern.test(error.message)))?.[1]

/** Whether the files may be as good as they were: the same start may work later. */
export const mayPass = (error: unknown): boolean => obstacleOf(originOf(error)) !== undefined

/**
 * Why the embedded database in `directory` cannot be started, in sentences for the operator; `error` itself where it is neither
 * PostgreSQL's nor the operating system's.
 */
export const startRefused = (directory: string, error: unknown): unknown => {
  const cause = originOf(error)
  if (!(cause instanceof Error)) return error
  const obstacle = obstacleOf(cause)
  if (!obstacle && !(cause instanceof EngineDied) && !damaged.test(codeOf(cause))) return error
  const detail =
    obstacle?.(directory, cause.message) ??
    `The embedded database in ${directory} is damaged: ${cause.message}. Restore a back-up into an empty data directory, and keep this one for whoever may want to look at it.`
  return new Problem('storage_unavailable', { detail }, { cause })
}
