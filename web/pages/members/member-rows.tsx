import { ActionIcon, Badge, Menu, Select, Tooltip } from '@mantine/core'
import { IconDots, IconKey, IconUserMinus } from '@tabler/icons-react'
import { useState } from 'react'
import type { Member, Role } from '../../../sdk/index.ts'
import { meQuery, patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { redrawnRow, useOptimistic } from '../../parts/optimistic.ts'
import { tellDone } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import { RemoveMember } from './remove-member.tsx'
import { ResetLink } from './reset-link.tsx'
import { roleLabel, roles } from './roles.ts'
import classes from './members.module.css'

const nameOf = ({ name, email }: Member): string => (name === '' ? email : name)

const useRoleChange = () =>
  useOptimistic({
    mutationFn: ({ member, role }: { member: Member; role: Role }) => patchbay.members.changeRole(member.id, role),
    shows: ({ member, role }) => [redrawnRow<Member>(['members'], one => (one.id === member.id ? { ...one, role } : one))],
    onDone: member => tellDone(`${nameOf(member)} is ${roleLabel(member.role).toLowerCase()} now.`),
    touches: [['api-keys'], meQuery.queryKey],
  })

interface RoleOf {
  readonly member: Member
  readonly onlyAdministrator: boolean
  readonly isMe: boolean
}

const RoleMenu = ({ member, onlyAdministrator, isMe }: RoleOf) => {
  const change = useRoleChange()
  const [asked, setAsked] = useState<Role | null>(null)
  const choose = (role: Role) => {
    if (role === member.role) return
    // what takes something from somebody is asked about; keys that act for others end with the administrator
    if (member.role === 'administrator') setAsked(role)
    else change.mutate({ member, role })
  }
  if (onlyAdministrator)
    return (
      <Tooltip label="The only administrator. Make somebody else administrator first.">
        <span tabIndex={0} className={classes.fixed}>
          {roleLabel(member.role)}
        </span>
      </Tooltip>
    )
  return (
    <>
      <Select
        aria-label={`Role of ${nameOf(member)}`}
        size="xs"
        allowDeselect={false}
        withCheckIcon={false}
        data={roles.map(({ value, label }) => ({ value, label }))}
        value={member.role}
        onChange={value => {
          const role = roles.find(one => one.value === value)
          if (role) choose(role.value)
        }}
        renderOption={({ option }) => {
          const role = roles.find(({ value }) => value === option.value)
          return (
            <div>
              <div>{option.label}</div>
              <div className={classes.may}>{role?.may}</div>
            </div>
          )
        }}
        comboboxProps={{ width: 280, position: 'bottom-start' }}
        classNames={{ root: classes.role ?? '' }}
      />
      <Confirm
        title={isMe ? 'Stop being administrator?' : `Take the administrator role from ${nameOf(member)}?`}
        verb={`Make ${asked === null ? '' : roleLabel(asked).toLowerCase()}`}
        opened={asked !== null}
        onClose={() => setAsked(null)}
        onConfirm={async () => {
          if (asked !== null) change.mutate({ member, role: asked })
        }}
      >
        {isMe
          ? 'You will no longer see this page, the audit log or other people’s connections. Your API keys that act for others end now.'
          : 'They will no longer see members, the audit log or other people’s connections. Their API keys that act for others end now.'}
      </Confirm>
    </>
  )
}

interface Shown {
  readonly members: readonly Member[]
  /** No further member is to be fetched. */
  readonly complete: boolean
  readonly myId: string
}

export const MemberRows = ({ members, complete, myId }: Shown) => {
  const [removing, setRemoving] = useState<Member | null>(null)
  const [resetting, setResetting] = useState<Member | null>(null)
  const administrators = members.filter(({ role }) => role === 'administrator').length
  return (
    <>
      <table className={classes.table} aria-label="Members">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className={classes.roleHead}>
              Role
            </th>
            <th scope="col" className={`${classes.joinedHead} ${classes.wide}`}>
              Joined
            </th>
            <th scope="col" className={classes.menuHead}>
              <span className={classes.unseen}>More</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {members.map(member => {
            const only = complete && member.role === 'administrator' && administrators === 1
            return (
              <tr key={member.id}>
                <th scope="row">
                  <span className={`outside ${classes.name}`}>{nameOf(member)}</span>
                  {member.id === myId && (
                    <Badge size="sm" variant="default" ml={8} tt="none" fw={400}>
                      you
                    </Badge>
                  )}
                  <span className={`outside ${classes.email}`}>{member.email}</span>
                </th>
                <td>
                  <RoleMenu member={member} onlyAdministrator={only} isMe={member.id === myId} />
                </td>
                <td className={classes.wide}>
                  <Time at={member.created_at} />
                </td>
                <td>
                  <Menu position="bottom-end">
                    <Menu.Target>
                      <ActionIcon variant="subtle" color="gray" aria-label={`More for ${nameOf(member)}`}>
                        <IconDots size={16} />
                      </ActionIcon>
                    </Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item leftSection={<IconKey size={15} />} onClick={() => setResetting(member)}>
                        Password reset link …
                      </Menu.Item>
                      <Menu.Item leftSection={<IconUserMinus size={15} />} color="red" disabled={only} onClick={() => setRemoving(member)}>
                        {only ? 'Remove (the only administrator)' : 'Remove …'}
                      </Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {removing && <RemoveMember member={removing} isMe={removing.id === myId} onClose={() => setRemoving(null)} />}
      {resetting && <ResetLink member={resetting} onClose={() => setResetting(null)} />}
    </>
  )
}
