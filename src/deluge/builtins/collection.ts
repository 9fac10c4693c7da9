import { collectionChange } from './collection-change.ts'
import { collectionRead } from './collection-read.ts'
import type { Builtins } from './define.ts'

/** COLLECTION (§3.9): elements with indexes, or values with keys, not both. */
export const collection: Builtins = { ...collectionChange, ...collectionRead }
