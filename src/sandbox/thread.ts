/**
 * The thread that scripts run on. It holds no secret and no database handle: whatever a script wants from outside is asked of the other
 * side, and the thread sleeps until the answer is there. So the interpreter is one straight line, and a script that loops for ever holds up
 * nobody but itself.
 */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { check } from '../deluge/check.ts'
import { Failure } from '../deluge/failure.ts'
import type { FunctionSource, Host, Surroundings } from '../deluge/host.ts'
import { renamed } from '../deluge/rename.ts'
import { compiledOnce, run, type RunResult } from '../deluge/run.ts'
import { jsonOf } from '../deluge/text.ts'
import type { Value } from '../deluge/value.ts'
import { jsonTextOf } from './json.ts'
import { control, type Answer, type Finished, type Message, type Work } from './messages.ts'
import { bytesOf, replyOf } from './reply.ts'

const { memory, answers } = workerData as { readonly memory: Int32Array; readonly answers: MessagePort }

const say = (message: Message) => parentPort?.postMessage(message, transferred(message))

let questions = 0

/** Sleeps until the answer is there, the run is cancelled, or `deadline` (of performance.now) has passed. */
function ask(method: keyof Host, values: readonly unknown[], deadline: number): unknown {
  const id = questions++
  say({ kind: 'ask', id, method, values } as Message)
  for (;;) {
    const woken = Atomics.load(memory, control.woken)
    const received = receiveMessageOnPort(answers) as { message: Answer } | undefined
    if (received !== undefined) {
      if (received.message.id !== id) continue
      if ('value' in received.message) return received.message.value
      const { message, kind, facts } = received.message.failure
      throw new Failure(message, kind, facts)
    }
    if (Atomics.load(memory, control.cancelled) === 1) throw new Failure('The run was cancelled.', 'cancelled')
    const left = deadline - performance.now()
    if (left <= 0) throw new Failure('The run took longer than its limit while it waited for an answer.', 'limit')
    Atomics.wait(memory, control.woken, woken, left)
  }
}

/**
 * What leaves the thread as a value can be written as text: a list that holds itself, or one part a million times over, would hold up
 * everybody on the other side. @throws Failure
 */
function assertWritable(surroundings: Surroundings, value: Value, characters: number): void {
  if (typeof value !== 'object' || value === null) return
  if (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection') jsonOf(surroundings, value, characters)
}

function finished(surroundings: Surroundings, { output, ...result }: RunResult, replies: boolean): Finished {
  if (result.error !== null) return { ...result, written: null }
  try {
    const json = bytesOf(jsonTextOf(surroundings, output))
    return { ...result, written: { json, reply: replies ? replyOf(surroundings, output) : null } }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { message, kind, facts } = error
    return {
      ...result,
      outputType: 'void',
      error: { message: `What the function gives cannot be written. ${message}`, line: 0, kind, facts },
      written: null,
    }
  }
}

/** What need not be copied on its way. */
function transferred(message: Message): ArrayBuffer[] {
  if (message.kind !== 'ran' || message.result.written === null) return []
  const { json, reply } = message.result.written
  return [json, ...(reply === null ? [] : [reply.kind === 'own' ? reply.body : reply.text])].map(bytes => bytes.buffer)
}

/** Characters that the value of a variable may have at most; how many are taken is for the other side to say. */
const longestStored = 1_000_000

const hostUntil = (deadline: number, surroundings: Surroundings): Host => {
  const sources = new Map<string, FunctionSource | null>()
  return {
    send: request => ask('send', [request], deadline) as ReturnType<Host['send']>,
    mail: mail => void ask('mail', [mail], deadline),
    functionNamed(namespace, name) {
      const key = `${namespace}.${name}`.toLowerCase()
      if (!sources.has(key)) sources.set(key, ask('functionNamed', [namespace, name], deadline) as FunctionSource | null)
      return sources.get(key) ?? null
    },
    variable: (name, from) => ask('variable', [name, from], deadline) as ReturnType<Host['variable']>,
    setVariable(name, value, from) {
      assertWritable(surroundings, value, longestStored)
      ask('setVariable', [name, value, from], deadline)
    },
    defaultConnection: namespace => ask('defaultConnection', [namespace], deadline) as string | null,
    apiOrigin: namespace => ask('apiOrigin', [namespace], deadline) as string,
  }
}

function perform(work: Work): Message {
  if (work.kind === 'check') {
    const { precedence, known, namespace, rename } = work
    const source = rename === null ? work.source : renamed(work.source, rename.from, rename.to, { precedence })
    const functionExists =
      known === null ? {} : { functionExists: (namespace: string, name: string) => known.includes(`${namespace}.${name}`.toLowerCase()) }
    const namespaces = new Set([...(known ?? []).map(path => path.slice(0, path.indexOf('.'))), ...(namespace === null ? [] : [namespace])])
    const { errors, warnings, signature, signatures, uses } = check(source, { precedence, namespaces, ...functionExists })
    return { kind: 'checked', result: { source, errors, warnings, signature, signatures, uses } }
  }
  const { function: called, arguments: values, limits, surroundings, replies } = work.job
  const host = hostUntil(performance.now() + limits.milliseconds, surroundings)
  const result = run(
    compiledOnce(surroundings, called),
    { function: { namespace: called.namespace, name: called.name }, arguments: values },
    {
      host,
      limits,
      surroundings,
      chance: { now: Date.now, random: Math.random },
      cancelled: () => Atomics.load(memory, control.cancelled) === 1,
      info: (line, at) => {
        say({ kind: 'info', line, at })
      },
    },
  )
  return { kind: 'ran', result: finished(surroundings, result, replies) }
}

parentPort?.on('message', (work: Work) => {
  say(perform(work))
})
