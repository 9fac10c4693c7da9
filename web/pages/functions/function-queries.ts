import { queryOptions } from '@tanstack/react-query'
import type { Connection, FunctionSchedule, FunctionVariable, Me } from '../../../sdk/index.ts'
import { patchbay, queryClient } from '../../client.ts'
import { itemTexts, memberTexts } from '../connection/raw-json.ts'

export interface FunctionPath {
  readonly namespace: string
  readonly name: string
}

/** As people and scripts write it. */
export const pathOf = ({ namespace, name }: FunctionPath): string => `${namespace}.${name}`

export const functionQuery = ({ namespace, name }: FunctionPath) =>
  queryOptions({
    queryKey: ['function', namespace, name],
    queryFn: () => patchbay.functions.get(namespace, name),
    // somebody else's save is noticed while one writes
    refetchInterval: 30_000,
  })

/** A schedule with its arguments as JSON text. */
export interface WrittenSchedule extends FunctionSchedule {
  readonly written: string
}

export const everyScheduleQuery = queryOptions({
  queryKey: ['functions', 'schedules'],
  queryFn: async (): Promise<readonly WrittenSchedule[]> => {
    let text = ''
    const { data } = await patchbay.functions.allSchedules({ onText: received => (text = received) })
    const items = itemTexts(memberTexts(text).get('data') ?? '[]')
    return data.map((one, at) => ({ ...one, written: memberTexts(items[at] ?? '{}').get('arguments') ?? '{}' }))
  },
  staleTime: 30_000,
})

/** A variable with its value as JSON text: every digit of a long number. */
export interface WrittenVariable extends FunctionVariable {
  readonly written: string
}

export const variablesQuery = queryOptions({
  queryKey: ['functions', 'variables'],
  queryFn: async (): Promise<readonly WrittenVariable[]> => {
    let text = ''
    const { data } = await patchbay.functions.variables({ onText: received => (text = received) })
    const items = itemTexts(memberTexts(text).get('data') ?? '[]')
    return data.map((one, at) => ({ ...one, written: memberTexts(items[at] ?? '{}').get('value') ?? 'null' }))
  },
})

export const functionSettingsQuery = queryOptions({
  queryKey: ['functions', 'settings'],
  queryFn: () => patchbay.functions.settings(),
})

export const exposureQuery = ({ namespace, name }: FunctionPath) =>
  queryOptions({
    queryKey: ['function', namespace, name, 'exposure'],
    queryFn: () => patchbay.functions.exposure(namespace, name),
  })

const mostOffered = 500

/** Connections that the caller may use, for the editor to offer. */
const usableConnectionsQuery = queryOptions({
  queryKey: ['connections', 'offered'],
  queryFn: async () => {
    const all: Connection[] = []
    for await (const one of patchbay.connections.list({ limit: 100 })) {
      all.push(one)
      if (all.length >= mostOffered) break
    }
    return all
  },
  staleTime: 30_000,
})

/** Nothing when they cannot be asked for: the editor goes on without them. */
export const offeredConnections = () =>
  queryClient.fetchQuery(usableConnectionsQuery).then(
    all => all.map(({ link_name, name }) => ({ linkName: link_name, name })),
    () => [],
  )

/** After a change of one: lists show its name, its last save and what calls it. */
export const functionChanged = async ({ namespace, name }: FunctionPath): Promise<void> => {
  await Promise.all([['functions'], ['function', namespace, name]].map(queryKey => queryClient.invalidateQueries({ queryKey })))
}

/** Everybody runs functions; developers and administrators write them. */
export const mayWrite = (me: Me | undefined): boolean => me !== undefined && me.role !== 'user'
