import { keep, readKept } from '../../parts/kept.ts'
import { linkNameFor, linkNameProblem } from '../../parts/link-name.ts'
import { useCallback, useEffect, useState } from 'react'
import type { ConnectionAccess, Service, Values } from '../../../sdk/index.ts'

/** What somebody has typed about a connection. Survives going back, reloading, and a trip to another page; never a secret. */
export interface Draft {
  readonly name: string
  readonly linkName: string
  /** The link name was typed, and no longer follows the name. */
  readonly linkTyped: boolean
  readonly scopes: readonly string[]
  readonly variables: Values
  readonly access: ConnectionAccess
  readonly accessChosen: boolean
  readonly eachOwn: boolean
  /** The connection exists already, and waits to be connected: it is not made a second time. */
  readonly created: boolean
}

const storedAs = 'add-connection'
const mostDrafts = 20

type Drafts = Readonly<Record<string, Draft>>

const draftsOf = (keeper: string): Drafts => {
  const value = readKept(storedAs, keeper)
  return typeof value === 'object' && value !== null ? (value as Drafts) : {}
}

const keepDrafts = (keeper: string, drafts: Drafts): void =>
  keep(storedAs, keeper, Object.fromEntries(Object.entries(drafts).slice(-mostDrafts)))

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter(one => typeof one === 'string') : [])

/** Scopes of a definition's knob. */
export const knobScopes = (service: Service, knob: 'default_scopes' | 'required_scopes'): readonly string[] => texts(service.advanced[knob])

const firstDraft = (service: Service): Draft => {
  const name = [...service.name].slice(0, 50).join('')
  return {
    name,
    linkName: linkNameFor(name),
    linkTyped: false,
    scopes:
      'default_scopes' in service.advanced
        ? knobScopes(service, 'default_scopes')
        : service.kind === 'custom'
          ? (service.scopes ?? []).map(one => one.name)
          : [],
    variables: Object.fromEntries(service.variables.map(one => [one.name, one.default ?? one.choices?.[0] ?? ''])),
    access: 'private',
    accessChosen: false,
    eachOwn: false,
    created: false,
  }
}

const withoutSecrets = (draft: Draft, service: Service): Draft => {
  const secret = new Set(service.variables.filter(one => one.secret).map(one => one.name))
  return { ...draft, variables: Object.fromEntries(Object.entries(draft.variables).filter(([name]) => !secret.has(name))) }
}

/** Whether leaving the page would lose the answer to a secret variable, which is not kept. */
export const hasUnkept = (draft: Draft, service: Service): boolean => {
  const first = firstDraft(service).variables
  return service.variables.some(
    ({ name, secret }) => secret && (draft.variables[name] ?? '') !== '' && draft.variables[name] !== first[name],
  )
}

/** What a link to this page asks for: scripts name their connection, and their calls the scopes. */
export interface Asked {
  readonly linkName: string | undefined
  readonly scopes: readonly string[] | undefined
}

/** What was typed about another connection gives way to what the link asks for; what was typed after such a link stays. */
function begunDraft(service: Service, kept: Draft | undefined, { linkName, scopes }: Asked): Draft {
  const begun = { ...firstDraft(service), ...kept }
  if (linkName === undefined || linkNameProblem(linkName) !== null || begun.linkName === linkName) return begun
  const listed = new Set((service.scopes ?? []).map(one => one.name))
  const possible = (scopes ?? []).filter(scope => service.kind === 'default' || listed.has(scope))
  return { ...firstDraft(service), linkName, linkTyped: true, ...(possible.length > 0 && { scopes: possible }) }
}

/** The draft for one service. @param keeper  Whose it is, from `keeperOf`. */
export const useDraft = (service: Service, keeper: string, asked: Asked) => {
  const [draft, setDraft] = useState<Draft>(() => begunDraft(service, draftsOf(keeper)[service.link_name], asked))
  const change = useCallback((changed: Partial<Draft>) => setDraft(before => ({ ...before, ...changed })), [])

  useEffect(() => {
    const { [service.link_name]: _, ...others } = draftsOf(keeper)
    keepDrafts(keeper, { ...others, [service.link_name]: withoutSecrets(draft, service) })
  }, [draft, keeper, service])

  const reset = useCallback(() => setDraft(firstDraft(service)), [service])

  return { draft, change, reset }
}

/** After it is connected. */
export const forgetDraft = (serviceLinkName: string, keeper: string): void => {
  const { [serviceLinkName]: _, ...others } = draftsOf(keeper)
  keepDrafts(keeper, others)
}
