import { Button, Checkbox, Group, Modal, MultiSelect, Radio, Select, Stack, Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import type { NewApiKey } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { serverNow } from '../../clock.ts'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'

const lives = [
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'day', label: 'On a day …' },
  { value: 'never', label: 'Never' },
]

interface Wish {
  readonly name: string
  readonly which: 'all' | 'some'
  readonly connections: readonly string[]
  readonly invokeOnly: boolean
  readonly functionsOnly: boolean
  readonly actAs: boolean
  readonly life: string
  /** 2026-11-22, when `life` is `day`. */
  readonly day: string
}

const blank: Wish = {
  name: '',
  which: 'some',
  connections: [],
  invokeOnly: true,
  functionsOnly: false,
  actAs: false,
  life: '90',
  day: '',
}

/** By GET and by POST. */
const callsFunctions = ['ZohoCRM.functions.execute.ALL']

const dayMs = 86_400_000

/** The end of the chosen day where the reader is. */
const endOf = ({ life, day }: Wish): string | null => {
  if (life === 'never') return null
  if (life !== 'day') return new Date(serverNow() + Number(life) * dayMs).toISOString()
  return new Date(`${day}T23:59:59`).toISOString()
}

/** What can be told before it is sent. */
const mistakesOf = (wish: Wish): Readonly<Record<string, string>> => ({
  ...(wish.name.trim() === '' && { name: 'Give it a name, such as the program that will use it.' }),
  ...(wish.which === 'some' && wish.connections.length === 0 && { connections: 'Choose at least one connection.' }),
  ...(wish.life === 'day' && !/^\d{4}-\d{2}-\d{2}$/.test(wish.day) && { expires_at: 'Choose a day.' }),
})

