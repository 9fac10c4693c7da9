import type { Call, Expression, MethodCall, Script, TaskCall } from './ast.ts'
import { beginningOf, type Bindings, bindingsOf, isBound, textAlways } from './bindings.ts'
import { calleeOf, hostRoots, type Own } from './callee.ts'
import { insteadOf } from './instead.ts'
import { tasks } from './tasks/index.ts'
import { optionsParameters } from './tasks/integration/define.ts'
import { type IntegrationTask, namespacesOf, products } from './tasks/integration/index.ts'
import { expressionsOf, partsOf, visitExpression, visitStatements } from './walk.ts'

/** What a script needs from outside itself, as far as its source tells; lines count from 1. */
export interface Uses {
  /** Link names: literal ones, bare ones, and variables that only ever stand for one text. */
  readonly connections: readonly { readonly name: string; readonly line: number }[]
  /** `url` is the whole address or how it begins: "https://api.x.com/v1/". Null is what only a run can tell. */
  readonly calls: readonly Use[]
  /** Lower-case names: "invokeurl", "zoho.crm.getrecords". */
  readonly tasks: readonly { readonly name: string; readonly line: number }[]
  /** Functions of other files. */
  readonly functions: readonly { readonly namespace: string; readonly name: string; readonly line: number }[]
  /** `instead` is a sentence. */
  readonly unavailable: readonly { readonly construct: string; readonly line: number; readonly instead: string }[]
  /** Whether some connection's name is known only when it runs. */
  readonly dynamicConnection: boolean
}

export interface Use {
  readonly connection: string | null
  readonly method: string | null
  readonly url: string | null
  readonly line: number
}

interface Gathering {
  readonly bindings: Bindings
  readonly own: Own
  readonly exists: ((namespace: string, name: string) => boolean) | null
  readonly lineAt: (offset: number) => number
  readonly connections: { name: string; line: number }[]
  readonly calls: Use[]
  readonly tasks: { name: string; line: number }[]
  readonly functions: { namespace: string; name: string; line: number }[]
  readonly unavailable: { construct: string; line: number; instead: string }[]
  readonly dynamic: { connection: boolean }
}

/** In the order of the source; the functions of a file first, then what stands outside them. */
export function usesOf(script: Script, own: Own, exists: Gathering['exists'], lineAt: Gathering['lineAt']): Uses {
  const found = { connections: [], calls: [], tasks: [], functions: [], unavailable: [], dynamic: { connection: false } }
  for (const [body, declaration] of [...script.functions.map(one => [one.body, one] as const), [script.body, null] as const]) {
    const gathering: Gathering = { bindings: bindingsOf(body, declaration), own, exists, lineAt, ...found }
    visitStatements(body, statement => {
      if (statement.kind === 'foreign') lacks(gathering, statement.construct, statement.start)
      for (const expression of expressionsOf(statement)) gather(gathering, expression)
    })
  }
  const { connections, calls, tasks: named, functions, unavailable, dynamic } = found
  return { connections, calls, tasks: named, functions, unavailable, dynamicConnection: dynamic.connection }
}

function lacks({ unavailable, lineAt }: Gathering, construct: string, start: number): void {
  unavailable.push({ construct, line: lineAt(start), instead: insteadOf(construct) })
}

function gather(gathering: Gathering, root: Expression): void {
  visitExpression(root, expression => {
    switch (expression.kind) {
      case 'foreign':
        lacks(gathering, expression.construct, expression.start)
        return []
      case 'task':
        gatherTask(gathering, expression)
        return partsOf(expression)
      case 'call':
      case 'method':
        return gatherCall(gathering, expression) || expression.kind === 'call'
          ? partsOf(expression)
          : [...(expression.keys ?? []), ...expression.arguments]
      case 'variable':
        if (hostRoots.has(expression.name.toLowerCase()) && !isBound(gathering.bindings, expression.name)) {
          lacks(gathering, expression.name, expression.start)
        }
        return []
      default:
        return partsOf(expression)
    }
  })
}

