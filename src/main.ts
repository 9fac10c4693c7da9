import cluster from 'node:cluster'
import { setFlagsFromString } from 'node:v8'
import { readConfig, type Config } from './config.ts'
import { Problem } from './core/problem.ts'
import { start, StartRefused } from './start.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { MasterKeyRefused } from './vault/master-key.ts'
import { joinWorkers, startWorkers, WorkersRefused } from './workers.ts'

// Let the heap grow by half, not fourfold, before it is collected: under load that holds 350 MB instead of 490, at no cost that could be measured.
setFlagsFromString('--heap-growing-percent=50')

/** The server's own process: settings, start, signals. Exits 1 with sentences when it cannot start. */
async function main(): Promise<void> {
  let config
  try {
    config = readConfig()
  } catch (error) {
    return refuse(error instanceof Error ? error.message : 'The settings cannot be read.')
  }
  try {
    if (cluster.isWorker) await work(config)
    else if (config.workers > 1) await lead(config)
    else await alone(config)
  } catch (error) {
    if (error instanceof WorkersRefused) process.exitCode = 1
    else if (error instanceof Problem || error instanceof StartRefused || error instanceof MasterKeyRefused) refuse(error.message)
    else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      refuse(`Port ${config.port} is in use. Stop what uses it, or set PATCHBAY_PORT.`)
    else throw error
    // whoever started it keeps a worker alive that has nothing to do
    if (cluster.isWorker) process.exit(1)
  }
}

/** The one process that there is. */
async function alone(config: Config): Promise<void> {
  let running: Awaited<ReturnType<typeof start>> | null = null
  onSignals(
    () => void (running?.stop() ?? Promise.resolve()).then(() => process.exit(0)),
    () => process.exit(1),
  )
  running = await start(config)
  dieOfFaults(running.broker.log)
  welcome(running)
}

/** The process that starts the others. */
async function lead(config: Config): Promise<void> {
  let workers: Awaited<ReturnType<typeof startWorkers>> | null = null
  onSignals(
    () => void (workers?.stop() ?? Promise.resolve(true)).then(well => process.exit(well ? 0 : 1)),
    () => (workers?.kill(), process.exit(1)),
  )
  const log = createLog(config.logLevel)
  dieOfFaults(log)
  workers = await startWorkers(config, log)
  welcome(workers)
  void workers.failed.then(() => {
    process.stderr.write('Patchbay stops: its processes end as they start. See what they said.\n')
    workers.kill()
    process.exit(1)
  })
}

/** One of several. */
async function work(config: Config): Promise<void> {
  const membership = await joinWorkers()
  const running = await start(config, { placement: membership.placement })
  dieOfFaults(running.broker.log)
  membership.ready(running, () => void running.stop().then(() => process.exit(0)))
}

/** A raw error may quote what it failed on: the log shows where, and the process ends. */
function dieOfFaults(log: Log): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      log.error({ err: error }, 'a fault that nothing caught; stopping')
      if (error instanceof Problem) process.stderr.write(`${error.message}\n`)
      process.exit(1)
    })
}

/** A second signal means now. Before the start, too: as the first process of a container this one has no end but those it knows. */
function onSignals(gently: () => void, now: () => void): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) return now()
      stopping = true
      process.stdout.write('\nStopping: calls under way may finish.\n')
      gently()
    })
}

function welcome({ url, setUpUrl, practiceUrl }: { url: string; setUpUrl: string | null; practiceUrl: string | null }): void {
  const lines = ['', `Patchbay runs at ${url}`]
  if (setUpUrl) lines.push('', 'Open this link once to create the first administrator:', `  ${setUpUrl}`)
  if (practiceUrl) lines.push('', `A practice service runs at ${practiceUrl}`)
  process.stdout.write(lines.join('\n') + '\n\n')
}

function refuse(sentence: string): void {
  process.stderr.write(`Patchbay did not start.\n${sentence}\n`)
  process.exitCode = 1
}

await main()
