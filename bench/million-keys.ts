import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { row, type Row } from './part.ts'
import { rounded } from './report.ts'
import { load, type Stage } from './stage.ts'

/** Of a rotation that would take minutes so much is watched. */
const watchedSeconds = 40
/** Few enough to leave the process time: what waits is then due to the rotation. */
const callers = 2

interface KeyStatus {
  readonly rotation: {
    readonly started_at: string
    readonly finished_at: string | null
    readonly total: number
    readonly done: number
  } | null
}

interface Rewrapped {
  readonly rewrapped: number
  readonly remaining: number
}

/** Every data key is wrapped by a new master key, then new data keys are made and sealed again by, while calls go on. */
export async function measureKeys(
  stage: Stage,
  requests: readonly string[],
  connections: number,
): Promise<{ rows: Row[]; figures: Record<string, unknown> }> {
  const { patchbay } = stage
  const ask = async <T>(method: string, path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${patchbay.administrator.key}` }
    const answer = await fetch(`${patchbay.apiUrl}/api/v1/operations/${path}`, { method, headers })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as T
  }
  const keyFile = `${patchbay.dataDirectory}.key`
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n${readFileSync(keyFile, 'utf8')}`)
  await patchbay.restart()
  let began = performance.now()
  const { rewrapped, remaining } = await ask<Rewrapped>('POST', 'rewrap-keys')
  const rewrapSeconds = (performance.now() - began) / 1000
  if (remaining > 0) throw new Error(`${remaining} data keys were not wrapped again.`)

  const called = (seconds: number) =>
    load(stage, 'proxy', {
      port: patchbay.port,
      pid: patchbay.process.pid,
      request: requests,
      atRandom: true,
      connections: callers,
      seconds,
    })
  await called(5)
  const before = await called(5)

  began = performance.now()
  await ask('POST', 'rotate-data-keys')
  const status = async () => {
    const { rotation } = await ask<KeyStatus>('GET', 'keys')
    if (!rotation) throw new Error('There is no rotation.')
    return rotation
  }
  while ((await status()).done === 0) await delay(100)
  const replacedSeconds = (performance.now() - began) / 1000
  process.stderr.write(`New data keys after ${replacedSeconds.toFixed(1)} s.\n`)
  began = performance.now()
  const first = await status()
  const during = await called(watchedSeconds)
  const last = await status()
  const rate = (last.done - first.done) / ((performance.now() - began) / 1000)
  const minutes = (replacedSeconds + connections / rate) / 60
  const ratio = during.p99Milliseconds / before.p99Milliseconds
  return {
    rows: [
      row(`${rewrapped} data keys wrapped by a new master key`, { atMost: 30 }, rewrapSeconds, 's', 1),
      row(`everything sealed by new data keys, from ${watchedSeconds} s of it`, { atMost: 15 }, minutes, 'min', 1),
      row(`p99 of calls meanwhile against before, ${callers} connections`, { atMost: 1.2 }, ratio, '×'),
    ],
    figures: {
      rewrapped,
      rewrap_seconds: rounded(rewrapSeconds, 1),
      new_data_keys_seconds: rounded(replacedSeconds, 1),
      resealed_per_second: Math.round(rate),
      reseal_all_minutes: rounded(minutes, 1),
      calls_p99_ms: rounded(before.p99Milliseconds, 2),
      calls_p99_meanwhile_ms: rounded(during.p99Milliseconds, 2),
    },
  }
}
