import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconPencil, IconPlugConnectedX, IconTrash } from '@tabler/icons-react'
import type { Connection, Me } from '../../../sdk/index.ts'
import { holdsOne, rightsOf } from '../connection/rights.ts'
import type { Act } from './row-dialogs.tsx'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  readonly onAct: (connection: Connection, act: Act) => void
}

/** Edit, revoke and delete from the list; each asks in a dialog of the list. */
export const RowMenu = ({ connection, me, onAct }: Shown) => {
  const rights = rightsOf(connection, me)
  const each = connection.use_login_user_credentials
  const revokesOwn = (each ? rights.calls : rights.manages) && holdsOne(connection)
  if (!rights.owns && !rights.manages && !revokesOwn) return null
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" data-menu aria-label={`More about ${connection.name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {rights.owns && (
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => onAct(connection, 'edit')}>
            Edit
          </Menu.Item>
        )}
        {revokesOwn && (
          <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={() => onAct(connection, 'own')}>
            {each ? 'Revoke my authorisation' : 'Revoke'}
          </Menu.Item>
        )}
        {each && rights.manages && (
          <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={() => onAct(connection, 'everyone')}>
            Revoke for everyone
          </Menu.Item>
        )}
        {rights.manages && (
          <Menu.Item leftSection={<IconTrash size={16} />} color="red" onClick={() => onAct(connection, 'delete')}>
            Delete
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
