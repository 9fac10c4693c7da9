import type { Call, Expression, MethodCall, Span } from './ast.ts'
import type { ParameterType } from './builtins/define.ts'
import { functions, methods, type Row } from './builtins/index.ts'
import { type Callee, categories, type Own } from './callee.ts'
import type { Report } from './finding.ts'
import { integrationTasks } from './tasks/integration/index.ts'
import { calledHere } from './mistakes.ts'
import { didYouMean } from './nearest.ts'

/** Methods of records that another host fetched (ST-12). Nothing here has them, and they are no misspelling of anything. */
const ofRecords = new Set(['count', 'getall', 'eachrow', 'sum', 'avg', 'maximum', 'minimum'])

export interface Reports {
  readonly error: Report
  readonly warning: Report
  readonly unavailable: (construct: string, span: Span) => void
}

/** Says when a call's name is unknown or its arguments are too few or too many (§3.8). */
export function checkCall(
  call: Call | MethodCall,
  callee: Callee,
  own: Own,
  exists: ((namespace: string, name: string) => boolean) | null,
  to: Reports,
): void {
  const name = nameOf(call, callee)
  // Keys make one map of all arguments (LEX-13).
  const given = call.keys === null ? call.arguments.length : 1
  switch (callee.kind) {
    case 'conditional': {
      const wanted = callee.name === 'if' ? 3 : 2
      if (given !== wanted) mismatch(to, name, callee.name, callee.name === 'if' ? 'if(condition, a, b)' : 'ifnull(value, otherwise)')
      break
    }
    case 'own': {
      const { parameters, name: declared, namespace } = callee.declaration
      const path = namespace === '' ? declared : `${namespace}.${declared}`
      if (given !== parameters.length) mismatch(to, name, path, `${path}(${parameters.map(parameter => parameter.name).join(', ')})`)
      break
    }
    case 'function':
      if (exists?.(callee.namespace, callee.name) === false) {
        to.warning(
          name,
          `Not able to find '${callee.namespace}.${callee.name}' function`,
          nearestFunction(callee, own) ?? 'Save it before this one runs.',
        )
      }
      break
    case 'dotted':
      if (given < callee.row.least || given > callee.row.most)
        mismatch(to, name, callee.row.name, written(callee.row, callee.row.name, true))
      break
    case 'integration': {
      const { name: documented, parameters, least, most } = callee.task
      const names = parameters.map((one, index) => (index < least ? one : `[${one}]`))
      // behind the connection: whether the login user's own authorisation is used
      const counted = given === most + 1 && call.arguments.at(-1)?.kind === 'boolean' ? most : given
      if (counted < least || counted > most) mismatch(to, name, documented, `${documented}(${names.join(', ')})`)
      break
    }
    case 'form':
      checkForm(callee.name, given, name, to)
      break
    case 'method':
      // Only a map may be put alone, and whether a variable holds one shows when the script runs.
      if (callee.name.toLowerCase() === 'put' && given === 1 && call.keys === null && isScalar(call.arguments[0])) {
        mismatch(to, name, callee.name, 'put(key, value)')
      } else checkMethod(callee.name, given, name, to)
      break
    case 'foreign':
      to.unavailable(callee.construct, name)
      break
    case 'unknown':
      to.error(
        name,
        `Not able to find '${callee.name}' function`,
        didYouMean(callee.name, dottedNames()) ?? 'Call its API with `invokeurl`.',
      )
      break
    case 'constructor':
      break
  }
}

const isScalar = (value: Expression | undefined): boolean =>
  value !== undefined && ['text', 'quoted', 'number', 'boolean', 'null'].includes(value.kind)

/** The name alone, or with the path before it where that is no value. */
function nameOf(call: Call | MethodCall, callee: Callee): Span {
  if (call.kind === 'call') return { start: call.start, end: call.start + call.name.length }
  return { start: callee.kind === 'method' ? call.nameStart : call.start, end: call.nameStart + call.name.length }
}

function checkForm(name: string, given: number, span: Span, to: Reports): void {
  const lower = name.toLowerCase()
  const row = functions.get(lower)
  const rows = [...(methods.get(lower)?.values() ?? [])]
  if (row === undefined && rows.length === 0) {
    to.error(span, `Not able to find '${name}' function`, calledHere(name) ?? didYouMean(name, spellings()))
  } else if (![...rows, ...(row === undefined ? [] : [row])].some(one => given >= one.least && given <= one.most)) {
    mismatch(to, span, name, row === undefined ? written(rows[0], name, true) : written(row, name, true))
  }
}

export const isMethod = (name: string): boolean => methods.has(name.toLowerCase())

function checkMethod(name: string, given: number, span: Span, to: Reports): void {
  const rows = methods.get(name.toLowerCase())
  if (rows === undefined) {
    if (ofRecords.has(name.toLowerCase())) to.unavailable(`${name}() of records`, span)
    else to.error(span, `Not able to find '${name}' function`, calledHere(name) ?? didYouMean(name, spellings()))
  } else if (![...rows.values()].some(row => given + 1 >= row.least && given + 1 <= row.most)) {
    mismatch(to, span, name, written([...rows.values()][0], name, false))
  }
}

function mismatch(to: Reports, span: Span, name: string, wanted: string | null): void {
  to.error(span, `Number of Arguments mismatches for the function '${name}'`, wanted === null ? null : `Write: ${wanted}`)
}

const receiverName = (type: ParameterType | undefined): string => {
  const name = type?.replace(/\W/g, '') ?? 'any'
  return name === 'any' ? 'value' : name
}

/** `mid(start, [end])`, and with its receiver `mid(text, start, [end])`. */
function written(row: Row | undefined, name: string, withReceiver: boolean): string | null {
  if (row === undefined) return null
  const { takes, parameters, receiver } = row.builtin
  const hasReceiver = receiver !== false && !row.name.includes('.') && takes.length > parameters.length
  const names = [...(hasReceiver && withReceiver ? [receiverName(takes[0])] : []), ...parameters]
  const least = row.least - (hasReceiver && !withReceiver ? 1 : 0)
  return `${name}(${names.map((one, index) => (index < least ? one : `[${one}]`)).join(', ')})`
}

const nearestFunction = ({ namespace, name }: { namespace: string; name: string }, own: Own): string | null =>
  didYouMean(
    `${namespace}.${name}`,
    [...own.paths.values()].map(declaration => `${declaration.namespace}.${declaration.name}`),
  )

let every: readonly string[] | null = null
/** All names without dots, as documented. */
function spellings(): readonly string[] {
  every ??= [...new Set([...functions.values(), ...[...methods.values()].flatMap(rows => [...rows.values()])].map(row => row.name))].filter(
    name => !name.includes('.'),
  )
  return every
}
const dottedNames = (): readonly string[] => [
  ...[...functions.values(), ...integrationTasks.values()].map(({ name }) => name).filter(name => name.includes('.')),
]

/** Whether a name that nothing defines may be meant for the prefix of a function. */
export const isCategory = (name: string): boolean => categories.has(name.toLowerCase())
