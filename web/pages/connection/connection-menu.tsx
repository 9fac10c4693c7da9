import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconPencil, IconPlugConnectedX, IconStethoscope, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Connection, Me, Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { isTyping } from '../../parts/typing.ts'
import type { Authorizing } from '../../parts/authorize.tsx'
import { tellDone, tellProblem } from '../../parts/problem.tsx'
import { EditConnection } from './edit-connection.tsx'
import { EndConnection, type Ending } from './end-connection.tsx'
import { holdsOne, type Rights } from './rights.ts'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  readonly rights: Rights
  readonly service: Service | undefined
  readonly authorizing: Authorizing
  readonly onChanged: () => Promise<unknown>
}

const hasTest = (service: Service | undefined): boolean =>
  service?.advanced.test_url !== undefined || service?.advanced.after_connect !== undefined

/** What can be done with a connection, its owner's and administrators' part included. */
export const ConnectionMenu = ({ connection, me, rights, service, authorizing, onChanged }: Shown) => {
  const [editing, setEditing] = useState(false)
  const [ending, setEnding] = useState<Ending | null>(null)
  const { link_name, use_login_user_credentials: each, status } = connection
  const test = useMutation({
    networkMode: 'always',
    mutationFn: () => patchbay.connections.test(link_name),
    onSuccess: ({ ok, status_code, duration_ms }) => {
      const said = `${connection.service.name} answered ${status_code} to its test call, after ${duration_ms} ms.`
      tellDone(ok ? `It works. ${said}` : `The credential was not accepted. ${said}`)
      return onChanged()
    },
    onError: tellProblem,
  })

  useEffect(() => {
    if (!rights.owns) return
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'e' || isTyping(event)) return
      event.preventDefault()
      setEditing(true)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [rights.owns])

  const testable = rights.calls && hasTest(service) && (status === 'connected' || status === 'refresh_failing')
  const revokesOwn = (each ? rights.calls : rights.manages) && holdsOne(connection)
  const revokesAll = each && rights.manages
  if (!rights.owns && !rights.manages && !testable && !revokesOwn) return null
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More about this connection" loading={test.isPending}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {rights.owns && (
            <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => setEditing(true)}>
              Edit
            </Menu.Item>
          )}
          {testable && (
            <Menu.Item leftSection={<IconStethoscope size={16} />} onClick={() => test.mutate()}>
              Test the credential
            </Menu.Item>
          )}
          {(revokesOwn || revokesAll || rights.manages) && (rights.owns || testable) && <Menu.Divider />}
          {revokesOwn && (
            <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={() => setEnding('own')}>
              {each ? 'Revoke my authorisation' : 'Revoke'}
            </Menu.Item>
          )}
          {revokesAll && (
            <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={() => setEnding('everyone')}>
              Revoke for everyone
            </Menu.Item>
          )}
          {rights.manages && (
            <Menu.Item leftSection={<IconTrash size={16} />} color="red" onClick={() => setEnding('delete')}>
              Delete
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {editing && <EditConnection {...{ connection, service, authorizing, onChanged }} onClose={() => setEditing(false)} />}
      <EndConnection {...{ connection, me, rights, service, ending }} onClose={() => setEnding(null)} />
    </>
  )
}
