import type { ParameterName } from './builtins/define.ts'
import type { Kind } from './value.ts'

/** What a declared type converts to; a DECIMAL is not just any number. */
export type DeclaredType = Exclude<ParameterName, 'any' | 'integer' | 'numeric'> | 'decimal'

/** The types that headers declare (ST-14), in lower case. A name that is none of these is a form's, and takes anything. */
const declaredTypes: ReadonlyMap<string, DeclaredType> = new Map([
  ...['string', 'text', 'varchar', 'textarea', 'email', 'url', 'password'].map(name => [name, 'text'] as const),
  ...['int', 'integer', 'long', 'bigint', 'number'].map(name => [name, 'number'] as const),
  ...['float', 'double', 'decimal', 'currency', 'percent'].map(name => [name, 'decimal'] as const),
  ...['bool', 'boolean'].map(name => [name, 'boolean'] as const),
  ...['date', 'datetime', 'date-time'].map(name => [name, 'date'] as const),
  ['time', 'time'],
  ['list', 'list'],
  ...['map', 'key-value', 'keyvalue'].map(name => [name, 'map'] as const),
  ['collection', 'collection'],
  ['file', 'file'],
])

/** `String`, `List:Int` as what they convert to; undefined for a form's name and `void`. */
export const declaredType = (written: string): DeclaredType | undefined => declaredTypes.get(written.toLowerCase().replace(/:.*$/, ''))

/** The kind that an argument of a declared type has, unless it is null; null where any may come. */
export const declaredKind = (written: string): Kind | null => declaredType(written) ?? null
