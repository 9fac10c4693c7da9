import { queryOptions } from '@tanstack/react-query'
import { PatchbayProblem, type Connection, type Me } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { linkNameFor } from '../../parts/link-name.ts'

/** How far somebody is: the practice service, and their own connection to it. */
export interface FirstRun {
  readonly url: string
  readonly connection: Connection | null
  /** Of the connection, or for it. */
  readonly linkName: string
}

/** Administrators see every connection; of what others cannot see, their own name keeps them apart. */
const freeName = async (me: Me): Promise<string> => {
  if (me.role !== 'administrator') return linkNameFor(`practice ${me.user.name}`)
  for (let number = 1; number < 20; number++) {
    const linkName = number === 1 ? 'practice' : `practice_${number}`
    try {
      await patchbay.connections.get(linkName)
    } catch (error) {
      if (error instanceof PatchbayProblem && error.status === 404) return linkName
      throw error
    }
  }
  return linkNameFor(`practice ${me.user.name}`)
}

/** Rejects with 404 where the practice service does not run. */
export const firstRunQuery = (me: Me | undefined) =>
  queryOptions({
    queryKey: ['first-run', me?.user.id],
    queryFn: async (): Promise<FirstRun> => {
      if (!me) throw new Error('nobody is signed in')
      const { url, service } = await patchbay.practice.find()
      const own = service === null ? [] : (await pageOf(patchbay.connections.list({ view: 'own', service }))).data
      const connection = own.find(one => one.status === 'connected') ?? own[0] ?? null
      return { url, connection, linkName: connection?.link_name ?? (await freeName(me)) }
    },
  })
