import { Problem } from '../core/problem.ts'
import type { FieldError } from '../core/problem.ts'
import { headerValuePattern } from '../core/request.ts'
import type { ApiKeyService, Parameter } from '../core/service.ts'
import { assertKnown, valueProblems, variableFields, variableValues } from './fields.ts'
import { cookieValuePattern, placeCredential, placed, placementHeaders } from './place.ts'
import type { Field, Scheme } from './scheme.ts'

/** One value for each parameter of the service, by the parameter's actual name; any name may be an own property, `__proto__` included. */
export interface ApiKeyCredential {
  readonly values: Readonly<Record<string, string>>
}

const parameterField = (parameter: Parameter): Field => ({
  name: parameter.name,
  display_name: parameter.display_name,
  secret: parameter.secret ?? true,
  ...(parameter.placeholder !== undefined && { placeholder: parameter.placeholder }),
  ...(parameter.pattern !== undefined && { pattern: parameter.pattern }),
  ...(parameter.example !== undefined && { example: parameter.example }),
  ...(parameter.help_url !== undefined && { help_url: parameter.help_url }),
})

/** Whether the value of this parameter will stand in such a place: then it is held to what that can carry, already when saved. */
const standsIn = (service: ApiKeyService, where: 'header' | 'cookie', name: string): boolean =>
  service.advanced.placements?.some(one => one.in === where && one.value.includes(`{${name}}`)) ?? service.param_type === where

function placeProblem(service: ApiKeyService, parameter: Parameter, value: unknown): string | null {
  if (standsIn(service, 'header', parameter.name) && !headerValuePattern.test(String(value)))
    return 'This value travels in a header: visible ASCII characters only, and no blank at either end.'
  if (standsIn(service, 'cookie', parameter.name) && !cookieValuePattern.test(String(value)))
    return 'This value travels in a cookie: visible ASCII characters only, without blanks, commas, semicolons, quotes and backslashes.'
  return null
}

const valueOf = (values: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(values, name) ? values[name] : undefined

/**
 * API key: the service names its parameters, the person supplies their values, and each value travels where the service's
 * Param Type says, or its placements. No RFC covers this. `header_prefix` stands before the value of every header.
 */
export const apiKey: Scheme<ApiKeyService, ApiKeyCredential> = {
  authType: 'api_key',

  async begin({ service, variables }) {
    const asked = variableFields(service).filter(field => !Object.hasOwn(variables, field.name))
    return { kind: 'ask', fields: [...service.parameters.map(parameterField), ...asked] }
  },

  async finish({ service, variables }, answer) {
    const given = 'values' in answer ? answer.values : {}
    assertKnown(given, new Set([...service.parameters.map(one => one.name), ...variableFields(service).map(field => field.name)]))
    const problems = valueProblems(service.parameters.map(({ name, pattern }) => ({ value: valueOf(given, name), pattern })))
    const errors: FieldError[] = service.parameters.flatMap((parameter, i) => {
      const message = problems[i] ?? placeProblem(service, parameter, valueOf(given, parameter.name))
      return message === null ? [] : [{ path: `credentials.${parameter.name}`, message }]
    })
    if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
    return {
      // fromEntries defines properties, so that a parameter called __proto__ is data like any other
      credential: { values: Object.fromEntries(service.parameters.map(one => [one.name, String(valueOf(given, one.name))])) },
      expiresInSeconds: null,
      grantedScopes: null,
      hasRefreshToken: false,
      captured: variableValues(service, { ...variables, ...given }),
    }
  },

  authorise(placing, credential, request) {
    const { service, variables } = placing
    return placeCredential(request, placing, credential, () => {
      const { placements, header_prefix = '' } = service.advanced
      if (placements) return placed(placements, { ...variables, ...credential.values })
      const prefix = service.param_type === 'header' && header_prefix.trim() ? header_prefix.trim() + ' ' : ''
      return service.parameters.map(({ name }) => {
        const value = valueOf(credential.values, name)
        if (typeof value !== 'string')
          throw new Problem('validation_failed', {}, { errors: [{ path: `credentials.${name}`, message: 'A value is needed.' }] })
        return { in: service.param_type, name, value: prefix + value, path: `credentials.${name}` }
      })
    })
  },

  ownHeaders: placementHeaders,

  secretsOf: ({ values }) => Object.values(values).filter(Boolean),
}
