import type { FunctionDoor } from '../core/function.ts'
import { nobody, type Principal } from '../core/principal.ts'
import { defaultLimits, type Limits } from '../deluge/limits.ts'
import type { Surroundings } from '../deluge/host.ts'
import type { RunResult } from '../deluge/run.ts'
import type { Value } from '../deluge/value.ts'
import type { FunctionRow } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { hostOf } from './function-host.ts'
import { surroundingsFor } from './function-settings.ts'
import { argumentsFor, jsonTextOf, loggedArguments, maskPasswords } from './function-values.ts'

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
  readonly onInfo?: (line: string, at: number) => void
  readonly signal?: AbortSignal
}

export interface Ran {
  readonly id: string
  readonly result: RunResult
  readonly info: readonly string[]
  readonly surroundings: Surroundings
}

const cut = (text: string, longest: number): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

/**
 * Runs a function to its end and writes it into the log. A script that fails is an answer.
 * @throws Problem validation_failed for arguments that are not of their types; functions_busy
 */
export async function runFunction(broker: Broker, request: RunRequest): Promise<Ran> {
  const { function: row, principal, door } = request
  const { surroundings, settings } = await surroundingsFor(broker, principal, request.ip)
  const values = argumentsFor(surroundings, row.signature, request.given, request.strict)
  const limits = limitsOf(broker, row.namespace, door)
  const id = broker.id()
  const startedAt = broker.now()
  const started = broker.monotonic()
  const info: string[] = []
  const host = hostOf(broker, {
    function: row,
    principal,
    surroundings,
    settings,
    endsAt: started + limits.milliseconds,
    info(line, at) {
      info.push(line)
      request.onInfo?.(line, at)
    },
  })
  const masked = maskPasswords(row.signature, values)
  const result = await broker.sandbox.run(
    {
      organizationId: principal.organizationId,
      function: { id: row.id, revision: row.revision, namespace: row.namespace, name: row.name, source: row.source },
      arguments: values,
      limits,
      surroundings,
    },
    host,
    request.signal,
  )
  const { error } = result
  const lines = info.join('\n')
  broker.functionLog.record({
    id,
    organization_id: principal.organizationId,
    function_id: row.id,
    namespace: row.namespace,
    name: row.name,
    revision: row.revision,
    user_id: principal.userId,
    subject_id: principal.subjectId === nobody ? null : principal.subjectId,
    key_id: principal.key?.id ?? null,
    door,
    status: error === null ? 'success' : 'failure',
    started_at: new Date(startedAt),
    duration_ms: Math.round(broker.monotonic() - started),
    statements: result.statements,
    calls: result.calls,
    arguments: storable(loggedArguments(surroundings, row.signature, values, loggedArgument)),
    info: storable(cut(masked(lines), loggedInfo)),
    output: error === null ? storable(cut(masked(jsonTextOf(surroundings, result.output)), loggedOutput)) : null,
    output_type: result.outputType,
    error: error === null ? null : storable(cut(masked(error.message), 2_000)),
    line: error === null ? null : error.line,
  })
  return { id, result, info, surroundings }
}

/** PostgreSQL's text holds no NUL and no lone surrogate. */
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD')
