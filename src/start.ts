import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createAdmission } from './broker/admission.ts'
import type { Broker, CrashPoint } from './broker/broker.ts'
import { createCalls } from './broker/calls.ts'
import { resumeRotation } from './broker/data-key-rotation.ts'
import { refreshesEnd } from './broker/fresh-credentials.ts'
import { createDeployment } from './broker/deployment.ts'
import { createFunctionLog } from './broker/function-log.ts'
import { createFunctionMail } from './broker/function-mail.ts'
import { runScheduled, sendDueSchedules } from './broker/function-due.ts'
import { createInvocationLog } from './broker/invocation-log.ts'
import { keyWorkLeft } from './broker/keys.ts'
import { renewalsMayBeLost, restoreLostRenewals } from './broker/lost-renewals.ts'
import { restorePracticeServices } from './broker/practice-service.ts'
import { openBreakers } from './broker/refresh.ts'
import { revokeAtProvider } from './broker/revoke.ts'
import { createSpool, replaySpool } from './broker/spool.ts'
import { settleSetBack, watchTime } from './broker/set-back.ts'
import { keepAlive, tellInterrupted, tidy } from './broker/upkeep.ts'
import { loadCatalogue } from './catalogue/catalogue.ts'
import type { Config } from './config.ts'
import { createBodies, usualHeldBytes } from './core/held-bytes.ts'
import { Problem } from './core/problem.ts'
import { parseExceptions } from './egress/addresses.ts'
import { hostsAndPorts } from './egress/own-addresses.ts'
import { createEgress } from './egress/send.ts'
import { createApp } from './http/app.ts'
import { freePort } from './http/free-port.ts'
import { ownHosts } from './http/own-hosts.ts'
import { usualPatience, type PatienceOptions } from './http/patience.ts'
import { createMail } from './people/mail.ts'
import { createJobs } from './jobs/jobs.ts'
import { createKeyRing } from './people/key-ring.ts'
import { createPeople } from './people/people.ts'
import { isSetUp, issueSetUpToken, setUpFirst } from './people/setup.ts'
import { startPractice, type Practice } from './practice/server.ts'
import { createSandbox } from './sandbox/sandbox.ts'
import { changesChannel, parseChange } from './storage/changes.ts'
import { createClock } from './storage/clock.ts'
import { countCredentials } from './storage/credentials.ts'
import { dataKeyStore, findKeyChecks, putKeyChecks } from './storage/data-keys.ts'
import { openDatabase, type OpenDatabase } from './storage/database.ts'
import { changedMigrations } from './storage/migration-checksums.ts'
import { migrations } from './storage/migrations/index.ts'
import { appliedMigrations, migrate } from './storage/migrate.ts'
import { noSessionLeft } from './storage/postgres.ts'
import { settleSetting } from './storage/settings.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { watchLateness } from './telemetry/lateness.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createTraces } from './telemetry/traces.ts'
import { checkKey } from './vault/key-check.ts'
import { createKeyring, type Vault } from './vault/keyring.ts'
import { loadMasterKeys, type LoadedMasterKeys } from './vault/master-key-file.ts'

/** A start that was refused: its message is what the operator reads. */
export class StartRefused extends Error {}

export interface Running {
  readonly url: string
  readonly port: number
  readonly practiceUrl: string | null
  /** The one-time link of a first start; null when somebody is administrator already. */
  readonly setUpUrl: string | null
  readonly broker: Broker
  stop(): Promise<void>
}

/** Which of several processes behind one address this is; `workers.ts` knows. */
export interface Placement {
  readonly port: number
  /** The practice service that runs for all of them. */
  readonly practice: Pick<Practice, 'url' | 'port'> | null
  /** The one that does what is done once: prints the set-up link, tells the practice service of its clients. */
  readonly first: boolean
  metricsOfAll(): Promise<string>
  /** This process's own metrics, for the others' `metricsOfAll`. */
  offer(metrics: Metrics): void
}

export interface StartOptions {
  readonly log?: Log
  /** For tests that answer for real host names. */
  readonly resolve?: (name: string) => Promise<readonly { address: string; port?: number }[]>
  readonly extraCa?: string
  /** Another build of the console than the one that belongs to this server. */
  readonly consoleDirectory?: string
  /** How long calls under way may go on when stopping. */
  readonly graceMs?: number
  readonly patience?: PatienceOptions
  /** What bodies may hold in this process; `usualHeldBytes`. */
  readonly heldBytes?: number
  readonly placement?: Placement
  /** For tests of crashes. */
  readonly reached?: (point: CrashPoint) => Promise<void> | void
}

