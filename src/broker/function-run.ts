import type { FunctionDoor } from '../core/function.ts'
import { Problem } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import { defaultLimits, type Limits } from '../deluge/limits.ts'
import type { Value } from '../deluge/value.ts'
import type { Finished } from '../sandbox/messages.ts'
import type { NewRun } from '../storage/function-runs.ts'
import type { FunctionRow } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { askerOf } from './function-asker.ts'
import { hostOf } from './function-host.ts'
import { asItIs, loggedArguments, maskPasswords } from './function-passwords.ts'
import { runRow, storable } from './function-run-row.ts'
import { surroundingsFor } from './function-settings.ts'
import { argumentsFor } from './function-values.ts'

/** UTF-16 units that the log keeps of one argument, of all `info` lines, and of the output. */
const loggedArgument = 5_000
const loggedInfo = 60_000
const loggedOutput = 20_000

/** §4.6, by category and by the way it was asked for; all of them are settings. */
export function limitsOf({ limits }: Pick<Broker, 'limits'>, namespace: string, door: FunctionDoor): Limits {
  const category = namespace.toLowerCase()
  const seconds =
    door === 'schedule' || (door === 'editor' && category === 'schedule')
      ? limits.functionScheduleSeconds
      : category === 'automation' && door !== 'public'
        ? limits.functionAutomationSeconds
        : limits.functionSeconds
  return {
    ...defaultLimits,
    milliseconds: seconds * 1000,
    statements: limits.functionStatements,
    calls: limits.functionCalls,
    memory: limits.functionMemoryBytes,
  }
}

export interface RunRequest {
  readonly function: FunctionRow
  /** Whom it runs as. */
  readonly principal: Principal
  readonly door: FunctionDoor
  readonly ip: string | null
  /** By name, before they are converted to the declared types. */
  readonly given: ReadonlyMap<string, Value>
  /** Refuse arguments that the header does not declare. */
  readonly strict: boolean
  /** Of the request that asks for it, see core/hops.ts; 0 when nobody asks. */
  readonly hops?: number
  /** From then on something may have happened, and the log of runs has it. */
  readonly onBegin?: () => void
  readonly onInfo?: (line: string, at: number) => void
  readonly signal?: AbortSignal
}

export interface Ran {
  readonly id: string
  readonly result: Finished
  readonly info: readonly string[]
}

const cut = (text: string, longest: number): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

/** What the log keeps of an output. Of one of megabytes only its beginning is read, unless a password has to be looked for in all of it. */
function loggedText(json: Uint8Array, masked: ReturnType<typeof maskPasswords>): string {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength)
  // a UTF-16 unit is three bytes of UTF-8 at most
  return cut(masked === asItIs ? bytes.toString('utf8', 0, 3 * loggedOutput + 4) : masked(bytes.toString('utf8')), loggedOutput)
}

/**
 * Runs a function to its end and writes it into the log: that it began, so that a process which is killed leaves a trace of it, and what
 * came of it. A script that fails is an answer.
 * @throws Problem validation_failed for arguments that are not of their types; functions_busy
 */
export async function runFunction(broker: Broker, request: RunRequest): Promise<Ran> {
  const { function: row, principal, door } = request
  const { surroundings, settings } = await surroundingsFor(broker, principal, request.ip)
  const values = argumentsFor(surroundings, row.signature, request.given, request.strict)
  const limits = limitsOf(broker, row.namespace, door)
  const id = broker.id()
  const info: string[] = []
  let started = broker.monotonic()
  const host = hostOf(broker, {
    function: row,
    principal,
    surroundings,
    settings,
    hops: request.hops ?? 0,
    // its time begins when it has a thread
    get endsAt() {
      return started + limits.milliseconds
    },
    info(line, at) {
      info.push(line)
      request.onInfo?.(line, at)
    },
  })
  const masked = maskPasswords(row.signature, values)
  let begun: NewRun | null = null
  async function onStart(): Promise<void> {
    started = broker.monotonic()
    const startedAt = new Date(broker.now())
    const given = loggedArguments(surroundings, row.signature, values, loggedArgument)
    const plain = runRow({ id, function: row, userId: principal.userId, door, status: 'running', startedAt, arguments: given })
    begun = { ...plain, subject_id: principal.subjectId === nobody ? null : principal.subjectId, key_id: principal.key?.id ?? null }
    broker.functionLog.record(begun)
    request.onBegin?.()
    // nobody waits for the answer of this one: that it began must be written down before anything happens
    if (door === 'schedule') await broker.functionLog.flush()
  }
  function ended(outcome: Partial<NewRun>): void {
    broker.metrics.functionRuns.inc({ door, outcome: outcome.status ?? 'failure' })
    if (begun !== null) broker.functionLog.record({ ...begun, duration_ms: Math.round(broker.monotonic() - started), ...outcome })
  }
  const seat = door === 'schedule' ? null : broker.admission.enter(principal.organizationId)
  try {
    const result = await broker.sandbox.run(
      {
        asker: askerOf(principal, door),
        function: { id: row.id, revision: row.revision, namespace: row.namespace, name: row.name, source: row.source },
        arguments: values,
        limits,
        surroundings,
        replies: door === 'public',
      },
      host,
      { signal: request.signal, onStart },
    )
    const { error, written } = result
    ended({
      status: error === null ? 'success' : 'failure',
      statements: result.statements,
      calls: result.calls,
      info: storable(cut(masked(info.join('\n')), loggedInfo)),
      output: written === null ? null : storable(loggedText(written.json, masked)),
      output_type: result.outputType,
      error: error === null ? null : storable(cut(masked(error.message), 2_000)),
      line: error === null ? null : error.line,
    })
    return { id, result, info }
  } catch (error) {
    ended({ status: 'failure', error: error instanceof Problem ? error.message : 'Patchbay had a fault while it ran the function.' })
    throw error
  } finally {
    if (seat) broker.admission.leave(seat)
  }
}
