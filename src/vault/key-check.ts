import { equalInConstantTime } from './primitives.ts'
import type { MasterKey } from './master-key.ts'

/**
 * `match`: every stored check was made with a key that is here. `nothing_stored`: the database is new; store the
 * newest key's `keyCheck` before anything is sealed. `refused`: do not start, do not write; `sentence` says why.
 */
export type KeyVerdict =
  { readonly kind: 'match' } | { readonly kind: 'nothing_stored' } | { readonly kind: 'refused'; readonly sentence: string }

/**
 * Whether these are the master keys that the stored secrets need. All stored checks must be recognised, because
 * between the beginning and the end of a rotation some data keys are wrapped by one key and some by the other.
 * A key that no check knows is fine as long as the others are there: that is how a rotation begins.
 *
 * @param stored     Each a `MasterKey.keyCheck` (40 bytes), as found in the database.
 * @param masterKeys All that this instance was given.
 */
export function checkKey(stored: readonly Buffer[], masterKeys: readonly MasterKey[]): KeyVerdict {
  if (stored.length === 0) return { kind: 'nothing_stored' }
  const missing = stored.filter(check => !masterKeys.some(key => equalInConstantTime(check, key.keyCheck)))
  if (missing.length === 0) return { kind: 'match' }
  const ids = (keyChecks: readonly Buffer[]) => keyChecks.map(check => check.toString('hex', 0, 8)).join(', ')
  return {
    kind: 'refused',
    sentence:
      `The master key does not belong to this database: its secrets need key ${ids(missing)}, and this instance has ` +
      `${masterKeys.length === 0 ? 'none' : ids(masterKeys.map(key => key.keyCheck))}. ` +
      'Put the key back that it was used with; nothing was changed. During a rotation both keys must be there, the new one on the first line.',
  }
}
