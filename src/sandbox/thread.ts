/**
 * The thread that scripts run on. It holds no secret and no database handle: whatever a script wants from outside is asked of the other
 * side, and the thread sleeps until the answer is there. So the interpreter is one straight line, and a script that loops for ever holds up
 * nobody but itself.
 */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { check } from '../deluge/check.ts'
import { Failure } from '../deluge/failure.ts'
import type { FunctionSource, Host, Surroundings } from '../deluge/host.ts'
import { compiledOnce, run, type RunResult } from '../deluge/run.ts'
import { jsonOf } from '../deluge/text.ts'
import type { Value } from '../deluge/value.ts'
import { control, type Answer, type Message, type Work } from './messages.ts'

const { memory, answers } = workerData as { readonly memory: Int32Array; readonly answers: MessagePort }

const say = (message: Message) => parentPort?.postMessage(message)

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
 * What leaves the thread can be written as text: a list that holds itself, or one part a million times over, would hold up everybody on
 * the other side. @throws Failure
 */
function assertWritable(surroundings: Surroundings, value: Value, characters?: number): void {
  if (typeof value !== 'object' || value === null) return
  if (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection') jsonOf(surroundings, value, characters)
}

function writable(surroundings: Surroundings, result: RunResult): RunResult {
  try {
    assertWritable(surroundings, result.output)
    return result
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { message, kind, facts } = error
    return {
      ...result,
      output: null,
      outputType: 'void',
      error: { message: `What the function gives cannot be written. ${message}`, line: 0, kind, facts },
    }
  }
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
    variable: name => ask('variable', [name], deadline) as ReturnType<Host['variable']>,
    setVariable(name, value) {
      assertWritable(surroundings, value, longestStored)
      ask('setVariable', [name, value], deadline)
    },
    defaultConnection: namespace => ask('defaultConnection', [namespace], deadline) as string | null,
    apiOrigin: namespace => ask('apiOrigin', [namespace], deadline) as string,
  }
}

function perform(work: Work): Message {
  if (work.kind === 'check') {
    const { source, precedence, known } = work
    const functionExists =
      known === null ? {} : { functionExists: (namespace: string, name: string) => known.includes(`${namespace}.${name}`.toLowerCase()) }
    const { errors, warnings, signature, signatures, uses } = check(source, { precedence, ...functionExists })
    return { kind: 'checked', result: { errors, warnings, signature, signatures, uses } }
  }
  const { function: called, arguments: values, limits, surroundings } = work.job
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
  return { kind: 'ran', result: writable(surroundings, result) }
}

parentPort?.on('message', (work: Work) => {
  say(perform(work))
})
