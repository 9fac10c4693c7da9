import type { SchemaMigration } from '../concurrent-indexes.ts'
import { people } from './0001_people.ts'
import { broker } from './0002_broker.ts'
import { functions } from './0003_functions.ts'
import { sealedArguments } from './0004_sealed_arguments.ts'
import { functionUpkeep } from './0005_function_upkeep.ts'
import { invocationBatches } from './0006_invocation_batches.ts'
import { rotationAndRestore } from './0007_rotation_and_restore.ts'
import { keyScopes } from './0008_key_scopes.ts'
import { longLists } from './0009_long_lists.ts'

/**
 * Every migration, by name; they run in the order of their names, while programs of the version before go on using the tables. How that is
 * kept true: docs/decisions/0022.
 */
export const migrations: Record<string, SchemaMigration> = {
  '0001_people': people,
  '0002_broker': broker,
  '0003_functions': functions,
  '0004_sealed_arguments': sealedArguments,
  '0005_function_upkeep': functionUpkeep,
  '0006_invocation_batches': invocationBatches,
  '0007_rotation_and_restore': rotationAndRestore,
  '0008_key_scopes': keyScopes,
  '0009_long_lists': longLists,
}
