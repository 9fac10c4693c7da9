import { setTimeout as delay } from 'node:timers/promises'
import { CompiledQuery, type Kysely, type Transaction } from 'kysely'
import PgBoss from 'pg-boss'
import { z } from 'zod'
import { nextAfter, parseCron } from '../core/cron.ts'
import { Problem } from '../core/problem.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { createWorker, type Worker } from './worker.ts'

/** A job is a name, the shape of its data, and a story to call. Data holds sealed texts only, never a secret. */
export interface JobData {
  revoke_at_provider: {
    readonly organization_id: string
    readonly connection_id: string
    readonly subject_id: string
    readonly generation: number
    /** Set for a grant that no credential holds: its id, where it opens. Then `generation` says nothing, and no row is told the outcome. */
    readonly held_grant_id: string | null
    /** base64 of the sealed credential, at its own place. */
    readonly sealed: string
    readonly service_id: string
    readonly service_revision: number
    /** The service as it was. */
    readonly definition: ServiceDefinition
    readonly client_id: string | null
    readonly sealed_client_secret: string | null
  }
  tidy: Record<string, never>
  keep_alive: Record<string, never>
  /** Every minute: sends a `run_scheduled_function` for each schedule whose moment has come. */
  run_due_schedules: Record<string, never>
  run_scheduled_function: {
    readonly organization_id: string
    readonly schedule_id: string
    /** RFC 3339: the moment it was due. */
    readonly due: string
  }
}

export type JobName = keyof JobData

type Handler<N extends JobName> = (data: JobData[N]) => Promise<void>

export interface Jobs {
  /** Inside the caller's transaction: the job exists when, and only when, that commits. */
  send<N extends JobName>(trx: Kysely<never> | Transaction<never> | AnyExecutor, name: N, data: JobData[N]): Promise<void>
  /** The data of jobs of this name that are still to be done, or tried again. */
  waiting<N extends JobName>(name: N): Promise<JobData[N][]>
  /** @throws Problem storage_unavailable when its schema may not be created. */
  start(handlers: { readonly [N in JobName]: Handler<N> }): Promise<void>
  /** The database's clock was set back by so many seconds: nothing waits for the time that was. */
  moveBack(trx: AnyExecutor, seconds: number): Promise<void>
  /** Waits for what is running, 10 s at most. */
  stop(): Promise<void>
}

/** Whatever runs a compiled query: the database or a transaction of it. */
export interface AnyExecutor {
  executeQuery<R>(query: CompiledQuery<R>): Promise<{ readonly rows: R[] }>
}

interface Queue {
  readonly retryLimit: number
  readonly retryDelay: number
  /** Cron, UTC; none for jobs that something sends. */
  readonly schedule?: string
  /** How long one may take; two minutes by default. */
  readonly expireInSeconds?: number
  /** How many run at once on one instance; one by default. */
  readonly workers?: number
}

/** The provider is told for a day: 2 s, 4 s, 8 s … with pg-boss's own doubling. */
const queues: Readonly<Record<JobName, Queue>> = {
  revoke_at_provider: { retryLimit: 14, retryDelay: 2 },
  tidy: { retryLimit: 1, retryDelay: 60, schedule: '7 * * * *' },
  keep_alive: { retryLimit: 1, retryDelay: 60, schedule: '23 * * * *' },
  run_due_schedules: { retryLimit: 0, retryDelay: 1, schedule: '* * * * *' },
  // not again by itself: half of it may have happened
  run_scheduled_function: { retryLimit: 0, retryDelay: 1, expireInSeconds: 3700, workers: 4 },
}

const minuteMs = 60_000
const beatMs = 20_000
const longestStopMs = 10_000

const jobSchema = z.record(z.string(), z.unknown())

