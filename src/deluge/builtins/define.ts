import type { Chance, Host, Surroundings } from '../host.ts'
import type { Meter } from '../limits.ts'
import type { Collection, DateTime, File, Integer, KeyValue, List, Numeric, Time, Value } from '../value.ts'

/** What a built-in may ask of the run it belongs to. */
export interface Context {
  readonly surroundings: Surroundings
  readonly host: Host
  readonly meter: Meter
  readonly chance: Chance
  /** The function whose line is running, `namespace.name` or "". */
  readonly from: string
}

/** What a parameter becomes before `run` sees it. `integer` is a safe JavaScript number; `number` may be a bigint; `numeric` a DECIMAL, too. */
interface TypesOfParameters {
  text: string
  integer: number
  number: Integer
  numeric: Numeric
  boolean: boolean
  date: DateTime
  time: Time
  list: List
  map: KeyValue
  collection: Collection
  file: File
  /** As it is, null included. */
  any: Value
}

export type ParameterName = keyof TypesOfParameters
/** `text?` may be left out (and everything after it); `any...` takes the rest, and is last. */
export type ParameterType = ParameterName | `${ParameterName}?` | `${ParameterName}...`
/** `none` is for built-ins that only change their receiver. */
export type ResultType = ParameterName | 'none' | 'decimal'

type Taken<Types extends readonly ParameterType[]> = Types extends readonly [infer First, ...infer Rest extends readonly ParameterType[]]
  ? First extends `${infer Name extends ParameterName}...`
    ? TypesOfParameters[Name][]
    : First extends `${infer Name extends ParameterName}?`
      ? [value?: TypesOfParameters[Name] | undefined, ...Taken<Rest>]
      : First extends ParameterName
        ? [TypesOfParameters[First], ...Taken<Rest>]
        : never
  : []

/**
 * One built-in. For a method the first of `takes` is its receiver; `x.f(a)` and `f(x, a)` are the same (EX-15). The same name may stand in
 * the tables of several receivers. A name with dots (`zoho.encryption.md5`) has no receiver.
 */
export interface Builtin {
  readonly doc: string
  readonly takes: readonly ParameterType[]
  readonly gives: ResultType
  /** Names of the parameters after the receiver, for completion and the documents: `['separator']`. */
  readonly parameters: readonly string[]
  readonly aliases: readonly string[]
  /** Only `f(a)`, never `a.f()`. */
  readonly receiver?: false
  /**
   * Script → what it gives, both in the language; each is a test and documentation. The script's last part after `;` is the value:
   * `'l = {1,2}; l.add(3); l': '{1,2,3}'`. A value `error: …` says that it fails with a message containing the rest.
   */
  readonly examples: Readonly<Record<string, string>>
  readonly run: (context: Context, ...values: never[]) => Value
}

export interface Definition<Types extends readonly ParameterType[]> {
  readonly doc: string
  readonly takes: readonly [...Types]
  readonly gives: ResultType
  readonly parameters?: readonly string[]
  readonly aliases?: readonly string[]
  readonly receiver?: false
  readonly examples: Readonly<Record<string, string>>
  readonly run: (context: Context, ...values: Taken<Types>) => Value
}

/** Types `run` from `takes`. */
export const builtin = <const Types extends readonly ParameterType[]>(definition: Definition<Types>): Builtin => ({
  aliases: [],
  parameters: [],
  ...definition,
  // Erased here, checked where the row is written: callers convert every value to what `takes` says before they call.
  run: definition.run as unknown as Builtin['run'],
})

/** The table of one receiver (or of names without one): the name in the language → its row. */
export type Builtins = Readonly<Record<string, Builtin>>
