import { ActionIcon, Button, Group, List, Menu, Modal, Stack, Text, Tooltip } from '@mantine/core'
import { IconDots, IconPencil, IconTrash, IconUserCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { PatchbayProblem, type Me, type Service } from '../../../sdk/index.ts'
import { pageOf, patchbay, queryClient } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { ButtonLink, TextLink } from '../../parts/links.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { serviceChanged } from './service-queries.ts'

const isTyping = (event: KeyboardEvent): boolean =>
  event.ctrlKey ||
  event.metaKey ||
  event.altKey ||
  (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, [role="dialog"], [role="menu"]') !== null)

/** What its keeper, or an administrator, does with a custom service. */
export const ServiceMenu = ({ service, me }: { readonly service: Service; readonly me: Me }) => {
  const navigate = useNavigate()
  const [asking, setAsking] = useState<'delete' | 'take over' | null>(null)
  const { link_name, name, keeper } = service
  const keeps = keeper?.id === me.user.id
  const administrator = me.role === 'administrator'

  useEffect(() => {
    if (!keeps) return undefined
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'e' && !isTyping(event)) void navigate({ to: '/services/$linkName/edit', params: { linkName: link_name } })
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [keeps, link_name, navigate])

  const takeOver = async () => {
    await patchbay.services.takeOver(link_name)
    await serviceChanged(link_name)
    tellDone(`You keep ${name} now.`)
  }

  return (
    <>
      {keeps && (
        <ButtonLink to="/services/$linkName/edit" params={{ linkName: link_name }} variant="default" leftSection={<IconPencil size={16} />}>
          Edit
        </ButtonLink>
      )}
      {(keeps || administrator) && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Tooltip label="More">
              <ActionIcon variant="default" size={36} aria-label="More">
                <IconDots size={16} />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            {!keeps && (
              <Menu.Item leftSection={<IconUserCheck size={16} />} onClick={() => setAsking('take over')}>
                Take over …
              </Menu.Item>
            )}
            <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setAsking('delete')}>
              Delete …
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <Confirm
        title={`Take over ${name}`}
        verb="Take over"
        opened={asking === 'take over'}
        onClose={() => setAsking(null)}
        onConfirm={takeOver}
      >
        Only its keeper edits a custom service. That is {keeper?.name ?? 'somebody who left'} now, and will be you. Connections go on as
        they are; the audit log names it.
      </Confirm>
      {asking === 'delete' && <DeleteService service={service} onClose={() => setAsking(null)} />}
    </>
  )
}

/** A service is deleted when nothing was connected with it. What stands in the way is named, as far as this person sees it. */
const DeleteService = ({ service, onClose }: { readonly service: Service; readonly onClose: () => void }) => {
  const { link_name, name } = service
  const navigate = useNavigate()
  const [counted, setCounted] = useState(0)
  const connections = useQuery({
    queryKey: ['connections', 'of', link_name],
    queryFn: async () => {
      const own = pageOf(patchbay.connections.list({ service: link_name, view: 'own', limit: 100 }))
      const all = pageOf(patchbay.connections.list({ service: link_name, view: 'all', limit: 100 })).catch(() => null)
      return (await all) ?? (await own)
    },
    staleTime: 0,
  })
  const inTheWay = connections.data?.data ?? []
  const more = connections.data?.next_cursor !== null

  const remove = async () => {
    try {
      await patchbay.services.delete(link_name)
    } catch (error) {
      if (error instanceof PatchbayProblem && error.code === 'service_in_use') setCounted(Number(error.facts.connections) || 1)
      throw error
    }
    tellDone(`${name} was deleted.`)
    await navigate({ to: '/services' })
    queryClient.removeQueries({ queryKey: ['service', link_name] })
    await queryClient.invalidateQueries({ queryKey: ['services'] })
  }

  if (connections.isPending) return null
  if (inTheWay.length === 0 && counted === 0)
    return (
      <Confirm title={`Delete ${name}`} verb="Delete" opened onClose={onClose} onConfirm={remove}>
        {connections.error && <ProblemNote error={connections.error} retry={() => connections.refetch()} />}
        Nobody in the organisation can connect {name} afterwards. It can be created again under the same link name.
      </Confirm>
    )
  return (
    <Modal opened onClose={onClose} title={`${name} is in use`}>
      <Stack gap="md">
        <Text>
          {inTheWay.length > 0
            ? 'These connections were made with it. Delete them first:'
            : `${counted === 1 ? 'A connection of somebody else was' : `${counted} connections of other people were`} made with it. An administrator sees whose they are.`}
        </Text>
        {inTheWay.length > 0 && (
          <List className="outside">
            {inTheWay.map(one => (
              <List.Item key={one.link_name}>
                <TextLink to="/connections/$linkName" params={{ linkName: one.link_name }}>
                  {one.name}
                </TextLink>
                {one.owner.name !== null && ` (${one.owner.name})`}
              </List.Item>
            ))}
            {more && <List.Item>and more</List.Item>}
          </List>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
