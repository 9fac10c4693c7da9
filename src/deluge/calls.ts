import { coerce } from './coerce.ts'
import { declaredType } from './declared-types.ts'
import { isBuiltin } from './dispatch.ts'
import { Failure } from './failure.ts'
import {
  lineOf,
  returned,
  type CompiledFunction,
  type CompiledParameter,
  type NamedFunction,
  type Program,
  type Run,
  type Slots,
} from './program.ts'
import { jsonOf, textOf } from './text.ts'
import { decimal, emptyMap, kindOf, type KeyValue, type Value } from './value.ts'

/**
 * An argument as what the header declares. Null stays null; text for a number, JSON for a map and so on are converted as everywhere.
 * Throws "… can not be cast to …".
 */
function argumentOf(run: Run, { name, type }: CompiledParameter, value: Value): Value {
  try {
    return declaredAs(run, type, value)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'failed') throw new Failure(`Argument '${name}': ${error.message}`)
    throw error
  }
}

function declaredAs(run: Run, declared: string | null, value: Value): Value {
  const type = declared === null ? undefined : declaredType(declared)
  if (type === undefined || value === null) return value
  // a form leaves a number empty as a text without characters
  if (value === '' && type !== 'text') return null
  if (type !== 'decimal') return coerce(run.context, value, type)
  const numeric = coerce(run.context, value, 'numeric')
  return typeof numeric === 'number' || typeof numeric === 'bigint' ? decimal(String(numeric)) : numeric
}

/**
 * What a function gives, as what its header says (ST-14): maps and lists of a `string` function are JSON text, numeric text of an `int`
 * function is a number. Null and "" stay what they are, as the callers of scripts ask for either; so does a reply of FN-8, which may hold a
 * file. Throws "… can not be cast to …".
 */
function returnedAs(run: Run, { returns }: CompiledFunction, value: Value): Value {
  if (returns === null || value === null || value === '') return value
  const type = declaredType(returns)
  if (type === undefined || type === kindOf(value)) return value
  if (typeof value === 'object' && value.kind === 'map' && value.entries.has('crmAPIResponse')) return value
  const { surroundings, meter } = run
  if (type === 'text') {
    if (typeof value === 'object' && value.kind === 'file') return value
    const isContainer = typeof value === 'object' && (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection')
    const text = (isContainer ? jsonOf : textOf)(surroundings, value, meter.limits.text)
    meter.made(24 + text.length * 2)
    return text
  }
  try {
    return declaredAs(run, returns, value)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'failed') throw new Failure(`What is returned: ${error.message}`)
    throw error
  }
}

const wrongCount = (called: CompiledFunction) => new Failure(`Number of Arguments mismatches for the function '${called.title}'`)

/** The variables of a call with values in the order of the parameters. */
function slotsOf(run: Run, called: CompiledFunction, values: readonly Value[]): Slots {
  if (values.length !== called.parameters.length) throw wrongCount(called)
  const slots = called.blank.slice()
  called.parameters.forEach((parameter, at) => {
    slots[parameter.slot] = argumentOf(run, parameter, values[at] ?? null)
  })
  if (called.inputSlot >= 0) {
    const input = emptyMap()
    for (const { name, slot } of called.parameters) input.entries.set(name, slots[slot] ?? null)
    slots[called.inputSlot] = input
  }
  return slots
}

/** The variables of a call with values by name, as doors hand them in: what is missing is null, what is too much is only in `input`. */
function slotsByName(run: Run, called: CompiledFunction, values: ReadonlyMap<string, Value>): Slots {
  const slots = called.blank.slice()
  const input: KeyValue = emptyMap()
  for (const [name, value] of values) {
    input.entries.set(name, value)
    const slot = called.slots.get(name)
    if (slot !== undefined) slots[slot] = value
  }
  for (const parameter of called.parameters) {
    const value = argumentOf(run, parameter, values.get(parameter.name) ?? null)
    slots[parameter.slot] = value
    input.entries.set(parameter.name, value)
  }
  if (called.inputSlot >= 0) slots[called.inputSlot] = input
  return slots
}

/** Where failures of other programs say that they come from; they say it once, whoever they pass. */
const abroad = new WeakSet<Failure>()