/** When stopping: a provider has 20 s to answer, and its answer is stored. */
const longestRefreshMs = 30_000

/** `npm run build` puts it into dist/; this file is there as well, or beside it. */
const builtConsole = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../dist/web/' : '../web/', import.meta.url))

/** Assembles the house: settings → storage → vault → broker → doors → listening. The only place that does. */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const log = options.log ?? createLog(config.logLevel)
  const undo: (() => Promise<void>)[] = []
  const stopAll = async () => {
    for (const step of undo.reverse().splice(0))
      await step().catch((error: unknown) => log.error({ err: error }, 'a part did not stop cleanly'))
  }
  try {
    return await assemble(config, options, log, undo, stopAll)
  } catch (error) {
    await stopAll()
    const full = noSessionLeft(error)
    throw full !== null && error instanceof Problem && error.facts['detail'] === undefined
      ? new StartRefused(full, { cause: error })
      : error
  }
}

/** The keys, before anything is written: in production a missing or wrong one leaves the database as it is. */
async function openStorage(config: Config, log: Log): Promise<{ open: OpenDatabase; keys: LoadedMasterKeys; firstKey: boolean }> {
  const sources = {
    keyText: config.masterKey ?? undefined,
    keyFile: config.masterKeyFile ?? undefined,
    dataDir: config.dataDir,
    production: config.production,
  }
  if (config.production) loadMasterKeys({ ...sources, allowCreate: false })
  const open = await openDatabase({
    url: config.databaseUrl ?? undefined,
    directUrl: config.databaseDirectUrl ?? undefined,
    dataDir: config.dataDir,
    schema: config.databaseSchema ?? undefined,
    log: line => log.warn({}, line),
  })
  try {
    const used = (await appliedMigrations(open.db, open.schema)).includes('0002_broker')
    const keys = loadMasterKeys({ ...sources, allowCreate: !used })
    const verdict = used ? checkKey(await findKeyChecks(open.db), keys.masterKeys) : { kind: 'nothing_stored' as const }
    if (verdict.kind === 'refused') throw new StartRefused(verdict.sentence)
    if (verdict.kind === 'nothing_stored' && used && (await dataKeyStore(open.db).countByMasterKey()).length > 0)
      throw new StartRefused(
        'The database holds sealed secrets but no check of the key they are sealed with. Restore the back-up it came from.',
      )
    return { open, keys, firstKey: verdict.kind === 'nothing_stored' }
  } catch (error) {
    await open.close()
    throw error
  }
}

