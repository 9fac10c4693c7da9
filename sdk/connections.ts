import { listOf, type PageQuery } from './list.ts'
import { json, segment, type Access } from './transport.ts'
import type {
  Attempt,
  AuthorizeInput,
  Connection,
  ConnectionPatch,
  ConnectionStatus,
  ConnectionTest,
  HeldAuthorization,
  NewConnection,
  Revoked,
  Snippets,
  Started,
  Uses,
} from './types.ts'

export interface ConnectionQuery extends PageQuery {
  /** `shared`: authorised by me; `available`: waiting for me; `others`: of others, and mine to call; `all`: everybody's, for administrators. */
  readonly view?: 'own' | 'shared' | 'available' | 'others' | 'all' | undefined
  readonly service?: string | undefined
  readonly status?: ConnectionStatus | undefined
  readonly q?: string | undefined
}

/** The organisation's connections, as far as the caller sees them. */
export const connectionsOf = (access: Access) => {
  const at = (linkName: string, rest = '') => `/api/v1/connections/${segment(linkName)}${rest}`
  return {
    list: (query: ConnectionQuery = {}) => listOf<Connection>(access, '/api/v1/connections', { ...query }),
    get: (linkName: string) => json<Connection>(access, 'GET', at(linkName)),
    /** Create and Connect: `authorization` says what is still to be done. */
    create: (connection: NewConnection) => json<Started>(access, 'POST', '/api/v1/connections', { body: connection }),
    /** Other scopes ask for consent again; the old authorisation works until then. */
    update: (linkName: string, patch: ConnectionPatch) => json<Started>(access, 'PATCH', at(linkName), { body: patch }),
    delete: (linkName: string) => json<undefined>(access, 'DELETE', at(linkName)),
    /** Starts an authorisation, or finishes it with `credentials`. */
    authorize: (linkName: string, input: AuthorizeInput = {}) => json<Started>(access, 'POST', at(linkName, '/authorize'), { body: input }),
    /** The caller's own authorisation; with `everyone` all of them (owner and administrators). */
    revoke: (linkName: string, options: { everyone?: boolean | undefined } = {}) =>
      json<Revoked>(access, 'POST', at(linkName, '/revoke'), { body: options }),
    authorizations: (linkName: string) => listOf<HeldAuthorization>(access, at(linkName, '/authorizations')),
    /** Calls the service's test endpoint, when it has one. */
    test: (linkName: string) => json<ConnectionTest>(access, 'POST', at(linkName, '/test')),
    uses: (linkName: string) => json<Uses>(access, 'GET', at(linkName, '/uses')),
    /** Recorded authorisations, newest first, each with a diagnosis when it failed. */
    attempts: (linkName: string) => listOf<Attempt>(access, at(linkName, '/attempts')),
    /** The holder agrees to API hosts that were added later. */
    confirmHosts: (linkName: string) => json<{ api_hosts: readonly string[] }>(access, 'POST', at(linkName, '/confirm-hosts')),
    snippets: (linkName: string) => json<Snippets>(access, 'GET', at(linkName, '/snippets')),
  }
}
