import type { FunctionSignature } from '../core/function.ts'
import { Failure } from '../deluge/failure.ts'
import type { Surroundings } from '../deluge/host.ts'
import { jsonOf } from '../deluge/text.ts'
import { mapOf, type Value } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from '../sandbox/json.ts'
import { plainly } from './function-values.ts'

/** What is shown instead of a password. Where it comes back, the password is meant to stay what it was. */
export const stars = '********'

/** Arguments declared as passwords, lower case. */
export const passwordNames = (signature: FunctionSignature | null): ReadonlySet<string> =>
  new Set((signature?.parameters ?? []).filter(one => one.type?.toLowerCase() === 'password').map(one => one.name.toLowerCase()))

/** A password of one or two characters would be found in every word. */
const shortestMasked = 3

/** The mask of a run without passwords. */
export const asItIs = (text: string): string => text

/**
 * Puts stars for what was given as a password wherever it stands, as it is or percent-encoded: a whole request in `crmAPIRequest` holds it
 * again, and a script may print it.
 */
export function maskPasswords(signature: FunctionSignature | null, values: ReadonlyMap<string, Value>): (text: string) => string {
  const names = passwordNames(signature)
  const spellings = new Set<string>()
  for (const [name, value] of values) {
    if (!names.has(name.toLowerCase()) || typeof value !== 'string' || value.length < shortestMasked) continue
    const percent = encodeURIComponent(Buffer.from(value).toString())
    const form = new URLSearchParams([['', value]]).toString().slice(1)
    const json = JSON.stringify(value).slice(1, -1)
    for (const spelling of [value, json, JSON.stringify(json).slice(1, -1), percent, form]) spellings.add(spelling)
  }
  if (spellings.size === 0) return asItIs
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length)
  return text => longestFirst.reduce((masked, spelling) => masked.replaceAll(spelling, stars), text)
}

/** Arguments in a JSON text with stars for those declared as passwords. */
export function maskedArguments(signature: FunctionSignature | null, text: string): string {
  const names = passwordNames(signature)
  if (names.size === 0) return text
  const given = valueOfJson(text)
  if (typeof given !== 'object' || given?.kind !== 'map') return '{}'
  const masked = mapOf([...given.entries].map(([name, value]) => [name, names.has(name.toLowerCase()) && value !== null ? stars : value]))
  return jsonOf(plainly, masked)
}

/** A value as the log has it: one that is too long or too deep to be written does not end its run. */
function writtenOf(surroundings: Surroundings, value: Value): string {
  try {
    return jsonTextOf(surroundings, value)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return JSON.stringify('…')
  }
}

/** What the log keeps of arguments: those declared as passwords are stars, files are their names. */
export function loggedArguments(
  surroundings: Surroundings,
  signature: FunctionSignature | null,
  values: ReadonlyMap<string, Value>,
  longest: number,
): string {
  const secret = passwordNames(signature)
  const masked = maskPasswords(signature, values)
  const members = [...values].map(([name, value]) => {
    const text =
      secret.has(name.toLowerCase()) && value !== null
        ? JSON.stringify(stars)
        : typeof value === 'object' && value?.kind === 'file'
          ? JSON.stringify({ filename: value.name, size: value.bytes.byteLength })
          : masked(writtenOf(surroundings, value))
    return `${JSON.stringify(name)}:${text.length > longest ? JSON.stringify(`${text.slice(0, longest)}…`) : text}`
  })
  const whole = `{${members.join(',')}}`
  return whole.length > longest * 4 ? '{}' : whole
}
