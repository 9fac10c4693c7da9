import type { Surroundings } from '../deluge/host.ts'
import { parseJson } from '../deluge/json.ts'
import { defaultLimits, meterOf } from '../deluge/limits.ts'
import { jsonOf, textOf } from '../deluge/text.ts'
import type { Value } from '../deluge/value.ts'

/** JSON as a script's value: numbers exact, texts as they are. @throws Failure when it is no JSON or larger than a run may hold */
export const valueOfJson = (text: string): Value =>
  parseJson(
    text,
    meterOf(
      { ...defaultLimits, milliseconds: Infinity },
      () => 0,
      () => false,
      () => 0,
    ),
  )

/** A script's value as JSON text: long numbers and decimals keep their digits, a file becomes its bytes in base64. */
export function jsonTextOf(surroundings: Surroundings, value: Value): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  switch (value.kind) {
    case 'file':
      return JSON.stringify({
        filename: value.name,
        content_type: value.contentType,
        size: value.bytes.byteLength,
        content_base64: Buffer.from(value.bytes).toString('base64'),
      })
    case 'decimal':
      return value.value.isFinite() ? textOf(surroundings, value) : 'null'
    case 'list':
    case 'map':
      return jsonOf(surroundings, value)
    case 'collection':
      return jsonTextOf(surroundings, value.content)
    default:
      return JSON.stringify(textOf(surroundings, value))
  }
}
