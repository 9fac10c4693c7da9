import type { Role } from '../../../sdk/index.ts'

/** Every role with what it may, the most first. */
export const roles: readonly { readonly value: Role; readonly label: string; readonly may: string }[] = [
  {
    value: 'administrator',
    label: 'Administrator',
    may: 'Sees and manages everything: members, services, everybody’s connections, the audit log.',
  },
  { value: 'developer', label: 'Developer', may: 'Creates services and connections, where the settings allow it to developers.' },
  { value: 'user', label: 'User', may: 'Authorises and uses connections; creates them where the settings allow it to everyone.' },
]

export const roleLabel = (role: Role): string => roles.find(({ value }) => value === role)?.label ?? role