const useConnectionNames = (opened: boolean) => {
  const [typed, setTyped] = useState('')
  const [q] = useDebouncedValue(typed.trim(), 200)
  const found = useQuery({
    queryKey: ['connections', 'options', undefined, q],
    queryFn: () => pageOf(patchbay.connections.list({ limit: 100, ...(q !== '' && { q }) })),
    enabled: opened,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
  return { names: found.data?.data.map(({ link_name }) => link_name) ?? [], typed, setTyped }
}

interface Shown {
  readonly opened: boolean
  readonly administrator: boolean
  readonly onClose: () => void
  readonly onMade: (key: NewApiKey) => void
}

/** A key with the limits that its program can live with; what was typed stays when the dialog is closed by mistake. */
export const CreateKey = ({ opened, administrator, onClose, onMade }: Shown) => {
  const queries = useQueryClient()
  const [wish, setWish] = useState(blank)
  const [mistakes, setMistakes] = useState<Readonly<Record<string, string>>>({})
  const connections = useConnectionNames(opened)
  const nameBox = useRef<HTMLInputElement>(null)
  const connectionsBox = useRef<HTMLInputElement>(null)
  const dayBox = useRef<HTMLInputElement>(null)
  const set = (change: Partial<Wish>) => {
    setWish(before => ({ ...before, ...change }))
    // what was wrong with a box is over once it is edited
    const edited = [
      'name' in change && 'name',
      ('connections' in change || 'which' in change) && 'connections',
      ('life' in change || 'day' in change) && 'expires_at',
    ]
    setMistakes(before => Object.fromEntries(Object.entries(before).filter(([path]) => !edited.includes(path.split('.')[0] ?? ''))))
  }

  const show = (found: Readonly<Record<string, string>>) => {
    setMistakes(found)
    if (found.name !== undefined) nameBox.current?.focus()
    else if (Object.keys(found).some(path => path.startsWith('connections'))) connectionsBox.current?.focus()
    else if (found.expires_at !== undefined) dayBox.current?.focus()
  }

  const create = useMutation({
    mutationFn: () =>
      patchbay.apiKeys.create({
        name: wish.name.trim(),
        connections: wish.which === 'some' ? [...wish.connections] : null,
        invoke_only: wish.invokeOnly && !wish.functionsOnly,
        scopes: wish.functionsOnly ? callsFunctions : null,
        act_as: wish.actAs && administrator,
        expires_at: endOf(wish),
      }),
    onSuccess: async key => {
      onMade(key)
      setWish(blank)
      await queries.invalidateQueries({ queryKey: ['api-keys'] })
    },
    onError: error => show(fieldErrorsOf(error)),
    gcTime: 0,
  })

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const found = mistakesOf(wish)
    create.reset()
    show(found)
    if (Object.keys(found).length === 0) create.mutate()
  }

  // "connections.1" is about the second of those chosen
  const wrongConnections = Object.entries(mistakes)
    .filter(([path]) => path.startsWith('connections'))
    .map(([path, message]) => {
      const linkName = wish.connections[Number(path.split('.')[1])]
      return linkName === undefined ? message : `${linkName}: ${message}`
    })
    .join(' ')

  return (
    <Modal opened={opened} onClose={onClose} title="Create an API key" size="lg">
      <form onSubmit={submit} noValidate>
        <Stack gap="lg">
          <TextInput
            ref={nameBox}
            label="Name"
            description="What will use it, to recognise it by."
            placeholder="Nightly export"
            value={wish.name}
            onChange={event => set({ name: event.currentTarget.value })}
            error={mistakes.name}
            maxLength={200}
            data-autofocus
          />
          <Radio.Group
            label="Connections"
            value={wish.which}
            onChange={value => set({ which: value === 'all' ? 'all' : 'some', ...(value === 'all' && { actAs: false }) })}
          >
            <Stack gap="xs" mt="xs">
              <Radio value="some" label="Only these" />
              {wish.which === 'some' && (
                <MultiSelect
                  ref={connectionsBox}
                  aria-label="The connections it may use"
                  placeholder={wish.connections.length === 0 ? 'Choose connections' : ''}
                  searchable
                  clearable
                  hidePickedOptions
                  nothingFoundMessage="No connection that you may use has this name."
                  data={[...new Set([...wish.connections, ...connections.names])]}
                  value={[...wish.connections]}
                  onChange={value => set({ connections: value })}
                  onSearchChange={connections.setTyped}
                  maxValues={100}
                  error={wrongConnections === '' ? undefined : wrongConnections}
                />
              )}
              <Radio value="all" label="Every connection that I may use, now and later" />
            </Stack>
          </Radio.Group>
          <Switch
            label="Only for calling functions"
            description="By the public addresses of functions that are open to members, and nothing else. In their runs it may use the connections above."
            checked={wish.functionsOnly}
            onChange={event => set({ functionsOnly: event.currentTarget.checked })}
          />
          {!wish.functionsOnly && (
            <Checkbox
              label="Calls only"
              description="Invoke and the proxy, nothing else: it cannot read or change connections, services or members."
              checked={wish.invokeOnly}
              onChange={event => set({ invokeOnly: event.currentTarget.checked })}
            />
          )}
          {administrator && (
            <Checkbox
              label="May call for other members"
              description="With the header Patchbay-Subject it uses what that member authorised. For servers that know who their user is; limited to named connections."
              checked={wish.actAs}
              disabled={wish.which === 'all'}
              onChange={event => set({ actAs: event.currentTarget.checked })}
            />
          )}
          <Group align="flex-start">
            <Select
              label="Expires"
              allowDeselect={false}
              data={lives}
              value={wish.life}
              onChange={value => set({ life: value ?? '90' })}
              error={wish.life === 'day' ? undefined : mistakes.expires_at}
            />
            {wish.life === 'day' && (
              <TextInput
                ref={dayBox}
                type="date"
                label="Day"
                min={new Date(serverNow()).toLocaleDateString('sv')}
                value={wish.day}
                onChange={event => set({ day: event.currentTarget.value })}
                error={mistakes.expires_at}
              />
            )}
          </Group>
          {create.error && Object.keys(fieldErrorsOf(create.error)).length === 0 && <ProblemNote error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
