export type Role = 'administrator' | 'developer' | 'user'

/** The subject of a run without a person: a schedule, a public call. No credential is theirs. */
export const nobody = ''

/**
 * Who is calling. `subjectId` is for whom: the same person, the member an `act_as` key names (C-9), or `nobody`.
 * `limits` come from the API key; a session has none.
 */
export interface Principal {
  readonly organizationId: string
  readonly organizationSlug: string
  readonly userId: string
  readonly userName: string
  readonly role: Role
  readonly subjectId: string
  readonly key: KeyLimits | null
  readonly sessionId: string | null
}

export interface KeyLimits {
  readonly id: string
  /** Link names the key may use; null for all. */
  readonly connections: ReadonlySet<string> | null
  readonly invokeOnly: boolean
  readonly actAs: boolean
  /** All that the key may do, each allowed by the door that asks for it; null for everything its member may do. */
  readonly scopes: readonly string[] | null
}

const ranks: Readonly<Record<Role, number>> = { user: 0, developer: 1, administrator: 2 }

export const atLeast = (role: Role, needed: Role): boolean => ranks[role] >= ranks[needed]