/** pg-boss on the database that we have. `executeSql` honours the embedded database's one session. */
export function createJobs(options: {
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }>
  schema: string
  /** Milliseconds since 1970, by the database's clock. */
  now(): number
  onError(error: unknown): void
}): Jobs {
  const boss = new PgBoss({
    db: { executeSql: (text: string, values?: unknown[]) => options.executeSql(text, values) },
    schema: options.schema,
    // its own would send nothing from a process whose clock is a minute behind the database's
    schedule: false,
    supervise: true,
  })
  boss.on('error', options.onError)
  let started = false
  let schedule: NodeJS.Timeout | undefined
  let sending: Promise<void> | null = null
  const workers: { readonly name: JobName; readonly worker: Worker }[] = []
  /** One that rests looks at once. */
  const wake = (name: JobName) => {
    for (const one of workers) if (one.name === name) one.worker.wake()
  }

  /** Of all instances one sends it: a minute of the database's clock has room for one job of a name. */
  async function sendScheduled(): Promise<void> {
    const now = options.now()
    for (const [name, { schedule: cron }] of Object.entries(queues) as [JobName, Queue][]) {
      const due = cron === undefined ? null : nextAfter(parseCron(cron), 'UTC', new Date(now - minuteMs))
      if (due !== null && due.getTime() <= now && (await boss.send(name, {}, { singletonSeconds: minuteMs / 1000 })) !== null) wake(name)
    }
  }

  return {
    async send(trx, name, data) {
      const executor = trx
      const inside = {
        executeSql: (text: string, values?: unknown[]) =>
          executor.executeQuery(CompiledQuery.raw(text, values)) as Promise<{ rows: unknown[] }>,
      }
      await boss.send(name, jobSchema.parse(JSON.parse(JSON.stringify(data))), { db: inside })
      setTimeout(() => wake(name), 50).unref() // when the transaction has most likely ended; if not, the next poll finds it
    },

    async waiting<N extends JobName>(name: N) {
      const { rows } = await options.executeSql(`select data from "${options.schema}".job where name = $1 and state < 'completed'`, [name])
      return rows.map(row => (row as { data: JobData[N] }).data)
    },

    async start(handlers) {
      await boss.start().catch((error: unknown) => {
        // PostgreSQL's own sentence: it names the database or the schema, never a value
        if (error instanceof Error && 'code' in error && error.code === '42501')
          throw new Problem(
            'storage_unavailable',
            {
              detail: `PostgreSQL does not let Patchbay create the schema ${options.schema}: ${error.message}. Make the user of PATCHBAY_DATABASE_URL the owner of the database.`,
            },
            { cause: error },
          )
        throw error
      })
      started = true
      for (const name of Object.keys(queues) as JobName[]) {
        const { retryLimit, retryDelay, expireInSeconds = 120, workers: most = 1 } = queues[name]
        await boss.createQueue(name, { name, retryLimit, retryDelay, retryBackoff: retryLimit > 0, expireInSeconds })
        const perform = handlers[name] as Handler<JobName>
        for (let n = 0; n < most; n++) workers.push({ name, worker: createWorker({ boss, name, perform, onError: options.onError }) })
      }
      const beat = () => void (sending ??= sendScheduled().catch(options.onError).finally(() => (sending = null))) // prettier-ignore
      schedule = setInterval(beat, beatMs).unref()
      beat()
    },

    async moveBack(trx, seconds) {
      const job = `"${options.schema}".job`
      const by = 'make_interval(secs => $1)'
      const run = (text: string, values: unknown[] = []) => trx.executeQuery(CompiledQuery.raw(text, values))
      await run(
        `update ${job} set start_after = start_after - ${by}, keep_until = keep_until - ${by},
           created_on = created_on - ${by}, started_on = started_on - ${by}
         where state < 'completed' and greatest(created_on, started_on) > now()`,
        [seconds],
      )
      // minutes that come again: they have room for one more job of each name
      await run(`update ${job} set singleton_on = null where singleton_on > now() at time zone 'UTC'`)
      await run(`update "${options.schema}".version set maintained_on = least(maintained_on, now())`)
    },

    async stop() {
      clearInterval(schedule)
      await sending
      const all = workers.splice(0).map(one => one.worker)
      await Promise.race([Promise.all(all.map(worker => worker.stop())), delay(longestStopMs, undefined, { ref: false })])
      for (const worker of all) await worker.abandon()
      if (started) await boss.stop({ graceful: false })
      started = false
    },
  }
}
