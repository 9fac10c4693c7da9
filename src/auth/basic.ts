import { invalid } from '../core/problem.ts'
import type { BasicService } from '../core/service.ts'
import { assertKnown, maxValueBytes, variableFields, variableValues } from './fields.ts'
import { controlCharacters, placeCredential, placed, placementHeaders } from './place.ts'
import type { Field, Scheme } from './scheme.ts'

export interface BasicCredential {
  readonly username: string
  readonly password: string
}

const ownFields: readonly Field[] = [
  { name: 'username', display_name: 'Username', secret: false },
  { name: 'password', display_name: 'Password', secret: true },
]
const own = new Set(ownFields.map(field => field.name))

/** Passwords shorter than this are taken for filler such as `x`: then the user name is the key. */
const fillerLength = 8

/**
 * Checked when saved and again when used. Either may be empty, not both: many services want a key as the user name and no password.
 * @throws Problem validation_failed, path `credentials.username` or `credentials.password`
 */
function checked({ username = '', password = '' }: Readonly<Record<string, unknown>>): BasicCredential {
  const text = (name: 'username' | 'password', value: unknown): string => {
    if (typeof value !== 'string') throw invalid(`credentials.${name}`, 'This is a text.')
    if (Buffer.byteLength(value) > maxValueBytes) throw invalid(`credentials.${name}`, 'This value is longer than 8 KiB.')
    if (controlCharacters.test(value))
      throw invalid(`credentials.${name}`, 'This value has control characters, such as a line break at its end.')
    if (/\p{Surrogate}/u.test(value)) throw invalid(`credentials.${name}`, 'This value is not valid Unicode.')
    return value
  }
  const credential = { username: text('username', username), password: text('password', password) }
  if (credential.username.includes(':'))
    throw invalid('credentials.username', 'A user name has no colon: it ends the user name (RFC 7617 §2).')
  if (credential.username === '' && credential.password === '')
    throw invalid('credentials.username', 'A user name or a password is needed.')
  return credential
}

/**
 * The credentials of RFC 7617 §2, without the word `Basic`: base64 of the UTF-8 of `username:password`.
 * @see RFC 7617 §2.1 for UTF-8, whose example is one of our vectors.
 */
export const basicCredentials = ({ username, password }: BasicCredential): string =>
  Buffer.from(`${username}:${password}`).toString('base64')

/**
 * Basic authentication: user name and password in the Authorization header, or wherever `advanced.placements`
 * say, which may use {basic}, {username}, {password} and the connection's variables.
 * @see RFC 7617
 */
export const basic: Scheme<BasicService, BasicCredential> = {
  authType: 'basic',

  async begin({ service, variables }) {
    const asked = variableFields(service).filter(field => !own.has(field.name) && !Object.hasOwn(variables, field.name))
    return { kind: 'ask', fields: [...ownFields, ...asked] }
  },

  async finish({ service, variables }, answer) {
    const values = 'values' in answer ? answer.values : {}
    assertKnown(values, new Set([...own, ...variableFields(service).map(field => field.name)]))
    return {
      credential: { ...checked(values) },
      expiresInSeconds: null,
      grantedScopes: null,
      hasRefreshToken: false,
      captured: variableValues(service, { ...variables, ...values }),
    }
  },

  authorise(placing, credential, request) {
    const { service, variables } = placing
    return placeCredential(request, placing, credential, () => {
      const { username, password } = checked({ ...credential })
      const basic = basicCredentials({ username, password })
      const { placements, header_name = 'Authorization', header_prefix = 'Basic' } = service.advanced
      if (placements) return placed(placements, { ...variables, username, password, basic })
      const value = header_prefix.trim() ? `${header_prefix.trim()} ${basic}` : basic
      return [{ in: 'header', name: header_name, value, path: 'advanced.header_prefix' }]
    })
  },

  ownHeaders: placementHeaders,

  secretsOf(credential) {
    const secrets = [credential.password, basicCredentials(credential)]
    if (credential.password.length < fillerLength) secrets.push(credential.username)
    return secrets.filter(Boolean)
  },
}
