import { listOf, type PageQuery } from './list.ts'
import { json, segment, type Access } from './transport.ts'
import type { Role } from './types.ts'
import type { Answer, Listed, Sent } from './wire.ts'

export type Me = Answer<'/api/v1/me', 'get'>
export type User = Me['user']
export type Organization = Me['organization']

/** An organisation that the caller is a member of. */
export type JoinedOrganization = Listed<'/api/v1/organizations'>
export type Member = Listed<'/api/v1/members'>
export type Invitation = Listed<'/api/v1/members/invitations'>

/** `accept_url` is shown once and good for a week. */
export type NewInvitation = Answer<'/api/v1/members/invitations', 'post'>

/** What somebody who holds an invitation's link may know. With `has_account`, sign in first, then accept. */
export type OpenInvitation = Answer<'/api/v1/invitations/{token}', 'get'>

/** Who has joined, where, as what. */
export type Joined = Answer<'/api/v1/invitations/{token}/accept', 'post'>

export type ApiKey = Listed<'/api/v1/api-keys'>
export type ApiKeyInput = Sent<'/api/v1/api-keys', 'post'>

/** `key` is shown once. */
export type NewApiKey = Answer<'/api/v1/api-keys', 'post'>

export type Settings = Answer<'/api/v1/settings', 'get'>

/** A login that waits for its person to approve `code` at `url`. */
export type CliLogin = Answer<'/api/v1/cli-logins', 'post'>

/** `token` is in the link that the server printed. */
export type SetUp = Sent<'/api/v1/setup', 'post'>

/** The signed-in person. */
export const accountOf = (access: Access) => ({
  /** The organisation that a session acts in. */
  chooseOrganization: (slug: string) => json<Me>(access, 'PUT', '/api/v1/me/organization', { body: { slug } }),
  changePassword: (passwords: { current_password: string; new_password: string }) =>
    json<undefined>(access, 'POST', '/api/v1/me/password', { body: passwords }),
  signOutEverywhere: () => json<undefined>(access, 'POST', '/api/v1/me/sign-out-everywhere'),
})

export const organizationsOf = (access: Access) => ({
  /** The caller's. */
  list: () => listOf<JoinedOrganization>(access, '/api/v1/organizations'),
  /** The operator only. */
  create: (organization: { name: string; slug: string }) =>
    json<JoinedOrganization>(access, 'POST', '/api/v1/organizations', { body: organization }),
})

export const membersOf = (access: Access) => {
  const at = (id: string, rest = '') => `/api/v1/members/${segment(id)}${rest}`
  return {
    list: (query: PageQuery = {}) => listOf<Member>(access, '/api/v1/members', { ...query }),
    get: (id: string) => json<Member>(access, 'GET', at(id)),
    changeRole: (id: string, role: Role) => json<Member>(access, 'PATCH', at(id), { body: { role } }),
    /** Ends sessions, keys and shared authorisations at once. */
    remove: (id: string) => json<undefined>(access, 'DELETE', at(id)),
    /** A link with which the member sets a new password. */
    resetLink: (id: string) => json<{ reset_url: string; expires_at: string; mailed: boolean }>(access, 'POST', at(id, '/reset-link')),
  }
}

export const invitationsOf = (access: Access) => ({
  list: (query: PageQuery = {}) => listOf<Invitation>(access, '/api/v1/members/invitations', { ...query }),
  create: (invitation: { email: string; role: Role }) =>
    json<NewInvitation>(access, 'POST', '/api/v1/members/invitations', { body: invitation }),
  withdraw: (id: string) => json<undefined>(access, 'DELETE', `/api/v1/members/invitations/${segment(id)}`),
  /** For whoever holds the link. */
  get: (token: string) => json<OpenInvitation>(access, 'GET', `/api/v1/invitations/${segment(token)}`),
  /** A member already signed in only confirms, with nothing. */
  accept: (token: string, account?: { name: string; password: string }) =>
    json<Joined>(access, 'POST', `/api/v1/invitations/${segment(token)}/accept`, { body: account ?? {} }),
})

export const apiKeysOf = (access: Access) => ({
  /** The caller's own; `all` for administrators. */
  list: (query: PageQuery & { all?: boolean | undefined } = {}) => listOf<ApiKey>(access, '/api/v1/api-keys', { ...query }),
  create: (key: ApiKeyInput) => json<NewApiKey>(access, 'POST', '/api/v1/api-keys', { body: key }),
  revoke: (id: string) => json<undefined>(access, 'DELETE', `/api/v1/api-keys/${segment(id)}`),
})

export const settingsOf = (access: Access) => ({
  get: () => json<Settings>(access, 'GET', '/api/v1/settings'),
  update: (settings: Settings) => json<Settings>(access, 'PATCH', '/api/v1/settings', { body: settings }),
})

/** `patchbay login`: the device starts and polls, a signed-in person approves the code. */
export const cliLoginsOf = (access: Access) => ({
  start: () => json<CliLogin>(access, 'POST', '/api/v1/cli-logins'),
  /** The key, once it was approved; null before. @throws PatchbayProblem login_not_approved when it is over */
  poll: async (deviceToken: string): Promise<string | null> => {
    const answer = await json<{ key?: string } | undefined>(access, 'POST', `/api/v1/cli-logins/${segment(deviceToken)}`)
    return answer?.key ?? null
  },
  approve: (code: string) => json<undefined>(access, 'POST', `/api/v1/cli-logins/${segment(code)}/approve`),
})

/** Before anybody is signed in; the session is a cookie of the browser's. */
export const signInOf = (access: Access) => ({
  signIn: (account: { email: string; password: string }) =>
    json<{ user: User }>(access, 'POST', '/api/auth/sign-in/email', { body: account }),
  signOut: () => json<{ success: boolean }>(access, 'POST', '/api/auth/sign-out'),
  /** Whose reset link this is. */
  findReset: (token: string) => json<{ email: string; expires_at: string }>(access, 'GET', `/api/v1/password-resets/${segment(token)}`),
  resetPassword: (token: string, password: string) =>
    json<undefined>(access, 'POST', `/api/v1/password-resets/${segment(token)}`, { body: { password } }),
})

/** The first administrator, once. */
export const setupOf = (access: Access) => ({
  status: () => json<{ set_up: boolean }>(access, 'GET', '/api/v1/setup'),
  finish: (setUp: SetUp) => json<{ user: User; organization: Organization }>(access, 'POST', '/api/v1/setup', { body: setUp }),
})
