import { startPart, type Child } from './children.ts'
import type { LoadJob, LoadResult } from './load.ts'
import { getRequest, startPatchbay, type MeasuredPatchbay, type PatchbayOptions } from './patchbay.ts'
import type { Round, Subject } from './report.ts'

/** The measured process is alone on one core; what calls it and what it calls share the other. */
export const measuredCore = 0
export const otherCore = 1

type Listening = Child & { readonly port: number }

/** What calls, what is called, and what is compared. */
export interface Stage {
  readonly upstream: Listening
  readonly bare: Listening
  readonly load: Child
  readonly patchbay: MeasuredPatchbay
  /** Where it takes part. */
  readonly nginx?: Listening
  stop(): Promise<void>
}

/** @param pinned false where Patchbay is more than one process: the system places all of them. */
export async function setUp(options: Omit<PatchbayOptions, 'core' | 'upstreamPort'>, pinned = true): Promise<Stage> {
  const [one, other] = pinned ? [measuredCore, otherCore] : [null, null]
  const upstream = await startPart('upstream.ts', [], other)
  const bare = await startPart('bare-proxy.ts', [`http://127.0.0.1:${upstream.port}`], one)
  const load = await startPart('load.ts', [], other)
  const patchbay = await startPatchbay({ ...options, upstreamPort: upstream.port, core: one })
  const stop = async () => {
    await patchbay.stop()
    await Promise.all([upstream, bare, load].map(child => child.stop()))
  }
  return { upstream, bare, load, patchbay, stop }
}

const path = '/contacts?page=2'

function targetOf({ upstream, bare, nginx, patchbay }: Stage, subject: Subject): Pick<LoadJob, 'port' | 'request' | 'pid'> {
  const plain = { direct: upstream, bare, nginx }
  if (subject === 'direct' || subject === 'bare' || subject === 'nginx') {
    const { port, pid } = plain[subject] ?? { port: 0, pid: 0 }
    // as long a head as Patchbay gets
    return { port, request: getRequest(path, port, [`Authorization: Bearer pb_${'x'.repeat(43)}`]), pid }
  }
  const connection = subject.endsWith('_key') ? 'bench_key' : 'bench_oauth2'
  const request = subject.startsWith('proxy') ? patchbay.proxied(connection) : patchbay.invoked(connection)
  return { port: patchbay.port, request, pid: patchbay.process.pid }
}

/** @throws when an answer is not a 200. */
export async function load(stage: Stage, what: string, job: LoadJob): Promise<LoadResult> {
  const result = (await stage.load.ask(job)) as LoadResult
  if (result.failure !== null) throw new Error(`A call (${what}, ${job.connections} connections) did not answer 200: ${result.failure}`)
  return result
}

export const measure = (stage: Stage, subject: Subject, connections: number, seconds: number): Promise<LoadResult> =>
  load(stage, subject, { ...targetOf(stage, subject), connections, seconds })

/** Rounds of these subjects, each round in the other order; what compiles the code and fills the caches comes first and is not counted. */
export async function alternate(
  stage: Stage,
  subjects: readonly Subject[],
  options: { connections: number; rounds: number; seconds: number },
): Promise<Round[]> {
  const { connections, rounds: count, seconds } = options
  for (const subject of subjects) await measure(stage, subject, connections, Math.min(1, seconds))
  const rounds: Round[] = []
  for (let round = 0; round < count; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed())
      rounds.push({ round, connections, subject, ...(await measure(stage, subject, connections, seconds)) })
  return rounds
}
