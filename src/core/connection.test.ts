import { describe, expect, it } from 'vitest'
import { credentialHolder, keyAllows, mayUse, statusActions, statusReasons, type Access, type Shared } from './connection.ts'

/*
 * Whose credential a call uses (C-3, X05): every role × access × mode × subject. The owner is `owner`; the caller is named by the row;
 * for whom the call is made is the caller, somebody an act_as key names, or nobody.
 */

const roles = {
  owner: 'owner',
  'a member named in access': 'named',
  'another member': 'other',
  'an administrator': 'administrator',
  'a member of another organisation': 'foreign',
} as const
type Role = keyof typeof roles

const accesses: Readonly<Record<string, Access>> = {
  private: 'private',
  organization: 'organization',
  'members: named': { members: ['named'] },
  'members: none': { members: [] },
}

/** Written out by hand, not computed: who may call directly. Access is looked at within one organisation, so `organization` lets anybody in. */
const allowed: Readonly<Record<string, readonly Role[]>> = {
  private: ['owner'],
  organization: ['owner', 'a member named in access', 'another member', 'an administrator', 'a member of another organisation'],
  'members: named': ['owner', 'a member named in access'],
  'members: none': ['owner'],
}

const connection = (access: Access, login: boolean): Shared => ({ owner_id: 'owner', access, use_login_user_credentials: login })

const rows = (Object.keys(roles) as Role[]).flatMap(role =>
  Object.keys(accesses).flatMap(access =>
    (['own', 'login user'] as const).flatMap(mode =>
      (['the caller', 'somebody else', 'nobody'] as const).map(subject => [role, access, mode, subject] as const),
    ),
  ),
)

describe('whose credential', () => {
  it.each(rows)('%s, access %s, credentials of %s, for %s', (role, access, mode, subject) => {
    const userId = roles[role]
    const shared = connection(accesses[access] ?? 'private', mode === 'login user')
    const subjectId = subject === 'the caller' ? userId : subject === 'somebody else' ? 'grace' : null
    const may = allowed[access]?.includes(role) ?? false
    expect(mayUse(shared, userId)).toBe(may)

    const expected = !may ? null : mode === 'own' ? 'owner' : { 'the caller': userId, 'somebody else': 'grace', nobody: null }[subject]
    expect(credentialHolder(shared, { userId, subjectId })).toBe(expected)
  })

  it('is never the owner’s where the login user’s are used, unless the owner is the login user', () => {
    for (const [role, access] of rows) {
      const shared = connection(accesses[access] ?? 'private', true)
      const holder = credentialHolder(shared, { userId: roles[role], subjectId: 'grace' })
      expect(holder === null || holder === 'grace').toBe(true)
    }
  })

  it('is not given away by naming the owner as the subject, when the caller may not use the connection', () => {
    for (const login of [true, false])
      expect(credentialHolder(connection('private', login), { userId: 'other', subjectId: 'owner' })).toBeNull()
  })

  it('is looked up by whole ids', () => {
    expect(mayUse(connection({ members: ['named2', ' named', 'NAMED'] }, false), 'named')).toBe(false)
    expect(mayUse(connection({ members: ['x'] }, false), '')).toBe(false)
  })
})

describe('a key', () => {
  const key = (connections: readonly string[] | null) => ({
    key: { id: 'k', connections: connections && new Set(connections), invokeOnly: false, actAs: false, scopes: null },
  })

  it('that names connections allows those and no others', () => {
    expect(keyAllows(key(['mailchimp']), 'mailchimp')).toBe(true)
    expect(keyAllows(key(['mailchimp']), 'mailchimp2')).toBe(false)
    expect(keyAllows(key([]), 'mailchimp')).toBe(false)
  })

  it('that names none allows all, and so does a session', () => {
    expect(keyAllows(key(null), 'mailchimp')).toBe(true)
    expect(keyAllows({ key: null }, 'mailchimp')).toBe(true)
  })
})

it('every status but connected says what to do, and every reason is a sentence (C-6)', () => {
  for (const [status, action] of Object.entries(statusActions)) expect(action === null, status).toBe(status === 'connected')
  for (const sentence of Object.values(statusReasons)) expect(sentence).toMatch(/^[A-Z].*\.$/)
})