async function assemble(
  config: Config,
  options: StartOptions,
  log: Log,
  undo: (() => Promise<void>)[],
  stopAll: () => Promise<void>,
): Promise<Running> {
  const { open, keys, firstKey } = await openStorage(config, log)
  undo.push(() => open.close())
  await migrate(open)
  for (const name of await changedMigrations(open, migrations))
    log.warn(
      { migration: name },
      'this migration was changed after the database went through it: the schema may differ from that of a new one',
    )
  for (const warning of keys.warnings) log.warn({}, warning)
  const vault: Vault = createKeyring({ masterKeys: keys.masterKeys, store: dataKeyStore(open.db) })
  if (firstKey) await putKeyChecks(open.db, [vault.keyCheck()])

  const { placement } = options
  const ownPractice = config.practiceOn && !placement ? await startPractice({ host: '127.0.0.1', port: config.practicePort }) : null
  if (ownPractice) undo.push(() => ownPractice.close())
  const practice = placement ? placement.practice : ownPractice
  const practiceHosts = practice ? [`127.0.0.1:${practice.port}`, `localhost:${practice.port}`] : []
  const practiceAddresses = practice ? parseExceptions(`127.0.0.1/32:${practice.port},[::1]/128:${practice.port}`) : []
  if (config.allowPrivateAddresses.length > 0 || config.allowInsecureHttp.length > 0)
    log.warn(
      { private_addresses: config.allowPrivateAddresses.length, insecure_http: config.allowInsecureHttp.join(', ') },
      'outgoing calls may reach private addresses or plain http, as configured',
    )
  if (practice) log.info({ url: practice.url }, 'the practice service runs; its own address may be called')

  const bodies = createBodies(options.heldBytes ?? usualHeldBytes)
  const egress = createEgress({
    answers: bodies.answers,
    allowPrivateAddresses: [...config.allowPrivateAddresses, ...practiceAddresses],
    allowInsecureHttp: [...config.allowInsecureHttp, ...practiceHosts],
    own: hostsAndPorts([config.publicUrl, config.databaseUrl, config.databaseDirectUrl]),
    ...(config.dnsServers.length > 0 && { dnsServers: config.dnsServers }),
    ...(options.resolve && { resolve: options.resolve }),
    ...(config.extraCaFile !== null && { extraCa: readFileSync(config.extraCaFile, 'utf8') }),
    ...(options.extraCa !== undefined && { extraCa: options.extraCa }),
  })
  undo.push(() => egress.close())

  const sessionSecret = await settleSetting(open.db, 'session_secret', randomBytes(32).toString('base64url'))
  const port = placement?.port ?? (config.port === 0 ? await freePort() : config.port)
  const publicUrl = config.publicUrl ?? `http://localhost:${port}`
  const clock = await createClock(open, { wall: () => Date.now(), monotonic: () => performance.now() })
  const people = createPeople({ db: open.db, baseUrl: publicUrl, secret: sessionSecret, now: () => new Date(clock.now()) })
  const jobs = createJobs({
    executeSql: (text, values) => open.executeSql(text, values),
    schema: jobsSchema(open),
    now: () => clock.now(),
    onError: error => log.error({ err: error }, 'the job queue had a fault'),
  })
  const calls = createCalls()
  const deployment = await createDeployment(open.db, publicUrl, randomUUID)
  if (deployment.foreign() !== null) log.error({ belongs_to: deployment.foreign(), runs_at: deployment.own }, notOurs)
  const invocations = createInvocationLog(open.db, log, randomUUID)
  const functionLog = createFunctionLog(open.db, log)
  const sandbox = createSandbox({
    threads: config.functionThreads,
    onFault: error => log.error({ err: error }, 'a thread of functions had a fault'),
  })
  // closed after everything that writes into them: a run that ends late is still written down
  undo.push(() => invocations.close())
  undo.push(() => functionLog.close())
  undo.push(() => sandbox.close())
  const metrics = createMetrics()
  placement?.offer(metrics)
  const lateness = watchLateness(config.overloadDelayMs)
  undo.push(async () => lateness.close())
  const admission = createAdmission(config, {
    late: lateness.late,
    monotonic: () => performance.now(),
    turnedAway: reason => metrics.turnedAway.inc({ reason }),
  })
  metrics.watch({
    callsUnderWay: admission.underWay,
    callsToLog: invocations.waiting,
    openBreakers: () => openBreakers(broker),
    authorizations: () => countCredentials(open.db),
    keyWorkLeft: () => keyWorkLeft({ db: open.db, vault }),
  })
  const broker: { -readonly [K in keyof Broker]: Broker[K] } = {
    publicUrl,
    limits: config,
    instance: randomUUID(),
    db: open.db,
    vault,
    egress,
    catalogue: loadCatalogue(),
    people,
    jobs,
    log,
    metrics,
    traces: createTraces(),
    calls,
    deployment,
    admission,
    bodies,
    invocations,
    spool: createSpool(`${config.dataDir}.spool`, log),
    sandbox,
    functionLog,
    functionMail: createFunctionMail(config.smtpUrl, config.mailFrom),
    now: () => clock.now(),
    steadyNow: () => clock.steadyNow(),
    monotonic: () => performance.now(),
    random: bytes => randomBytes(bytes),
    id: () => randomUUID(),
    reached: options.reached ?? (() => {}),
  }
  let unread = false
  calls.onChange(one => {
    if (one === null || one.kind === 'data_key') vault.forget(one?.id ?? null)
    if (one === null || one.kind === 'deployment')
      deployment.reload().then(
        () => (unread = false),
        (error: unknown) => {
          if (!unread) log.warn({ err: error }, 'whose the database is could not be read again')
          unread = true
        },
      )
    if (one === null) {
      // it may be another server's by now, which lacks the last moments of this one's
      broker.invocations.seriesMayBeGone()
      restoreLostRenewals(broker).catch((error: unknown) => {
        if (!(error instanceof Problem))
          log.error({ err: error }, 'renewed credentials that the database may have lost could not be looked at')
      })
    }
  })
  const unlisten = await open.listen(
    changesChannel,
    payload => {
      const change = parseChange(payload)
      if (change) calls.forget(change)
      else calls.forgetAll()
    },
    () => {
      // the embedded database has no replica, and nobody else
      if (open.kind === 'postgres') renewalsMayBeLost(broker)
      calls.forgetAll()
    },
  )
  undo.push(unlisten)
  // of a token that a provider has rotated there is no other copy
  undo.push(() => refreshesEnd(broker, longestRefreshMs))
  const giveBackUnused = await replaySpool(broker)
  await tellInterrupted(broker, config.databaseUrl === null)
  // before, too: what a start has begun when it fails would keep the process from ending
  undo.push(() => jobs.stop())
  await jobs.start({
    revoke_at_provider: data => revokeAtProvider(broker, data),
    tidy: () => tidy(broker),
    keep_alive: () => keepAlive(broker),
    run_due_schedules: async () => {
      await resumeRotation(broker)
      await tellInterrupted(broker)
      // the original runs them
      if (deployment.foreign() === null) await sendDueSchedules(broker)
    },
    run_scheduled_function: data => runScheduled(broker, data),
  })
  await settleSetBack(broker)
  undo.push(watchTime(broker, clock))
  await giveBackUnused()

  const keyRing = createKeyRing(people, { onError: error => log.error({ err: error }, 'last-used times could not be written') })
  undo.push(() => keyRing.close())
  const leaving = new AbortController()
  const app = await createApp(
    {
      broker,
      keyRing,
      database: open,
      production: config.production,
      metricsToken: config.metricsToken,
      trustedProxies: config.trustedProxies,
      answersTo: ownHosts(publicUrl, config.otherHosts),
      mail: createMail(config.smtpUrl, config.mailFrom),
      practiceUrl: practice?.url ?? null,
      consoleDirectory: options.consoleDirectory ?? builtConsole,
      ready: () => !leaving.signal.aborted,
      leaving: leaving.signal,
      metricsText: () => placement?.metricsOfAll() ?? metrics.text(),
    },
    { graceMs: options.graceMs ?? 30_000, connections: config.incomingConnections, patience: options.patience ?? usualPatience },
  )
  undo.push(async () => {
    // a function may run for a quarter of an hour: who waits for it waits no longer than for anything else
    const late = setTimeout(() => void sandbox.close(), options.graceMs ?? 30_000)
    await app.close().finally(() => clearTimeout(late))
  })
  if (!(await isSetUp(people)) && config.adminEmail !== null && config.adminPassword !== null)
    await setUpFirst(people, {
      token: null,
      organizationName: 'Default',
      slug: 'default',
      name: config.adminEmail.split('@')[0] ?? 'Administrator',
      email: config.adminEmail,
      password: config.adminPassword,
      apiKey: config.adminApiKey ?? undefined,
    })
  const first = placement?.first ?? true
  if (practice && first) await restorePracticeServices(broker, practice.url)
  // whoever is told that it listens can sign in already
  await app.fastify.listen({ port, host: config.host ?? 'localhost' })
  const setUpUrl = !first || (await isSetUp(people)) ? null : `${publicUrl}/setup?token=${await issueSetUpToken(people)}`
  return {
    url: publicUrl,
    port,
    practiceUrl: practice?.url ?? null,
    setUpUrl,
    broker,
    async stop() {
      leaving.abort()
      await new Promise(resolve => setTimeout(resolve, config.preStopSeconds * 1000))
      await stopAll()
    },
  }
}

const notOurs =
  'The database belongs to the Patchbay at another public URL: nothing is called or renewed with its connections. If it is a copy, leave it so; if Patchbay has moved here, run "patchbay adopt" on the server.'

/** pg-boss keeps its tables apart; beside a schema of one's own, in one that is dropped with it. */
const jobsSchema = (open: OpenDatabase): string => (open.schema === 'public' ? 'patchbay_jobs' : `${open.schema}_jobs`)
