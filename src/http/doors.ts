import type { KeyRing } from '../people/key-ring.ts'
import type { Broker, Caller } from '../broker/broker.ts'
import type { SessionHolder } from '../people/sessions.ts'
import type { OpenDatabase } from '../storage/database.ts'
import type { AnswersTo } from './own-hosts.ts'

/** What every route file is handed. */
export interface Doors {
  readonly broker: Broker
  readonly keyRing: KeyRing
  /** For back-ups. */
  readonly database: OpenDatabase
  readonly production: boolean
  readonly metricsToken: string | null
  readonly trustedProxies: readonly string[]
  readonly answersTo: AnswersTo
  /** Sends a mail; null when no server is set. */
  readonly mail: ((to: string, subject: string, text: string) => Promise<void>) | null
  /** The practice service's address, when it runs. */
  readonly practiceUrl: string | null
  /** Where the built console is. */
  readonly consoleDirectory: string
  /** False once the instance is stopping. */
  ready(): boolean
  /** Aborted at the same moment. */
  readonly leaving: AbortSignal
  /** Of all processes behind this address. */
  metricsText(): Promise<string>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set by `session.ts` for every route that is not open. */
    caller: Caller | null
    session: SessionHolder | null
  }
}
