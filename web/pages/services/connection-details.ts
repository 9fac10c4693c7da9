import type { ConnectionAccess, Values } from '../../../sdk/index.ts'
import { linkNameFor } from '../../parts/link-name.ts'
import { linkNameProblem } from '../../parts/link-name.ts'
import { variablesOf, type ServiceDraft } from './service-draft.ts'

/** The connection that is made together with its service. Null: as the service says, until somebody types something else. */
export interface ConnectionDraft {
  readonly name: string | null
  readonly link_name: string | null
  readonly scopes: readonly string[] | null
  readonly variables: Values
  readonly use_login_user_credentials: boolean
  readonly access: ConnectionAccess
}

export const emptyConnection: ConnectionDraft = {
  name: null,
  link_name: null,
  scopes: null,
  variables: {},
  use_login_user_credentials: false,
  access: 'private',
}

/** What is asked for before the service's page opens; the values of other types are asked for in the dialog. */
export const askedBefore = (service: ServiceDraft) =>
  service.auth_type === 'oauth1' || service.auth_type === 'oauth2' ? variablesOf(service) : []

/** The connection with everything that follows from the service. */
export const connectionOf = (draft: ConnectionDraft, service: ServiceDraft) => {
  const name = draft.name ?? service.name
  const listed = service.scopes.map(one => one.name)
  return {
    name: name.trim(),
    link_name: draft.link_name ?? linkNameFor(name),
    scopes: draft.scopes === null ? listed : draft.scopes.filter(one => listed.includes(one)),
    variables: Object.fromEntries(
      askedBefore(service).map(one => [one.name, (draft.variables[one.name] ?? one.choices?.[0] ?? '').trim()]),
    ),
    use_login_user_credentials: draft.use_login_user_credentials,
    access: draft.access,
  }
}

/** What can be seen to be wrong, below `connection.`: the service's own fields have the same names. */
export const connectionProblemsOf = (draft: ConnectionDraft, service: ServiceDraft, taken: boolean): Record<string, string> => {
  const { name, link_name, variables, access } = connectionOf(draft, service)
  const linkName = linkNameProblem(link_name) ?? (taken ? 'Another connection has this link name.' : null)
  return {
    ...(name === '' && { 'connection.name': 'A name is needed.' }),
    ...([...name].length > 50 && { 'connection.name': 'A name has 50 characters at most.' }),
    ...(linkName !== null && { 'connection.link_name': linkName }),
    ...(typeof access !== 'string' && access.members.length === 0 && { 'connection.access': 'Name somebody, or choose “Only me”.' }),
    ...Object.fromEntries(
      Object.entries(variables).flatMap(([one, value]) => (value === '' ? [[`connection.variables.${one}`, 'A value is needed.']] : [])),
    ),
  }
}
