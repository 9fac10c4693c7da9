import { readFileSync } from 'node:fs'
import type { Field, Values } from '../../sdk/index.ts'
import { Failure } from './failure.ts'

/** Only here does a person type, and a secret only ever here or in a file: what stands in a command line is read by others (ps). */

/** The prompts go to stderr: stdout is for data. */
const output = process.stderr

const canAsk = () => process.stdin.isTTY && process.stderr.isTTY

/** A file, or what is piped in for `-`. */
export const readText = (path: string): string => readFileSync(path === '-' ? 0 : path, 'utf8')

async function answered(answer: Promise<string | symbol>): Promise<string> {
  const value = await answer
  if (typeof value === 'symbol') throw new Failure('cancelled', 'Nothing was changed.')
  return value
}

/** @throws Failure usage where nobody can be asked */
export async function askSecret(message: string, instead: string): Promise<string> {
  if (!canAsk()) throw new Failure('usage', `Nobody can be asked for "${message}" here: use ${instead}.`)
  const { password } = await import('@clack/prompts')
  return answered(password({ message, output, validate: value => (value ? undefined : 'It is empty.') }))
}

/** What a connection asks for: secrets masked, choices as a menu. */
export async function askFields(fields: readonly Field[], instead: string): Promise<Values> {
  if (!canAsk()) throw new Failure('usage', `Nobody can be asked for ${fields.map(one => one.name).join(', ')} here: use ${instead}.`)
  const { password, select, text } = await import('@clack/prompts')
  const given: Record<string, string> = {}
  for (const field of fields) {
    const affixes = field.prefix || field.suffix ? ` (${field.prefix ?? ''}…${field.suffix ?? ''})` : ''
    const message = `${field.display_name}${affixes}`
    const { choices } = field
    if (choices && choices.length > 0)
      given[field.name] = await answered(select({ message, output, options: choices.map(value => ({ value })) }))
    else if (field.secret) given[field.name] = await answered(password({ message, output }))
    else
      given[field.name] = await answered(
        text({ message, output, ...(field.placeholder && { placeholder: field.placeholder }), defaultValue: '' }),
      )
  }
  return given
}

/** `{ "name": "value" }` from a file. @throws Failure usage */
export function readValues(path: string): Values {
  const value = readJson(path)
  const entries = Object.entries(value)
  if (entries.some(([, one]) => typeof one !== 'string')) throw new Failure('usage', `${path}: every value is a text.`)
  return Object.fromEntries(entries) as Values
}

/** @throws Failure usage for what is no JSON object; its text is never repeated */
export function readJson(path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(readText(path))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Failure('usage', `${path} is not JSON.`) // without the cause: a parser repeats what it read
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Failure('usage', `${path}: a JSON object is needed.`)
  return value as Record<string, unknown>
}
