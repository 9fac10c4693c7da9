import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Bodies } from '../core/held-bytes.ts'
import type { Principal } from '../core/principal.ts'
import type { Egress } from '../egress/send.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { People } from '../people/people.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Database } from '../storage/database.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Traces } from '../telemetry/traces.ts'
import type { Vault } from '../vault/keyring.ts'
import type { Admission } from './admission.ts'
import type { Calls } from './calls.ts'
import type { Deployment } from './deployment.ts'
import type { FunctionLog } from './function-log.ts'
import type { SendMail } from './function-mail.ts'
import type { InvocationLog } from './invocation-log.ts'
import type { Spool } from './spool.ts'

export interface Limits {
  readonly invokeMaxRequestBytes: number
  readonly invokeMaxResponseBytes: number
  readonly proxyMaxBytes: number
  readonly proxyMaxSeconds: number
  readonly retentionDays: number
  /** What the operator opened; told by the check-up only, egress has its own. */
  readonly allowPrivateAddresses: readonly unknown[]
  readonly allowInsecureHttp: readonly string[]
  /** Processes behind one address that count for themselves. */
  readonly workers: number
  /** Of one run of a function, by category (§4.6). */
  readonly functionSeconds: number
  readonly functionAutomationSeconds: number
  readonly functionScheduleSeconds: number
  readonly functionStatements: number
  readonly functionCalls: number
  readonly functionMemoryBytes: number
  /** Of one organisation. */
  readonly functionMailsPerDay: number
  readonly functionSchedules: number
  readonly functionPublicCallsPerMinute: number
  readonly functionPublicCallsPerMinuteOrganization: number
}

/** Moments at which a process may die and nothing, or only what is named, may be lost. */
export type CrashPoint = 'refresh.before_send' | 'refresh.after_response' | 'refresh.after_commit'

/** The record that every story is handed: everything outside it that it may use. main.ts fills it. */
export interface Broker {
  /** Without a slash at its end. */
  readonly publicUrl: string
  readonly limits: Limits
  /** Names this process in a lease. */
  readonly instance: string
  readonly db: Database
  readonly vault: Vault
  readonly egress: Egress
  readonly catalogue: Catalogue
  readonly people: People
  readonly jobs: Jobs
  readonly log: Log
  readonly metrics: Metrics
  /** Null: the operator loaded no OpenTelemetry SDK. */
  readonly traces: Traces | null
  readonly calls: Calls
  /** Whether the database is ours. */
  readonly deployment: Deployment
  /** Which new calls are taken on. */
  readonly admission: Admission
  /** What is held of large requests and answers. */
  readonly bodies: Bodies
  readonly invocations: InvocationLog
  readonly spool: Spool
  /** Where the scripts of functions run. */
  readonly sandbox: Sandbox
  readonly functionLog: FunctionLog
  /** Null: no mail server is set. */
  readonly functionMail: SendMail | null
  /** Milliseconds since 1970, by the database's clock. */
  now(): number
  /** `Clock.steadyNow`, for leases. */
  steadyNow(): number
  /** Milliseconds that never jump: for waits and for the ends of tokens in memory. */
  monotonic(): number
  random(bytes: number): Buffer
  /** A new UUID. */
  id(): string
  /** Does nothing. Tests of crashes end the process here, or hold it. */
  reached(point: CrashPoint): Promise<void> | void
}

/** Who asks for a change, and on which request: what the audit log wants to know. */
export interface Caller {
  readonly principal: Principal
  readonly requestId: string
  readonly ip: string | null
}

export const redirectUrlOf = (broker: Pick<Broker, 'publicUrl'>, organizationSlug: string, serviceLinkName: string): string =>
  `${broker.publicUrl}/oauth/callback/${organizationSlug}/${serviceLinkName}`

/** A page where exactly this person authorises exactly this connection. */
export const connectUrlOf = (broker: Pick<Broker, 'publicUrl'>, organizationSlug: string, linkName: string, subjectId: string): string =>
  `${broker.publicUrl}/connect?${new URLSearchParams({ organization: organizationSlug, connection: linkName, for: subjectId }).toString()}`
