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

/** Milliseconds that one pattern may take on one value; V8 looks at the clock while it backtracks. */
const patternMilliseconds = 100

// The pattern is compiled alone first: `x)|(.*` is no expression, but would be one inside the group.
const matching = new Script("new RegExp(pattern, 'u'), new RegExp('^(?:' + pattern + ')$', 'u').test(value)")

/**
 * Whether the whole value matches a pattern that somebody wrote into a service definition. Patterns such as `(a+)+` take
 * seconds on 28 characters, so each runs under a deadline, after which the value counts as not matching.
 *
 * @returns `null` when the pattern is no regular expression (ECMAScript, `u` flag).
 */
export function matchesPattern(pattern: string, value: string): boolean | null {
  try {
    return matching.runInContext(createContext({ pattern, value }), { timeout: patternMilliseconds }) === true
  } catch (error) {
    // not instanceof: errors of the pattern come from its own context, and have another Error
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? false : null
  }
}

/** What is wrong with a value that somebody typed, as a sentence without the value; null when nothing is. */
export function valueProblem(value: unknown, pattern?: string): string | null {
  if (typeof value !== 'string' || value === '') return 'A value is needed.'
  if (Buffer.byteLength(value) > maxValueBytes) return 'This value is longer than 8 KiB.'
  if (controlCharacters.test(value)) return 'This value has control characters, such as a line break at its end.'
  if (/\p{Surrogate}/u.test(value)) return 'This value is not valid Unicode.'
  if (pattern === undefined) return null
  const matches = matchesPattern(pattern, value)
  if (matches === null) return 'The service describes this field with a pattern that is no regular expression: its keeper must correct it.'
  return matches ? null : 'This value does not have the form that the service describes.'
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

/** True when `{name}` stands in a URL anywhere in the definition. */
const inUrl = (part: unknown, name: string): boolean =>
  typeof part === 'string'
    ? /^https?:/i.test(part) && part.includes(`{${name}}`)
    : typeof part === 'object' && part !== null && Object.values(part).some(one => inUrl(one, name))

/**
 * What is wrong with a variable's value; null when nothing is. In a host it is DNS labels, elsewhere in a URL unreserved characters,
 * so that `evil.test/` or `..` cannot move a call elsewhere (X13). Good for captured variables too.
 */
export function variableProblem(service: ServiceDefinition, variable: Variable, value: unknown): string | null {
  const problem = valueProblem(value, variable.pattern)
  if (problem !== null || typeof value !== 'string') return problem
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
  for (const variable of variablesOf(service)) {
    const own = Object.hasOwn(given, variable.name) ? given[variable.name] : undefined
    const value = own === undefined || own === '' ? (variable.default ?? variable.choices?.[0]) : own
    const problem = variableProblem(service, variable, value)
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
