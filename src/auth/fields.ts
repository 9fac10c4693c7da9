import { createContext, Script } from 'node:vm'
import { invalid, Problem } from '../core/problem.ts'
import type { FieldError } from '../core/problem.ts'
import { variablesOf } from '../core/service.ts'
import type { ServiceDefinition, Variable } from '../core/service.ts'
import { hostVariablePattern, pathVariablePattern } from '../core/template.ts'
import { controlCharacters } from './place.ts'
import type { Field } from './scheme.ts'

/** A value that a person types has 8 KiB at most, counted in bytes (X12). */
export const maxValueBytes = 8192

/** Milliseconds that the patterns of one form may take together; V8 looks at the clock while it backtracks. */
const patternMilliseconds = 100

// Each pattern is compiled alone first: `x)|(.*` is no expression, but would be one inside the group.
const matching = new Script(`
  for (let i = 0; i < patterns.length; i++)
    try {
      new RegExp(patterns[i], 'u')
      answers[i] = new RegExp('^(?:' + patterns[i] + ')$', 'u').test(values[i])
    } catch {
      answers[i] = null
    }`)

/**
 * Whether each whole value matches its pattern, which somebody wrote into a service definition. Patterns such as `(a+)+` take seconds on
 * 28 characters, and a definition may have dozens of them: all run under one deadline, after which what is left counts as not matching.
 *
 * @returns `null` for a pattern that is no regular expression (ECMAScript, `u` flag).
 */
export function matchesPatterns(pairs: readonly (readonly [pattern: string, value: string])[]): (boolean | null)[] {
  const answers: (boolean | null)[] = pairs.map(() => false)
  if (pairs.length === 0) return answers
  const context = createContext({ patterns: pairs.map(([pattern]) => pattern), values: pairs.map(([, value]) => value), answers })
  try {
    matching.runInContext(context, { timeout: patternMilliseconds })
  } catch {
    // the deadline: everything else is caught inside
  }
  return answers
}

/** What somebody typed, with the pattern that the definition has for it. */
export interface Typed {
  readonly value: unknown
  readonly pattern?: string | undefined
}

/** What is wrong with each value that somebody typed, as a sentence without the value; null when nothing is. */
export function valueProblems(typed: readonly Typed[]): (string | null)[] {
  const plain = typed.map(({ value }) => plainProblem(value))
  const asked = typed.flatMap(({ value, pattern }, i) =>
    plain[i] === null && pattern !== undefined ? [{ i, pair: [pattern, String(value)] as const }] : [],
  )
  const matches = matchesPatterns(asked.map(one => one.pair))
  for (const [at, { i }] of asked.entries())
    if (matches[at] !== true)
      plain[i] =
        matches[at] === null
          ? 'The service describes this field with a pattern that is no regular expression: its keeper must correct it.'
          : 'This value does not have the form that the service describes.'
  return plain
}

function plainProblem(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return 'A value is needed.'
  if (Buffer.byteLength(value) > maxValueBytes) return 'This value is longer than 8 KiB.'
  if (controlCharacters.test(value)) return 'This value has control characters, such as a line break at its end.'
  return /\p{Surrogate}/u.test(value) ? 'This value is not valid Unicode.' : null
}

/** One variable as a box of the form. */
const variableField = (variable: Variable): Field => ({
  name: variable.name,
  display_name: variable.label ?? variable.name,
  secret: variable.secret ?? false,
  ...(variable.placeholder !== undefined && { placeholder: variable.placeholder }),
  ...(variable.pattern !== undefined && { pattern: variable.pattern }),
  ...(variable.example !== undefined && { example: variable.example }),
  ...(variable.prefix !== undefined && { prefix: variable.prefix }),
  ...(variable.suffix !== undefined && { suffix: variable.suffix }),
  ...(variable.choices !== undefined && { choices: variable.choices }),
  ...(variable.help_url !== undefined && { help_url: variable.help_url }),
})

/** The boxes for a service's variables (CON-17), in the order of the definition; captured ones are not asked. */
export const variableFields = (service: ServiceDefinition): Field[] => variablesOf(service).map(variableField)

/** Whether a text that is to be shown to people is a secret, or one that is long enough not to be there by chance is a part of it. */
export const holdsSecret = (text: string, secrets: readonly string[]): boolean =>
  secrets.some(secret => text === secret || (secret.length >= 8 && text.includes(secret)))

/** True when `{name}` stands in a URL anywhere in the definition. */
const inUrl = (part: unknown, name: string): boolean =>
  typeof part === 'string'
    ? /^https?:/i.test(part) && part.includes(`{${name}}`)
    : typeof part === 'object' && part !== null && Object.values(part).some(one => inUrl(one, name))

/**
 * What else is wrong with a variable's value; null when nothing is. In a host it is DNS labels, elsewhere in a URL unreserved characters,
 * so that `evil.test/` or `..` cannot move a call elsewhere (X13).
 */
function variableProblem(service: ServiceDefinition, variable: Variable, value: string): string | null {
  if (variable.choices && !variable.choices.includes(value)) return 'This is not one of the choices.'
  if (variable.host && !hostVariablePattern.test(value))
    return 'This stands in a host name: lower-case letters, digits, hyphens and dots only.'
  if (!variable.host && inUrl(service, variable.name) && !pathVariablePattern.test(value))
    return 'This stands in a URL: letters, digits and . _ ~ - only.'
  return null
}

/**
 * The values of a service's variables: given ones checked, missing ones from their default or first choice.
 *
 * @param given  By name; other names are ignored, the caller knows what else is allowed.
 * @throws Problem validation_failed, one error for each variable, path `variables.<name>`.
 */
export function variableValues(service: ServiceDefinition, given: Readonly<Record<string, unknown>>): Record<string, string> {
  const values: Record<string, string> = {}
  const errors: FieldError[] = []
  const variables = variablesOf(service)
  const typed = variables.map(variable => {
    const own = Object.hasOwn(given, variable.name) ? given[variable.name] : undefined
    return { value: own === undefined || own === '' ? (variable.default ?? variable.choices?.[0]) : own, pattern: variable.pattern }
  })
  const problems = valueProblems(typed)
  for (const [i, variable] of variables.entries()) {
    const value = typed[i]?.value
    const problem = problems[i] ?? (typeof value === 'string' ? variableProblem(service, variable, value) : null)
    if (problem !== null) errors.push({ path: `variables.${variable.name}`, message: problem })
    else if (typeof value === 'string') values[variable.name] = value
  }
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
  return values
}

/** @throws Problem validation_failed for a name that the form does not have; the name is cut to 100 characters. */
export function assertKnown(values: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): void {
  const unknown = Object.keys(values).find(name => !known.has(name))
  if (unknown !== undefined) throw invalid(`credentials.${unknown.slice(0, 100)}`, 'The service has no field of this name.')
}
