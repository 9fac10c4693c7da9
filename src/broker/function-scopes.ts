import type { ServiceDefinition } from '../core/service.ts'

/** A call that a script makes, as far as its source tells. */
export interface PlannedCall {
  readonly connection: string | null
  readonly method: string | null
  /** Whole, or as far as it is written out. */
  readonly url: string | null
}

const reading = new Set(['read', 'readonly', 'get', 'view', 'list', 'metadata'])
const writing = new Set(['write', 'create', 'update', 'delete', 'edit', 'send', 'manage', 'readwrite'])
const everything = new Set(['all', 'full', 'admin'])

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
const singular = (word: string): string => (word.length > 3 ? word.replace(/ies$/, 'y').replace(/s$/, '') : word)

/** What a scope is about, without what the service's scopes have in common and without its action. */
function subjectsOf(name: string, common: ReadonlySet<string>): string[] {
  return wordsOf(name)
    .filter(word => !common.has(word) && !reading.has(word) && !writing.has(word) && !everything.has(word))
    .map(singular)
}

function fitsMethod(name: string, method: string | null): boolean {
  const words = wordsOf(name)
  if (words.some(word => everything.has(word))) return true
  const reads = method === null || method === 'GET' || method === 'HEAD'
  if (words.some(word => writing.has(word))) return !reads || words.some(word => reading.has(word))
  return reads || !words.some(word => reading.has(word))
}

/**
 * The scopes of a service that its calls imply, a guess: those that are about a word of the path and allow the method; the service's
 * default scopes where nothing fits. A proposal for people to look at, never what a connection is made with by itself.
 */
export function impliedScopes(definition: ServiceDefinition, calls: readonly PlannedCall[]): string[] {
  if (definition.auth_type !== 'oauth2') return []
  const names = definition.scopes.map(one => one.name)
  const lists = names.map(name => new Set(wordsOf(name)))
  const common = new Set([...(lists[0] ?? [])].filter(word => lists.length > 1 && lists.every(list => list.has(word))))
  const found = new Set<string>()
  for (const { method, url } of calls) {
    const path = url === null ? '' : (/^https?:\/\/[^/?#]+([^?#]*)/i.exec(url)?.[1] ?? '')
    const words = new Set(wordsOf(path).map(singular))
    const fitting = names
      .filter(name => fitsMethod(name, method?.toUpperCase() ?? null))
      .map(name => {
        const subjects = subjectsOf(name, common)
        const met = subjects.filter(word => words.has(word)).length
        return { name, met, share: met / subjects.length, whole: wordsOf(name).some(word => everything.has(word)) ? 1 : 0 }
      })
      .filter(one => one.met > 0)
      // all of what it is about before a part, more of the path before less, the narrowest that will do
      .sort((x, y) => y.share - x.share || y.met - x.met || x.whole - y.whole || y.name.length - x.name.length)
    const narrowest = fitting[0]?.name
    if (narrowest !== undefined) found.add(narrowest)
  }
  const { default_scopes = [], required_scopes = [] } = definition.advanced as {
    readonly default_scopes?: readonly string[]
    readonly required_scopes?: readonly string[]
  }
  return [...new Set([...required_scopes, ...(found.size > 0 ? found : default_scopes)])]
}
