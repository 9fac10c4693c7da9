import { events } from './events.ts'
import { listOf, type PageQuery } from './list.ts'
import { problemFrom } from './problem.ts'
import { json, segment, send, type Access } from './transport.ts'
import type { Answer, Listed, Sent } from './wire.ts'

export type DelugeFunction = Answer<'/api/v1/functions/{namespace}/{name}', 'get'>
export type ListedFunction = Listed<'/api/v1/functions'>
export type SavedFunction = Answer<'/api/v1/functions/{namespace}/{name}', 'put'>
export type NewFunction = Sent<'/api/v1/functions', 'post'>
/** Everything wrong with a script, with line and column from 1. */
export type FunctionCheck = Answer<'/api/v1/functions/check', 'post'>
/** `output` as JSON reads it; `error.connect_url` is where this person authorises the connection that was missing. */
export type FunctionRun = Answer<'/api/v1/functions/{namespace}/{name}/run', 'post'>
export type LoggedRun = Listed<'/api/v1/functions/runs'>
export type LoggedRunDetails = Answer<'/api/v1/functions/runs/{id}', 'get'>
export type FunctionVersion = Listed<'/api/v1/functions/{namespace}/{name}/versions'>
export type FunctionVariable = Listed<'/api/v1/functions/variables'>
export type FunctionVariableInput = Sent<'/api/v1/functions/variables/{name}', 'put'>
export type FunctionSettings = Answer<'/api/v1/functions/settings', 'get'>
export type FunctionExposure = Answer<'/api/v1/functions/{namespace}/{name}/exposure', 'get'>
export type FunctionExposureInput = Sent<'/api/v1/functions/{namespace}/{name}/exposure', 'put'>
export type FunctionSchedule = Listed<'/api/v1/functions/schedules'>
export type FunctionScheduleInput = Sent<'/api/v1/functions/{namespace}/{name}/schedules', 'post'>
export type FunctionPlan = Answer<'/api/v1/functions/plan', 'post'>

/** `missed`: nothing ran at its time. `interrupted`: the process that ran it was killed, and nobody runs it again. */
export const runStatuses = ['running', 'success', 'failure', 'interrupted', 'missed'] as const satisfies readonly LoggedRun['status'][]
export type RunStatus = (typeof runStatuses)[number]

export interface FunctionQuery extends PageQuery {
  readonly namespace?: string | undefined
  /** In name, description and source. */
  readonly q?: string | undefined
}

export interface RunQuery extends PageQuery {
  readonly status?: RunStatus | undefined
  readonly door?: 'editor' | 'api' | 'schedule' | 'public' | undefined
}

/** A line of `info` while a run goes on; `line` is where it stands in the source. */
export interface InfoLine {
  readonly text: string
  readonly line: number
}

/** What an answer holds that a script gave may have numbers longer than JavaScript's. */
export interface Exact {
  /** Told of the answer as the JSON text that was received. */
  readonly onText?: ((text: string) => void) | undefined
}

export interface WrittenArguments {
  /** The arguments as JSON text, instead of those of the body: every digit of a long number goes on as it is. */
  readonly argumentsText?: string | undefined
}

const writtenOf = ({ argumentsText }: WrittenArguments) => (argumentsText === undefined ? {} : { written: { arguments: argumentsText } })

/** A run may take as long as the server's setting for its category says: no time-out of the client's own. */
const runCall = { timeoutMs: null } as const
/** Characters of a result: outputs with files in them are long. */
const longestResult = 128 * 1024 * 1024

