import { listOf, type PageQuery } from './list.ts'
import { json, segment, send, type Access } from './transport.ts'
import type {
  CheckedService,
  EditPreview,
  NewConnection,
  RequestedService,
  Service,
  ServiceInput,
  ServicePatch,
  ServiceRequest,
  ServiceTest,
  Values,
} from './types.ts'

export interface ServiceQuery extends PageQuery {
  readonly kind?: 'default' | 'custom' | undefined
  readonly q?: string | undefined
  readonly category?: string | undefined
}

/** What can be connected: the default services and the organisation's own. */
export const servicesOf = (access: Access) => {
  const at = (linkName: string, rest = '') => `/api/v1/services/${segment(linkName)}${rest}`
  return {
    list: (query: ServiceQuery = {}) => listOf<Service>(access, '/api/v1/services', { ...query }),
    get: (linkName: string) => json<Service>(access, 'GET', at(linkName)),
    /** With the version that `update` takes, so that somebody else's change in between is noticed. */
    getForEdit: async (linkName: string): Promise<{ service: Service; version: string | undefined }> => {
      const response = await send(access, 'GET', at(linkName))
      return { service: (await response.json()) as Service, version: response.headers.get('etag') ?? undefined }
    },
    create: (definition: ServiceInput) => json<Service>(access, 'POST', '/api/v1/services', { body: definition }),
    /** What `create` would say of it, and of a first connection; stores nothing and calls nobody. The connection's fields are below `connection.`. */
    check: (
      definition: ServiceInput,
      options: { connection?: Omit<NewConnection, 'service'> | undefined; signal?: AbortSignal | undefined } = {},
    ) =>
      json<CheckedService>(access, 'POST', '/api/v1/services/check', {
        body: { ...definition, ...(options.connection && { connection: options.connection }) },
        ...(options.signal && { signal: options.signal }),
      }),
    /** `version` is the ETag of what was edited: somebody else's change in between answers `precondition_failed`. */
    update: (linkName: string, patch: ServicePatch, options: { version?: string | undefined } = {}) =>
      json<Service>(access, 'PATCH', at(linkName), {
        body: patch,
        ...(options.version !== undefined && { headers: { 'if-match': options.version } }),
      }),
    /** Whom the same `update` would revoke; changes nothing. */
    preview: (linkName: string, patch: ServicePatch) => json<EditPreview>(access, 'POST', at(linkName, '/preview'), { body: patch }),
    delete: (linkName: string) => json<undefined>(access, 'DELETE', at(linkName)),
    /** The organisation's own OAuth client for a default service. */
    putClient: (linkName: string, client: { client_id: string; client_secret?: string | null | undefined }) =>
      json<Service>(access, 'PUT', at(linkName, '/client'), { body: client }),
    /** Asks the administrators to register the client of a default service; once more renews the request. */
    request: (linkName: string, options: { note?: string | null | undefined } = {}) =>
      json<RequestedService>(access, 'POST', at(linkName, '/request'), { body: { note: options.note ?? null } }),
    /** What members asked for and nobody has set up, newest first; for administrators. */
    requests: (query: PageQuery = {}) => listOf<ServiceRequest>(access, '/api/v1/services/requests', { ...query }),
    /** Tries the token endpoint. */
    test: (linkName: string, variables: Values = {}) => json<ServiceTest>(access, 'POST', at(linkName, '/test'), { body: { variables } }),
    /** The same for one that is not stored. */
    testDefinition: (definition: ServiceInput, variables: Values = {}) =>
      json<ServiceTest>(access, 'POST', '/api/v1/services/test', { body: { ...definition, variables } }),
    takeOver: (linkName: string) => json<Service>(access, 'POST', at(linkName, '/take-over')),
  }
}
