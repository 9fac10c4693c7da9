import { invocationBatches } from './0006_invocation_batches.ts'
import type { Migration } from 'kysely'
import { people } from './0001_people.ts'
import { broker } from './0002_broker.ts'
import { functions } from './0003_functions.ts'

/** Every migration, by name; they run in the order of their names. */
export const migrations: Record<string, Migration> = {
  '0001_people': people,
  '0002_broker': broker,
  '0003_functions': functions,
  '0006_invocation_batches': invocationBatches,
}