function gatherTask(gathering: Gathering, call: TaskCall): void {
  const { bindings, lineAt } = gathering
  const line = lineAt(call.start)
  const name = call.name.toLowerCase()
  if (!Object.hasOwn(tasks, name)) {
    lacks(gathering, call.name, call.start)
    return
  }
  gathering.tasks.push({ name, line })
  const valueOf = (attribute: string) => call.attributes.find(one => one.name.toLowerCase() === attribute)?.value
  const connection = connectionOf(gathering, valueOf('connection'))
  const url = valueOf('url')
  if (url === undefined) return
  const type = valueOf('type')
  const method = type === undefined ? 'GET' : (wordOf(bindings, type)?.toUpperCase() ?? null)
  gathering.calls.push({ connection, method, url: beginningOf(bindings, url), line })
}

/** A bare name that no variable has, or a text. */
const wordOf = (bindings: Bindings, value: Expression): string | null =>
  value.kind === 'variable' && !isBound(bindings, value.name) ? value.name : textAlways(bindings, value)

function connectionOf(gathering: Gathering, value: Expression | undefined): string | null {
  if (value === undefined || value.kind === 'null') return null
  const name = wordOf(gathering.bindings, value)
  if (name === null) gathering.dynamic.connection = true
  else gathering.connections.push({ name, line: gathering.lineAt(value.start) })
  return name
}

/** What each task takes before its connection, by lower-case name: parameters and their types. */
const taken: ReadonlyMap<string, readonly (readonly [name: string, type: string])[]> = new Map(
  products.flatMap(product =>
    namespacesOf(product).flatMap(namespace =>
      Object.entries(product.tasks).map(([name, { takes }]) => [`${namespace}.${name}`.toLowerCase(), Object.entries(takes)] as const),
    ),
  ),
)
const linkName = /^[a-z][a-z0-9_]{0,49}$/i

/** The last argument, where it is the connection: behind all others, or a name in the place of one that is no text (§3.10). Else what the options name. */
function connectionArgument(bindings: Bindings, { name, least }: IntegrationTask, given: readonly Expression[]): Expression | undefined {
  const parameters = taken.get(name.toLowerCase())
  const last = given.at(-1)
  if (parameters === undefined || last === undefined) return undefined
  const inOptions = given.find((_, index) => optionsParameters.includes(parameters[index]?.[0] ?? ''))
  if (given.length > parameters.length) return last.kind === 'null' ? connectionNamedIn(inOptions) : last
  const place = parameters[given.length - 1]?.[1] ?? 'any'
  const text = textAlways(bindings, last)
  if (given.length > least && !/^(?:text|any|query)/.test(place) && text !== null && linkName.test(text)) return last
  return connectionNamedIn(inOptions)
}

/** The value of `connection` in options that are written out. */
const connectionNamedIn = (options: Expression | undefined): Expression | undefined =>
  options?.kind === 'map'
    ? options.entries.find(({ key }) => (key.kind === 'text' || key.kind === 'quoted') && key.value === 'connection')?.value
    : undefined

/** Functions that call an address: the name → its method. */
const addressed: Readonly<Record<string, string>> = { geturl: 'GET', posturl: 'POST', invokeurl: 'GET' }

/** True when what stands before the name is a value, not a path. */
function gatherCall(gathering: Gathering, call: Call | MethodCall): boolean {
  const { bindings, own, exists, lineAt } = gathering
  const callee = calleeOf(call, bindings, own, exists)
  const line = lineAt(call.kind === 'call' ? call.start : call.nameStart)
  switch (callee.kind) {
    case 'function':
      gathering.functions.push({ namespace: callee.namespace, name: callee.name, line })
      break
    case 'foreign':
      lacks(gathering, callee.construct, call.kind === 'call' ? call.start : call.nameStart)
      break
    case 'unknown':
      lacks(gathering, callee.name, call.kind === 'call' ? call.start : call.nameStart)
      break
    case 'integration':
      gathering.tasks.push({ name: callee.task.name.toLowerCase(), line })
      connectionOf(gathering, connectionArgument(bindings, callee.task, call.arguments))
      break
    case 'form': {
      const name = callee.name.toLowerCase()
      const fallback = Object.hasOwn(addressed, name) ? addressed[name] : undefined
      const [url, type] = call.arguments
      if (fallback === undefined || url === undefined) break
      gathering.tasks.push({ name, line })
      const method = name === 'invokeurl' && type !== undefined ? (wordOf(bindings, type)?.toUpperCase() ?? null) : fallback
      gathering.calls.push({ connection: null, method, url: beginningOf(bindings, url), line })
      break
    }
    default:
  }
  return callee.kind === 'method'
}
