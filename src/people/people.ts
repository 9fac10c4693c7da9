import { randomBytes, randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { PeopleTables } from '../core/people-tables.ts'
import { createAuth, type Auth, type AuthSettings } from './auth.ts'

/** Any Kysely whose database has the tables of people. Kysely's own type is invariant: one with more tables does not pass for one with fewer. */
export type AnyDatabase = Pick<Kysely<unknown>, 'isTransaction' | 'getExecutor' | 'executeQuery'>

const ourTables = (db: AnyDatabase) => db as unknown as Kysely<PeopleTables>

/** What every function of this room is handed first. */
export interface People {
  readonly db: Kysely<PeopleTables>
  readonly auth: Auth
  /** By the clock that all instances share, the database's. */
  readonly now: () => Date
  /** So many random bytes, from a cryptographic source. */
  readonly random: (bytes: number) => Buffer
}

export interface PeopleSettings extends Omit<AuthSettings, 'db'> {
  readonly db: AnyDatabase
  readonly now?: () => Date
  readonly random?: (bytes: number) => Buffer
}

export function createPeople(settings: PeopleSettings): People {
  const db = ourTables(settings.db)
  return { db, auth: createAuth({ ...settings, db }), now: settings.now ?? (() => new Date()), random: settings.random ?? randomBytes }
}

/** The same people inside a transaction of the caller's: what they then change is committed or undone with it. */
export const within = (people: People, transaction: AnyDatabase): People => ({ ...people, db: ourTables(transaction) })

/** Runs in the transaction that `people` is in already, or in one of its own. */
export const inTransaction = <T>(people: People, run: (people: People) => Promise<T>): Promise<T> =>
  people.db.isTransaction ? run(people) : people.db.transaction().execute(transaction => run({ ...people, db: transaction }))

export const newId = (): string => randomUUID()

/** 256 random bits in 43 characters of base64url: for links, keys and device tokens. */
export const newToken = (people: People): string => people.random(32).toString('base64url')

export const secondsFromNow = (people: People, seconds: number): Date => new Date(people.now().getTime() + seconds * 1000)

/** Trimmed, lower-case: two spellings of one mailbox are one account. */
export const emailAddress = z
  .string()
  .transform(text => text.trim().toLowerCase())
  .pipe(z.email('This is not an e-mail address.').max(254, 'An e-mail address has 254 characters at most.'))

export const normaliseEmail = (email: string): string => email.trim().toLowerCase()

/** A page of a list in the order things were made: at most `limit` rows after the one with this time and id. */
export interface PageOf {
  readonly limit: number
  readonly after: { readonly created_at: Date; readonly id: string } | null
}

export const firstPage: PageOf = { limit: 50, after: null }
