import { taskFunctions } from '../tasks/index.ts'
import type { Kind } from '../value.ts'
import { collection } from './collection.ts'
import { dateTime } from './date-time.ts'
import type { Builtin, Builtins, ParameterName, ParameterType } from './define.ts'
import { encoding } from './encoding.ts'
import { file } from './file.ts'
import { list } from './list.ts'
import { logical } from './logical.ts'
import { map } from './map.ts'
import { number } from './number.ts'
import { text } from './text.ts'
import { time } from './time.ts'
import { notHere } from './unavailable.ts'
import { xml } from './xml.ts'

/** A built-in as calls find it. */
export interface Row {
  /** As documented, without its aliases. */
  readonly name: string
  readonly builtin: Builtin
  /** What the values become that it is run with, the receiver of a method first. */
  readonly types: readonly ParameterName[]
  /** What all values behind `types` become; null when there are none. */
  readonly rest: ParameterName | null
  /** Values at least and at most, the receiver counted. */
  readonly least: number
  readonly most: number
}

/** Every table of built-ins, by the heading it is documented under. */
export const tables: Readonly<Record<string, Builtins>> = {
  text,
  number,
  'date-time': dateTime,
  time,
  list,
  map,
  collection,
  file,
  encoding,
  logical,
  xml,
  'web data': taskFunctions,
  unavailable: notHere,
}

const bare = (type: ParameterType): ParameterName => type.replace(/\?$|\.\.\.$/, '') as ParameterName

function rowOf(name: string, builtin: Builtin): Row {
  const { takes } = builtin
  const last = takes.at(-1)
  const rest = last?.endsWith('...') ? bare(last) : null
  const fixed = rest === null ? takes : takes.slice(0, -1)
  const firstOptional = fixed.findIndex(type => type.endsWith('?'))
  return {
    name,
    builtin,
    types: fixed.map(bare),
    rest,
    least: firstOptional < 0 ? fixed.length : firstOptional,
    most: rest === null ? fixed.length : Number.POSITIVE_INFINITY,
  }
}

/** Receivers that a first parameter stands for: NUMBER and DECIMAL share their table. */
const receiversOf = (type: ParameterName): readonly (Kind | 'any')[] =>
  type === 'integer' || type === 'number' || type === 'numeric' ? ['number', 'decimal'] : [type]

export interface Registry {
  /** Lower-case name → kind of the receiver → row. */
  readonly methods: ReadonlyMap<string, ReadonlyMap<Kind | 'any', Row>>
  /** Lower-case name, dotted ones too, of what is called without a receiver. */
  readonly functions: ReadonlyMap<string, Row>
  /** Names that stand twice for the same receiver. The first counts; there should be none. */
  readonly conflicts: readonly string[]
}

export function registryOf(every: Readonly<Record<string, Builtins>>): Registry {
  const methods = new Map<string, Map<Kind | 'any', Row>>()
  const functions = new Map<string, Row>()
  const conflicts: string[] = []
  const setOnce = <Key>(into: Map<Key, Row>, key: Key, row: Row, said: string) => {
    if (into.has(key)) conflicts.push(said)
    else into.set(key, row)
  }
  for (const [name, builtin] of Object.values(every).flatMap(table => Object.entries(table))) {
    const row = rowOf(name, builtin)
    const first = builtin.takes[0]
    const isMethod = first !== undefined && !first.endsWith('...') && builtin.receiver !== false && !name.includes('.')
    for (const spelling of new Set([name, ...builtin.aliases].map(one => one.toLowerCase()))) {
      if (isMethod) {
        const kinds = methods.get(spelling) ?? new Map<Kind | 'any', Row>()
        methods.set(spelling, kinds)
        for (const kind of receiversOf(bare(first))) setOnce(kinds, kind, row, `${spelling} of ${kind}`)
      }
      if (!isMethod || first.endsWith('?')) setOnce(functions, spelling, row, spelling)
    }
  }
  return { methods, functions, conflicts }
}

export const { methods, functions, conflicts } = registryOf(tables)