/** A failure as the calling program sees it: at the line of its call, naming the function where it happened. */
function seenFrom(caller: Program, callAt: number, from: string, failure: Failure): Failure {
  const told = abroad.has(failure)
    ? failure
    : new Failure(`${failure.message} (in ${from}, line ${String(failure.line)})`, failure.kind, failure.facts)
  abroad.add(told)
  told.line = lineOf(caller, callAt)
  return told
}

/** Lines of what is no failure: of V8, that the stack is used up, or a mistake of ours. */
const places = new WeakMap<object, number>()

function place(error: unknown, line: number, again: boolean): void {
  if (typeof error === 'object' && error !== null && (again || !places.has(error))) places.set(error, line)
}

/** The line of the program that began, at which something was thrown that is no failure. */
export const placeOf = (error: unknown): number => (typeof error === 'object' && error !== null ? (places.get(error) ?? 0) : 0)

function enter(run: Run, { called, from }: NamedFunction, slotsFor: () => Slots): Value {
  const { meter, context, frames, program, at, calledAt } = run
  const { from: caller } = context
  const slots = slotsFor()
  meter.depth += 1
  if (meter.depth > meter.limits.depth) {
    meter.depth -= 1
    throw new Failure(`Functions may call functions ${String(meter.limits.depth)} deep at most.`, 'limit')
  }
  frames.push(slots)
  if (calledAt < 0 && called.program !== program) run.calledAt = at
  run.program = called.program
  context.from = from
  try {
    if (called.body(slots, run) === returned) return run.hasResult ? returnedAs(run, called, run.result) : null
    run.hasResult = false
    return null
  } catch (error) {
    if (!(error instanceof Failure)) {
      place(error, called.program === program ? lineOf(run.program, run.at) : lineOf(program, at), called.program !== program)
      throw error
    }
    if (error.line === 0) error.line = lineOf(run.program, run.at)
    throw called.program === program ? error : seenFrom(program, at, from, error)
  } finally {
    meter.depth -= 1
    frames.pop()
    run.program = program
    run.at = at
    run.calledAt = calledAt
    context.from = caller
  }
}

function call(run: Run, named: NamedFunction, values: readonly Value[]): Value {
  const result = enter(run, named, () => slotsOf(run, named.called, values))
  return run.hasResult ? result : null
}

/** Calls a function of the same file with values in the order of its parameters. Throws "Number of Arguments mismatches …". */
export const callFunction = (run: Run, called: CompiledFunction, values: readonly Value[]): Value =>
  call(run, { called, from: run.context.from }, values)

/** Begins a run. What the function gives is `run.result` when `run.hasResult`. */
export function begin(run: Run, named: NamedFunction, values: ReadonlyMap<string, Value>): Value {
  run.at = named.called.start
  return enter(run, named, () => slotsByName(run, named.called, values))
}

/** A function of the host, compiled; asked for once a run. */
function functionOfHost(run: Run, namespace: string, name: string): NamedFunction | null {
  const from = `${namespace}.${name}`
  const known = run.named.get(from)
  if (known !== undefined) return known
  const source = run.context.host.functionNamed(namespace, name)
  let found: NamedFunction | null = null
  if (source !== null) {
    const program = run.compiled(source)
    const [error] = program.errors
    if (error) throw new Failure(`${error.message} (in ${from}, line ${String(error.line)})`)
    found = { called: program.functions.get(from.toLowerCase()) ?? program.main, from }
  }
  run.named.set(from, found)
  return found
}

/** Calls a function by its name: one of the same program first, then one of the host (§4.1). */
export function callNamed(run: Run, namespace: string, name: string, values: readonly Value[]): Value {
  const own = run.program.functions.get(`${namespace}.${name}`.toLowerCase())
  if (own) return callFunction(run, own, values)
  const named = functionOfHost(run, namespace, name)
  if (named === null) {
    // `list.add(1)` before there is a `list` looks like a function of the host
    throw new Failure(isBuiltin(name) ? `Variable '${namespace}' is not defined` : `Not able to find '${namespace}.${name}' function`)
  }
  return call(run, named, values)
}
