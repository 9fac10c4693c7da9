import { PatchbayProblem, type FunctionRun, type LoggedRun, type Me } from '../../../sdk/index.ts'
import { keep, keeperOf, readKept } from '../../parts/kept.ts'

export interface Parameter {
  readonly name: string
  readonly type: string | null
}

/** Which box asks for a value of a declared type. */
export type Box = 'text' | 'secret' | 'number' | 'decimal' | 'boolean' | 'date' | 'datetime' | 'time' | 'json' | 'file'

const boxes: Readonly<Record<string, Box>> = {
  password: 'secret',
  int: 'number',
  integer: 'number',
  long: 'number',
  number: 'number',
  bigint: 'number',
  float: 'decimal',
  double: 'decimal',
  decimal: 'decimal',
  bool: 'boolean',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
  'date-time': 'datetime',
  timestamp: 'datetime',
  time: 'time',
  map: 'json',
  list: 'json',
  file: 'file',
}

export const boxOf = ({ type }: Parameter): Box => boxes[(type ?? '').toLowerCase()] ?? 'text'

export type Values = Readonly<Record<string, string>>
export type Files = Readonly<Record<string, File | null>>

const keptName = (path: string) => `function-arguments:${path.toLowerCase()}`

const isTexts = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && Object.values(value).every(one => typeof one === 'string')

/** What was given the last time in this tab. */
export function keptValues(me: Me, path: string): Values {
  const kept = readKept(keptName(path), keeperOf(me))
  return isTexts(kept) ? kept : {}
}

/** Never those of type password, and no files. */
export const keepValues = (me: Me, path: string, parameters: readonly Parameter[], values: Values): void => {
  const secret = new Set(parameters.filter(one => boxOf(one) === 'secret').map(one => one.name))
  keep(keptName(path), keeperOf(me), Object.fromEntries(Object.entries(values).filter(([name]) => !secret.has(name))))
}

const base64Of = (file: File): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(typeof reader.result === 'string' ? reader.result.replace(/^[^,]*,?/, '') : ''))
    reader.addEventListener('error', () =>
      reject(
        new PatchbayProblem({
          code: 'validation_failed',
          status: 422,
          detail: `${file.name} could not be read: it was moved, changed or deleted after it was chosen. Choose it again.`,
        }),
      ),
    )
    reader.readAsDataURL(file)
  })

/** What is wrong with a value before it is sent; null when nothing is. */
export function valueProblem(parameter: Parameter, value: string): string | null {
  const text = value.trim()
  if (text === '') return null
  switch (boxOf(parameter)) {
    case 'number':
      return /^[+-]?\d+$/.test(text) ? null : 'Give a whole number.'
    case 'decimal':
      return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? null : 'Give a number, such as 3.14.'
    case 'json':
      return jsonProblem(text, (parameter.type ?? '').toLowerCase() === 'list')
    default:
      return null
  }
}

function jsonProblem(text: string, list: boolean): string | null {
  try {
    const value: unknown = JSON.parse(text)
    if (list) return Array.isArray(value) ? null : 'Give a list: ["one", "two"].'
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'Give a map: {"name": "value"}.'
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : ''}`
  }
}

/**
 * As run takes them. Everything goes as the text that was typed and becomes its declared type at the server: an id of 19 digits is not exact
 * as a number of this language. What is left empty is null there.
 * @throws PatchbayProblem for a file that is no longer as it was chosen
 */
export async function givenArguments(parameters: readonly Parameter[], values: Values, files: Files): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {}
  for (const parameter of parameters) {
    const file = files[parameter.name]
    const value = values[parameter.name] ?? ''
    if (boxOf(parameter) === 'file') {
      if (file) given[parameter.name] = { filename: file.name, content_type: file.type, content_base64: await base64Of(file) }
    } else if (value !== '') given[parameter.name] = boxOf(parameter) === 'json' ? value.trim() : value
  }
  return given
}

/** "3 statements, 1 call", as every list of runs says it. */
export const workWords = ({ statements, calls }: Pick<FunctionRun | LoggedRun, 'statements' | 'calls'>): string =>
  `${statements.toLocaleString()} ${statements === 1 ? 'statement' : 'statements'}, ${calls.toLocaleString()} ${calls === 1 ? 'call' : 'calls'}`
