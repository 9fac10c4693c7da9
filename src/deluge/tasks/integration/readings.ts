import { kindOf, listOf, mapOf, type Value } from '../../value.ts'
import { isFile, isList, isMap } from '../multipart.ts'

/** What identifies the record in the values of an update of Zoho People. */
const isRecordId = (key: string): boolean => key.toLowerCase() === 'recordid'

function withoutEncoding(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Ways in which a template takes an argument, `{values:fields}`. Any other word is the kind of value that is taken, `{message:map}`: for
 * parameters that take several.
 */
const readings: Readonly<Record<string, (value: Value, textOf: (value: Value) => string) => Value | undefined>> = {
  /** A map of form fields: one without `data` is what stands in that field. */
  fields: value => (!isMap(value) || value.entries.has('data') ? value : mapOf([['data', value]])),
  /** Whether workflow rules run: `true` names them, `false` names none; see `trigger` of the CRM's options. */
  trigger: value => (typeof value === 'boolean' ? listOf(value ? ['workflow'] : []) : undefined),
  /** One map where a list of maps may stand. */
  several: value => (isMap(value) ? listOf([value]) : value),
  /** A map, or a list whose elements `|` separates. */
  alternatives: (value, textOf) => {
    const held = typeof value === 'object' && value?.kind === 'collection' ? value.content : value
    return isList(held) ? held.items.map(textOf).join('|') : held
  },
  /** A text that a script encoded for the address already: it is encoded once. */
  decoded: value => (typeof value === 'string' && /%[0-9a-f]{2}/i.test(value) ? withoutEncoding(value) : value),
  /** A name; a file stands for its own. */
  fileName: value => (isFile(value) ? value.name : value),
  recordId: value => (isMap(value) ? [...value.entries].find(([key]) => isRecordId(key))?.[1] : undefined),
  withoutRecordId: value => (isMap(value) ? mapOf([...value.entries].filter(([key]) => !isRecordId(key))) : value),
}

/** An argument as a template takes it; undefined when it is not of that kind. */
export function readAs(reading: string | undefined, value: Value, textOf: (value: Value) => string): Value | undefined {
  if (reading === undefined) return value
  const read = readings[reading]
  if (read) return read(value, textOf)
  return kindOf(value) === reading ? value : undefined
}
