import { useEffect, useState } from 'react'
import { emptyConnection, type ConnectionDraft } from './connection-details.ts'
import { emptyDraft, type ServiceDraft } from './service-draft.ts'

interface Kept {
  readonly service: ServiceDraft
  readonly connection: ConnectionDraft
}

const key = 'patchbay-add-service'
const nothing: Kept = { service: emptyDraft, connection: emptyConnection }

const readKept = (): Kept => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as { readonly [part in keyof Kept]?: object }
    return { service: { ...emptyDraft, ...kept.service }, connection: { ...emptyConnection, ...kept.connection } }
  } catch {
    return nothing
  }
}

/** The answers to secret variables stay on the page. */
const withoutSecrets = ({ service, connection }: Kept): Kept => {
  const declared = Object.entries((service.advanced.variables ?? {}) as Readonly<Record<string, { readonly secret?: boolean }>>)
  const secret = new Set(declared.filter(([, one]) => one.secret === true).map(([name]) => name))
  const variables = Object.fromEntries(Object.entries(connection.variables).filter(([name]) => !secret.has(name)))
  return { service, connection: { ...connection, variables } }
}

export const forgetKept = (): void => {
  try {
    sessionStorage.removeItem(key)
  } catch {
    // forbidden: nothing was kept either
  }
}

/**
 * What was typed about a new service survives reloading, and the way to the provider's site and back. Never a secret.
 * @param keeping  False: it is stored, and no draft any more.
 */
export const useKeptDraft = (keeping: boolean) => {
  const [draft, setDraft] = useState(readKept)
  const [restored, setRestored] = useState(() => draft.service.name !== '')
  useEffect(() => {
    try {
      if (keeping && draft !== nothing) sessionStorage.setItem(key, JSON.stringify(withoutSecrets(draft)))
    } catch {
      // full or forbidden: it lives as long as the page
    }
  }, [draft, keeping])
  return {
    draft,
    restored,
    changeService: (fields: Partial<ServiceDraft>) => setDraft(known => ({ ...known, service: { ...known.service, ...fields } })),
    changeConnection: (fields: Partial<ConnectionDraft>) =>
      setDraft(known => ({ ...known, connection: { ...known.connection, ...fields } })),
    afresh: () => {
      forgetKept()
      setRestored(false)
      setDraft(nothing)
    },
  }
}
