import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconPencil, IconTrash, IconUserCheck } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { PatchbayProblem, type DelugeFunction, type Me } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { namesInWords } from '../../parts/counted-words.ts'
import { tellDone } from '../../parts/problem.tsx'
import { functionChanged, functionQuery, pathOf } from './function-queries.ts'
import { RenameFunction } from './rename-function.tsx'

type Asked = 'rename' | 'take-over' | 'delete' | null

interface Shown {
  readonly one: DelugeFunction
  readonly me: Me
}

/** What is done with a function as a whole. */
export const FunctionMenu = ({ one, me }: Shown) => {
  const [asked, setAsked] = useState<Asked>(null)
  const close = () => setAsked(null)
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More about this function">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => setAsked('rename')}>
            Rename or describe
          </Menu.Item>
          {one.owner.id !== me.user.id && (
            <Menu.Item leftSection={<IconUserCheck size={16} />} onClick={() => setAsked('take-over')}>
              Become the owner
            </Menu.Item>
          )}
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setAsked('delete')}>
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked === 'rename' && <RenameFunction one={one} onClose={close} />}
      <TakeOver one={one} opened={asked === 'take-over'} onClose={close} />
      <Delete one={one} opened={asked === 'delete'} onClose={close} />
    </>
  )
}

interface Dialog {
  readonly one: DelugeFunction
  readonly opened: boolean
  readonly onClose: () => void
}

const TakeOver = ({ one, opened, onClose }: Dialog) => (
  <Confirm
    title="Become the owner?"
    verb="Become the owner"
    opened={opened}
    onClose={onClose}
    onConfirm={async () => {
      await patchbay.functions.takeOver(one.namespace, one.name)
      await functionChanged(one)
      tellDone('You are the owner now.')
    }}
  >
    Schedules and calls from outside run as you from now on, instead of {one.owner.name ?? 'somebody who has gone'}: with the connections
    that you may use.
  </Confirm>
)

const Delete = ({ one, opened, onClose }: Dialog) => {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [users, setUsers] = useState<readonly string[]>([])
  const closing = () => {
    setUsers([])
    onClose()
  }
  return (
    <Confirm
      title={`Delete ${pathOf(one)}?`}
      verb={users.length === 0 ? 'Delete' : 'Delete all the same'}
      opened={opened}
      onClose={closing}
      onConfirm={async () => {
        try {
          await patchbay.functions.delete(one.namespace, one.name, { force: users.length > 0 })
        } catch (error) {
          const using = error instanceof PatchbayProblem && error.code === 'function_in_use' ? error.facts.functions : undefined
          if (Array.isArray(using)) setUsers(using.map(String))
          throw error
        }
        tellDone('Deleted.')
        await navigate({ to: '/functions' })
        queries.removeQueries({ queryKey: functionQuery(one).queryKey })
        await queries.invalidateQueries({ queryKey: ['functions'] })
      }}
    >
      Its history, variables and schedules go with it, and its URL stops working. The log of its runs is kept as long as every other.
      {users.length > 0 && (
        <>
          {' '}
          These functions call it and will fail: <span className="outside">{namesInWords(users)}</span>.
        </>
      )}
    </Confirm>
  )
}
