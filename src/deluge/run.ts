import { begin, placeOf } from './calls.ts'
import { compile } from './compile.ts'
import { Failure, type FailureKind } from './failure.ts'
import type { Chance, FunctionSource, Host, Surroundings } from './host.ts'
import { meterOf, type Limits } from './limits.ts'
import { lineOf, type NamedFunction, type Program, type Run, type Slots } from './program.ts'
import { bytesOf, kindOf, type Kind, type Value } from './value.ts'

export { compile }
export type { Program }

/** Which function, with which arguments: by name, already values. Without a function the script's own statements run. */
export interface Asked {
  readonly function?: { readonly namespace: string; readonly name: string }
  readonly arguments: ReadonlyMap<string, Value>
}

export interface Environment {
  readonly host: Host
  readonly limits: Limits
  readonly surroundings: Surroundings
  readonly chance: Chance
  /** Asked now and then; a run that should end does within a few statements. */
  readonly cancelled: () => boolean
  /** One line of `info`, with the line of the program that wrote it, or that called the function which did. */
  readonly info: (line: string, at: number) => void
}

export interface RunResult {
  readonly output: Value
  readonly outputType: Kind | 'void'
  readonly error: {
    readonly message: string
    readonly line: number
    readonly kind: FailureKind
    readonly facts: Readonly<Record<string, string>>
  } | null
  /** Statements executed. */
  readonly statements: number
  /** Calls made to the outside. */
  readonly calls: number
  readonly milliseconds: number
}

const mostKept = 200
const kept = new Map<string, { readonly source: string; readonly program: Program }>()

/** A function's program, compiled once per revision and way of writing; the two hundred used last are kept for the next runs. */
export function compiledOnce(surroundings: Surroundings, { id, revision, source }: FunctionSource): Program {
  const { timeZone, dateFormat, precedence } = surroundings
  const key = [id, revision, timeZone, dateFormat, precedence].join('\n')
  const known = kept.get(key)
  kept.delete(key)
  const entry = known?.source === source ? known : { source, program: compile(source, surroundings) }
  kept.set(key, entry)
  for (const oldest of kept.keys()) {
    if (kept.size <= mostKept) break
    kept.delete(oldest)
  }
  return entry.program
}

/** Bytes that a character of a log line may need. */
const bytesPerCharacter = 2

/** Writes lines until the log of the run is full; the last line says that there were more. */
function logOf({ limits, info }: Environment): (line: string, at: number) => void {
  let left = limits.info
  return (line, at) => {
    if (left < 0) return
    left -= (line.length + 1) * bytesPerCharacter
    info(left < 0 ? `The log of a run holds ${String(Math.floor(limits.info / 1024))} KB: what follows is not in it.` : line, at)
  }
}

function prepare(program: Program, environment: Environment): Run {
  const { surroundings, host, chance, limits } = environment
  const frames: Slots[] = []
  const reachable = () => {
    const seen = new Set<object>()
    let sum = 0
    for (const slots of frames) for (const value of slots) if (value !== undefined) sum += bytesOf(value, seen)
    return sum
  }
  const meter = meterOf(limits, () => performance.now(), environment.cancelled, reachable)
  const log = logOf(environment)
  const run: Run = {
    meter,
    surroundings,
    context: { surroundings, host, meter, chance, from: '' },
    at: 0,
    program,
    calledAt: -1,
    result: null,
    hasResult: false,
    frames,
    named: new Map(),
    compiled: source => compiledOnce(surroundings, source),
    info: line => {
      log(line, run.calledAt < 0 ? lineOf(run.program, run.at) : lineOf(program, run.calledAt))
    },
  }
  return run
}

/** A script whose header has another name, or none, is still the function that was asked for. */
function functionOf(program: Program, asked: Asked): NamedFunction {
  const [error] = program.errors
  if (error) {
    const failure = new Failure(error.message)
    failure.line = error.line
    throw failure
  }
  if (asked.function === undefined) return { called: program.main, from: '' }
  const from = `${asked.function.namespace}.${asked.function.name}`
  return { called: program.functions.get(from.toLowerCase()) ?? program.main, from }
}

/** What ended a run, as a failure. V8's own errors come from scripts that need more stack than there is. */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  // a mistake of ours: the script ends with it, and the thread lives. Its message may hold what the script works with.
  const failure =
    error instanceof RangeError
      ? new Failure('The script is nested too deeply, or calls itself too often.', 'limit')
      : new Failure(`This line made the interpreter fail (${error instanceof Error ? error.name : 'unknown'}): please report it.`)
  failure.line = placeOf(error)
  return failure
}

/**
 * Runs a program to its end. Never throws for anything a script does: how it failed is in `error`, with the line; lines of `info`
 * written until then stand. A run that passes a limit or is cancelled ends without its `catch` blocks.
 */
export function run(program: Program, asked: Asked, environment: Environment): RunResult {
  const began = performance.now()
  const prepared = prepare(program, environment)
  const { meter } = prepared
  let error: RunResult['error'] = null
  let output: Value = null
  try {
    output = begin(prepared, functionOf(program, asked), asked.arguments)
  } catch (thrown) {
    const { message, line, kind, facts } = failureOf(thrown)
    error = { message, line: line || lineOf(program, prepared.at), kind, facts }
  }
  return {
    output,
    outputType: error === null && prepared.hasResult ? kindOf(output) : 'void',
    error,
    statements: meter.statements(),
    calls: meter.calls,
    milliseconds: performance.now() - began,
  }
}
