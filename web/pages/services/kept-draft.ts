import { useEffect, useState } from 'react'
import { keep, readKept } from '../../parts/kept.ts'
import { emptyConnection, type ConnectionDraft } from './connection-details.ts'
import { emptyDraft, type ServiceDraft } from './service-draft.ts'

interface Kept {
  readonly service: ServiceDraft
  readonly connection: ConnectionDraft
}

const name = 'add-service'
const nothing: Kept = { service: emptyDraft, connection: emptyConnection }

const keptBy = (keeper: string): Kept => {
  const kept = readKept(name, keeper)
  if (typeof kept !== 'object' || kept === null) return nothing
  const { service, connection } = kept as { readonly [part in keyof Kept]?: object }
  return { service: { ...emptyDraft, ...service }, connection: { ...emptyConnection, ...connection } }
}

const secretNames = (service: ServiceDraft): ReadonlySet<string> => {
  const declared = Object.entries((service.advanced.variables ?? {}) as Readonly<Record<string, { readonly secret?: boolean } | null>>)
  return new Set(declared.filter(([, one]) => one?.secret === true).map(([variable]) => variable))
}

/** The answers to secret variables stay on the page. */
const withoutSecrets = ({ service, connection }: Kept): Kept => {
  const secret = secretNames(service)
  const variables = Object.fromEntries(Object.entries(connection.variables).filter(([variable]) => !secret.has(variable)))
  return { service, connection: { ...connection, variables } }
}

/** Whether leaving the page would lose the answer to a secret variable: it is the one thing that is not kept. */
export const hasUnkept = ({ service, connection }: Kept): boolean => {
  const secret = secretNames(service)
  return Object.entries(connection.variables).some(([variable, value]) => secret.has(variable) && value !== '')
}

export const forgetKept = (keeper: string): void => keep(name, keeper, null)

/**
 * What was typed about a new service survives reloading, and the way to the provider's site and back. Never a secret.
 * @param keeper  Whose draft it is, from `keeperOf`.
 * @param keeping  False: it is stored, and no draft any more.
 */
export const useKeptDraft = (keeper: string, keeping: boolean) => {
  const [draft, setDraft] = useState(() => keptBy(keeper))
  const [restored, setRestored] = useState(() => draft.service.name !== '')
  useEffect(() => {
    if (keeping && draft !== nothing) keep(name, keeper, withoutSecrets(draft))
  }, [draft, keeper, keeping])
  return {
    draft,
    restored,
    changeService: (fields: Partial<ServiceDraft>) => setDraft(known => ({ ...known, service: { ...known.service, ...fields } })),
    changeConnection: (fields: Partial<ConnectionDraft>) =>
      setDraft(known => ({ ...known, connection: { ...known.connection, ...fields } })),
    afresh: () => {
      forgetKept(keeper)
      setRestored(false)
      setDraft(nothing)
    },
  }
}
