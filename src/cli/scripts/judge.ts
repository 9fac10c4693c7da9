import type { FunctionPlan, Patchbay } from '../../../sdk/index.ts'
import { isName, keyOf, type FunctionName, type Script } from './folder.ts'

/** Something about a script, with its place from 1. */
export interface Finding {
  readonly line: number
  readonly column: number
  readonly message: string
  readonly suggestion: string | null
}

/** A script with everything that Patchbay says about it. */
export interface Judged {
  readonly script: Script
  /** What its header names, else its place in the folder; null where that cannot be a function's name. */
  readonly named: FunctionName | null
  readonly errors: readonly Finding[]
  readonly warnings: readonly Finding[]
}

type PlannedFile = FunctionPlan['files'][number]

/** Of several functions in one file, the one that the file is named after, else the first. */
function nameOf({ functions }: PlannedFile, { place }: Script): FunctionName | null {
  const named = functions.map((one): FunctionName => {
    const at = one.indexOf('.')
    return { namespace: one.slice(0, at), name: one.slice(at + 1) }
  })
  const own = named.find(one => one.name.toLowerCase() === place.name.toLowerCase()) ?? named[0] ?? place
  return isName(own) ? own : null
}

const at = (line: number, message: string, suggestion: string | null): Finding => ({ line, column: 1, message, suggestion })

/** What a plan says about more than one file, told where it shows. */
function findingsAcross(plan: FunctionPlan): { errors: Map<string, Finding[]>; warnings: Map<string, Finding[]> } {
  const errors = new Map<string, Finding[]>()
  const warnings = new Map<string, Finding[]>()
  const note = (map: Map<string, Finding[]>, { path, line }: { path: string; line: number }, message: string, suggestion: string) =>
    map.set(path, [...(map.get(path) ?? []), at(line, message, suggestion)])
  for (const { link_name: name, status, used_in } of plan.connections)
    for (const place of used_in)
      if (status === 'not_yours')
        note(errors, place, `You may not use the connection ${name}.`, 'Ask its owner to give you access, or name one of your own.')
      else if (status === 'missing') note(warnings, place, `There is no connection ${name} yet.`, 'Create it before the function runs.')
  for (const { name, defined, used_in } of plan.functions)
    if (!defined) for (const place of used_in) note(warnings, place, `There is no function ${name} yet.`, 'Push it before this one runs.')
  return { errors, warnings }
}

/** Two files of one function: only one of them could be live. */
function findingsOfTwins(judged: readonly Judged[]): Map<Judged, Finding> {
  const first = new Map<string, Judged>()
  const found = new Map<Judged, Finding>()
  for (const one of judged) {
    if (one.named === null) continue
    const other = first.get(keyOf(one.named))
    if (!other) first.set(keyOf(one.named), one)
    else
      found.set(
        one,
        at(1, `${other.script.path} is ${one.named.namespace}.${one.named.name} too.`, 'Keep one of the two, or give one another name.'),
      )
  }
  return found
}

const inOrder = (findings: readonly Finding[]): Finding[] => [...findings].sort((a, b) => a.line - b.line || a.column - b.column)

/** One request for all of them, so that they are judged as a whole: functions that call each other may come together. */
export async function judge(patchbay: Patchbay, scripts: readonly Script[]): Promise<Judged[]> {
  const plan = await patchbay.functions.plan(scripts.map(({ path, source }) => ({ path, source })))
  const across = findingsAcross(plan)
  const judged = scripts.map((script, index): Judged => {
    const file = plan.files[index]
    const { path } = script
    return {
      script,
      named: file ? nameOf(file, script) : null,
      errors: inOrder([...(file?.errors ?? []), ...(across.errors.get(path) ?? [])]),
      warnings: inOrder([...(file?.warnings ?? []), ...(across.warnings.get(path) ?? [])]),
    }
  })
  const twins = findingsOfTwins(judged)
  return judged.map(one => {
    const twin = twins.get(one)
    return twin ? { ...one, errors: [twin, ...one.errors] } : one
  })
}

/** `path:line:column: sentence`, as editors and terminals make links of it. */
export const findingLines = (path: string, findings: readonly Finding[], kind = ''): string[] =>
  findings.map(({ line, column, message, suggestion }) => {
    // the messages of the original end without a full stop
    const said = suggestion === null ? message : `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${suggestion}`
    return `${path}:${line}:${column}: ${kind}${said}`
  })

export const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** "2 errors in 1 file" */
export const counted = (judged: readonly { readonly errors: readonly Finding[] }[]): string =>
  `${many(
    judged.reduce((sum, one) => sum + one.errors.length, 0),
    'error',
  )} in ${many(judged.filter(one => one.errors.length > 0).length, 'file')}`
