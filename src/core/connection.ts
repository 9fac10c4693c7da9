import type { Principal } from './principal.ts'

export type ConnectionStatus = 'authorization_required' | 'connected' | 'refresh_failing' | 'reauthorization_required' | 'revoked'

/** Who may call a connection directly with its owner's credentials. */
export type Access = 'private' | 'organization' | { readonly members: readonly string[] }

export interface Shared {
  readonly owner_id: string
  readonly access: Access
  readonly use_login_user_credentials: boolean
}

const listed = (access: Access, userId: string) =>
  access === 'organization' || (typeof access === 'object' && access.members.includes(userId))

/** May this member call the connection directly? Its owner always; others as `access` says. An administrator has no more right than others. */
export const mayUse = (connection: Shared, userId: string): boolean => connection.owner_id === userId || listed(connection.access, userId)

/** A key limited to named connections sees no others. */
export const keyAllows = (principal: Pick<Principal, 'key'>, linkName: string): boolean =>
  !principal.key?.connections || principal.key.connections.has(linkName)

/**
 * Whose credential a call uses: the owner's, or the subject's own where *use credentials of login user* is on.
 * Never a fallback from one to the other (C-3). `subjectId` null is a run without a person: a schedule, a public call.
 *
 * @returns the member whose credential it is, or null when nobody's may be used.
 */
export function credentialHolder(connection: Shared, caller: { userId: string; subjectId: string | null }): string | null {
  if (!mayUse(connection, caller.userId)) return null
  return connection.use_login_user_credentials ? caller.subjectId : connection.owner_id
}

/** What each status asks a person to do. */
export const statusActions: Readonly<Record<ConnectionStatus, string | null>> = {
  authorization_required: 'Connect it.',
  connected: null,
  refresh_failing: 'Nothing yet: Patchbay keeps trying. Connect again if it stays so.',
  reauthorization_required: 'Connect it again.',
  revoked: 'Connect it again.',
}

/** Every reason a status may have, in words. */
export const statusReasons = {
  never_authorized: 'Nobody has connected it yet.',
  declined: 'Access was declined at the service.',
  revoked_by_provider: 'The service says this authorisation is no longer valid.',
  lost_rotation: 'The service issued a new refresh token that never arrived here; the old one is used up.',
  restored_backup:
    'Patchbay was restored from a back-up. The refresh token in it was replaced after the back-up was made, and the service no longer takes it.',
  no_refresh_token: 'The access token has ended and the service gave no refresh token.',
  client_invalid: 'The service refuses the client id or secret that Patchbay holds for it.',
  provider_down: 'The token endpoint does not answer.',
  provider_confused: 'The token endpoint answers something that is not a token response.',
  scope_refused: 'The service refuses the scopes.',
  rejected_by_service: 'The service rejected the credential on the last call.',
  revoked_by_person: 'It was revoked here.',
  service_edited: 'The service was edited; everybody must connect again.',
  integrity: 'The stored credential failed its integrity check and was not used.',
} as const

export type StatusReason = keyof typeof statusReasons
