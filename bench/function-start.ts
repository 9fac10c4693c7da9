import type { Job } from '../src/sandbox/messages.ts'
import { createSandbox, type AsyncHost } from '../src/sandbox/sandbox.ts'
import { environmentOf } from '../test/deluge/environment.ts'

/** Milliseconds from asking for a run until what its first statement prints is here. */
export interface StartFigures {
  readonly p50_ms: number
  readonly p95_ms: number
}

const warming = 200
const runs = 2000

/** The aim of a warm function. */
export const mostMs = 2

const job = (): Job => {
  const { limits, surroundings } = environmentOf()
  return {
    asker: { organizationId: 'bench', principalId: 'bench' },
    function: {
      id: 'bench',
      revision: 1,
      namespace: 'standalone',
      name: 'begins',
      source: 'string standalone.begins(string name) { info name; return name; }',
    },
    arguments: new Map([['name', 'Ada']]),
    limits,
    surroundings,
    replies: false,
  }
}

const notAsked = (): never => {
  throw new Error('the script asks for nothing')
}

/** Runs one after the other, of a function that its thread has compiled: the way to the thread and back is in each. */
export async function measureStart(): Promise<StartFigures> {
  const sandbox = createSandbox({
    threads: 1,
    onFault: error => {
      throw error
    },
  })
  const times: number[] = []
  try {
    for (let at = 0; at < warming + runs; at += 1) {
      let printed = NaN
      const host: AsyncHost = {
        send: notAsked,
        mail: notAsked,
        functionNamed: notAsked,
        variable: notAsked,
        setVariable: notAsked,
        defaultConnection: notAsked,
        apiOrigin: notAsked,
        info: () => (printed = performance.now()),
      }
      const began = performance.now()
      const { error, written } = await sandbox.run(job(), host)
      if (error !== null || written === null || Buffer.from(written.json).toString() !== '"Ada"')
        throw new Error(`The function that only begins failed: ${error?.message ?? 'no output'}`)
      if (at >= warming) times.push(printed - began)
    }
  } finally {
    await sandbox.close()
  }
  times.sort((a, b) => a - b)
  const at = (part: number) => Number((times[Math.floor(times.length * part)] ?? NaN).toFixed(2))
  return { p50_ms: at(0.5), p95_ms: at(0.95) }
}
