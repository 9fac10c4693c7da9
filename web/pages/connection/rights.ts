import type { Connection, Me } from '../../../sdk/index.ts'

/** What the reader may do with a connection; the server decides, this is for what is offered. */
export interface Rights {
  readonly owns: boolean
  /** Revoke for everyone, delete, see who uses it. */
  readonly manages: boolean
  /** Call through it. */
  readonly calls: boolean
  /** A call of theirs would use an authorisation that is theirs to give. */
  readonly authorizes: boolean
}

export function rightsOf(connection: Connection, me: Me): Rights {
  const { access, owner, use_login_user_credentials } = connection
  const owns = owner.id === me.user.id
  const calls = owns || access === 'organization' || (typeof access === 'object' && access.members.includes(me.user.id))
  return {
    owns,
    manages: owns || me.role === 'administrator',
    calls,
    authorizes: use_login_user_credentials ? calls : owns,
  }
}

/** Whether there is an authorisation of the reader's own to take back. */
export const holdsOne = ({ status }: Connection): boolean => status !== 'authorization_required' && status !== 'revoked'

export const whose = (person: { readonly name: string | null }): string => person.name ?? 'somebody who left'