/** Deluge functions: written by developers and administrators, run by everybody. */
export const functionsOf = (access: Access) => {
  const root = '/api/v1/functions'
  const at = (namespace: string, name: string, rest = '') => `${root}/${segment(namespace)}/${segment(name)}${rest}`
  const variable = (name: string) => `${root}/variables/${segment(name)}`
  return {
    list: (query: FunctionQuery = {}) => listOf<ListedFunction>(access, root, { ...query }),
    get: (namespace: string, name: string) => json<DelugeFunction>(access, 'GET', at(namespace, name)),
    create: (body: NewFunction) => json<SavedFunction>(access, 'POST', root, { body }),
    /** Checks and saves; live at once. Creates it when there is none. `revision`: what was edited, so that another's save in between is noticed. */
    save: (
      namespace: string,
      name: string,
      body: Sent<'/api/v1/functions/{namespace}/{name}', 'put'>,
      options: { readonly revision?: number | undefined } = {},
    ) =>
      json<SavedFunction>(access, 'PUT', at(namespace, name), {
        body,
        ...(options.revision !== undefined && { headers: { 'if-match': `"${options.revision}"` } }),
      }),
    delete: (namespace: string, name: string, options: { readonly force?: boolean | undefined } = {}) =>
      json<undefined>(access, 'DELETE', at(namespace, name), { query: { force: options.force } }),
    /**
     * Another name or description; the header is rewritten. `force`: although others call it by its old name.
     * @throws PatchbayProblem function_in_use with the callers in `facts.functions`
     */
    rename: (
      namespace: string,
      name: string,
      body: Sent<'/api/v1/functions/{namespace}/{name}', 'patch'>,
      options: { readonly force?: boolean | undefined; readonly revision?: number | undefined } = {},
    ) =>
      json<SavedFunction>(access, 'PATCH', at(namespace, name), {
        body,
        query: { force: options.force },
        ...(options.revision !== undefined && { headers: { 'if-match': `"${options.revision}"` } }),
      }),
    /** `namespace`: where it will be saved. */
    check: (source: string, options: { readonly namespace?: string | undefined } = {}) =>
      json<FunctionCheck>(access, 'POST', `${root}/check`, { body: { source, ...options } }),
    /** What a folder of scripts needs here, and what of it is there. */
    plan: (files: readonly { readonly path: string; readonly source: string }[]) =>
      json<FunctionPlan>(access, 'POST', `${root}/plan`, { body: { files }, timeoutMs: null }),

    run: (namespace: string, name: string, given: Readonly<Record<string, unknown>> = {}) =>
      json<FunctionRun>(access, 'POST', at(namespace, name, '/run'), { body: { arguments: given }, ...runCall }),
    /**
     * The same, told of each line of `info` as it comes.
     * @throws PatchbayProblem when it cannot be run; a script that fails is an answer.
     */
    runStreaming: async (
      namespace: string,
      name: string,
      given: Readonly<Record<string, unknown>>,
      onInfo: (line: InfoLine) => void,
      options: {
        readonly signal?: AbortSignal | undefined
        /** Told of the result as the JSON text that was received: numbers in it may be longer than JavaScript's. */
        readonly onText?: ((text: string) => void) | undefined
      } = {},
    ): Promise<FunctionRun> => {
      const headers = { accept: 'text/event-stream' }
      const call = { body: { arguments: given }, headers, signal: options.signal, ...runCall }
      const response = await send(access, 'POST', at(namespace, name, '/run'), call)
      for await (const { event, data, text } of events(response, longestResult)) {
        if (event === 'info') onInfo(data as InfoLine)
        else if (event === 'result') {
          options.onText?.(text)
          return data as FunctionRun
        } else if (event === 'problem') throw problemFrom(data)
      }
      throw problemFrom({ code: 'unexpected_answer', status: 502, detail: 'The run ended without a result.' })
    },
    runs: (namespace: string, name: string, query: RunQuery = {}) => listOf<LoggedRun>(access, at(namespace, name, '/runs'), { ...query }),
    allRuns: (query: RunQuery = {}) => listOf<LoggedRun>(access, `${root}/runs`, { ...query }),
    getRun: (id: string, options: Exact = {}) => json<LoggedRunDetails>(access, 'GET', `${root}/runs/${segment(id)}`, options),

    /** Every save, the newest first, with its source. */
    versions: (namespace: string, name: string, query: PageQuery = {}) =>
      listOf<FunctionVersion>(access, at(namespace, name, '/versions'), { ...query }),
    restore: (namespace: string, name: string, revision: number) =>
      json<SavedFunction>(access, 'POST', at(namespace, name, '/restore'), { body: { revision } }),
    /** Schedules and public calls run as the caller from now on. */
    takeOver: (namespace: string, name: string) => json<DelugeFunction>(access, 'POST', at(namespace, name, '/take-over')),

    exposure: (namespace: string, name: string) => json<FunctionExposure>(access, 'GET', at(namespace, name, '/exposure')),
    expose: (namespace: string, name: string, body: FunctionExposureInput) =>
      json<FunctionExposure>(access, 'PUT', at(namespace, name, '/exposure'), { body }),
    key: () => json<Answer<'/api/v1/functions/key', 'get'>>(access, 'GET', `${root}/key`),
    /** For administrators. The key is shown this once, and the one before is dead at once. */
    rotateKey: () => json<Answer<'/api/v1/functions/key', 'post'>>(access, 'POST', `${root}/key`),
    dropKey: () => json<undefined>(access, 'DELETE', `${root}/key`),

    schedules: (namespace: string, name: string, options: Exact = {}) =>
      listOf<FunctionSchedule>(access, at(namespace, name, '/schedules'), {}, options),
    allSchedules: (options: Exact = {}) => listOf<FunctionSchedule>(access, `${root}/schedules`, {}, options),
    schedule: (namespace: string, name: string, body: FunctionScheduleInput, options: WrittenArguments = {}) =>
      json<FunctionSchedule>(access, 'POST', at(namespace, name, '/schedules'), { body, ...writtenOf(options) }),
    editSchedule: (id: string, body: Sent<'/api/v1/functions/schedules/{id}', 'patch'>, options: WrittenArguments = {}) =>
      json<FunctionSchedule>(access, 'PATCH', `${root}/schedules/${segment(id)}`, { body, ...writtenOf(options) }),
    deleteSchedule: (id: string) => json<undefined>(access, 'DELETE', `${root}/schedules/${segment(id)}`),

    variables: (options: Exact = {}) => listOf<FunctionVariable>(access, `${root}/variables`, {}, options),
    /** `function` ("namespace.name") of the body: of that function instead of the organisation. */
    putVariable: (name: string, body: FunctionVariableInput) => json<FunctionVariable>(access, 'PUT', variable(name), { body }),
    deleteVariable: (name: string, options: { readonly function?: string | undefined } = {}) =>
      json<undefined>(access, 'DELETE', variable(name), { query: { function: options.function } }),

    settings: () => json<FunctionSettings>(access, 'GET', `${root}/settings`),
    changeSettings: (body: Sent<'/api/v1/functions/settings', 'put'>) =>
      json<FunctionSettings>(access, 'PUT', `${root}/settings`, { body }),
  }
}
