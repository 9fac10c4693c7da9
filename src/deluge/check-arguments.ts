import type { Span, Statement } from './ast.ts'
import type { Reports } from './check-calls.ts'
import { visitStatements } from './walk.ts'

/** Names without a value in a script without a header, each with its first place. They are what its caller hands in: arguments. */
export interface Free {
  /** Nothing is known about these. */
  readonly names: Map<string, Span>
  /** These are handed in by other hosts. */
  readonly handedIn: Map<string, Span>
}

export const noneFree = (): Free => ({ names: new Map(), handedIn: new Map() })

export function noteOnce(names: Map<string, Span>, name: string, at: Span): void {
  if (!names.has(name)) names.set(name, { start: at.start, end: at.end })
}

/** Whether a name is no misspelling of the one it is nearest to: `dealId` beside a variable `deal`. */
export function isMeantAsItIs(name: string, near: string | null): boolean {
  if (near === null) return true
  const [lower, other] = [name.toLowerCase(), near.toLowerCase()]
  return lower.length > other.length + 1 && (lower.startsWith(other) || lower.endsWith(other))
}

const mostNames = 8

/** "Variables 'a', 'b' and 'c' are not defined". */
function undefinedNames(names: readonly string[]): string {
  const [only = ''] = names
  if (names.length === 1) return `Variable '${only}' is not defined`
  const shown = names.slice(0, mostNames).map(name => `'${name}'`)
  const last = names.length > mostNames ? `${String(names.length - mostNames)} more` : (shown.pop() ?? '')
  return `Variables ${shown.join(', ')} and ${last} are not defined`
}

/** What a header would look like, with every name: a map for what hosts hand in, any value for the others. */
function header(body: readonly Statement[], { names, handedIn }: Free): string {
  let returns = 'void'
  visitStatements(body, statement => {
    if (statement.kind === 'return' && statement.value !== null) returns = 'string'
  })
  const parameters = [...[...handedIn.keys()].map(name => `map ${name}`), ...names.keys()]
  return `${returns} automation.name(${parameters.slice(0, mostNames).join(', ')}${parameters.length > mostNames ? ', …' : ''}) { … }`
}

/** One finding for all names of a kind, instead of one for each place. */
export function reportFree(body: readonly Statement[], free: Free, to: Reports): void {
  for (const [names, isKnown] of [
    [free.handedIn, true],
    [free.names, false],
  ] as const) {
    const [first] = names.values()
    if (first === undefined) continue
    const [it, is, argument] = names.size === 1 ? ['it', 'is', 'is an argument'] : ['they', 'are', 'are arguments']
    const message = undefinedNames([...names.keys()])
    if (isKnown) to.warning(first, message, `Elsewhere ${it} ${is} handed in. Here ${it} ${argument}: ${header(body, free)}.`)
    else to.error(first, message, `Where the caller hands ${names.size === 1 ? 'it' : 'them'} in, write a header: ${header(body, free)}.`)
  }
}
