import type { AuthType, ServiceDefinition } from '../core/service.ts'
import { apiKey } from './api-key.ts'
import { basic } from './basic.ts'
import { oauth1 } from './oauth1.ts'
import { oauth2 } from './oauth2.ts'
import type { Scheme } from './scheme.ts'

/** Every authentication type. A new one is a file beside these and a line here. */
export const schemes = { basic, api_key: apiKey, oauth1, oauth2 } as const satisfies Record<AuthType, unknown>

/**
 * The scheme of a service. The one cast: a row's `auth_type` decides both the service's shape and the scheme, and a sealed
 * credential was made by the same scheme, which the types cannot see.
 */
export const schemeOf = <S extends ServiceDefinition>(service: S): Scheme<S, unknown> =>
  schemes[service.auth_type] as unknown as Scheme<S, unknown>
