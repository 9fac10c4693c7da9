import { randomBytes } from 'node:crypto'
import type { Client } from './oauth2-clients.ts'
import type { Consumer } from './oauth1-consumers.ts'
import type { Misbehaviour } from './misbehave.ts'
import type { KeySet } from './keys.ts'

/** Outcomes by kind: `{ refresh_token: { ok: 2, invalid_grant: 1 } }`. */
export type Tally = Record<string, Record<string, number>>

/** What tests look at. Every row of a tally appears when it first happens. */
export interface Counters {
  registrations: number
  authorize: Record<string, number>
  /** Everything that reached the token endpoint, also what misbehaved. */
  token_requests: number
  /** What was really answered, by grant type. */
  token: Tally
  old_refresh_tokens_presented: number
  families_revoked: number
  codes_reused: number
  revoke: Record<string, number>
  introspect: number
  metadata: number
  oauth1: Tally
  api: Tally
  misbehaved: Record<string, number>
}

/** What somebody allowed once. Its tokens live and die with it. */
export interface Grant {
  readonly id: string
  readonly client: Client
  readonly account: Account
  readonly scopes: readonly string[]
  revoked: boolean
  accessTokens: AccessToken[]
  lastRefreshAt: number | null
}

/** `expiresAt` is in milliseconds of the service's clock; null never ends. */
export interface AccessToken {
  readonly value: string
  readonly number: number
  readonly grant: Grant
  readonly issuedAt: number
  expiresAt: number | null
  revoked: boolean
}

/** A rotated refresh token stays known, so that presenting it again can be seen. */
export interface RefreshToken {
  readonly value: string
  readonly grant: Grant
  usedAt: number
  replacedAt: number | null
  successor: RefreshToken | null
}

export interface Code {
  readonly value: string
  readonly client: Client
  readonly account: Account
  readonly scopes: readonly string[]
  readonly redirectUri: string
  readonly redirectUriSent: boolean
  readonly challenge: string | null
  readonly host: string
  readonly withRefreshToken: boolean
  readonly expiresAt: number
  grant: Grant | null
}

/** The people of the practice service. They have no password: choosing one is signing in. */
export interface Account {
  readonly id: string
  readonly email: string
  readonly name: string
}

const ada: Account = { id: 'ada', email: 'ada@practice.example', name: 'Ada' }
const grace: Account = { id: 'grace', email: 'grace@practice.example', name: 'Grace' }

export const accounts: readonly Account[] = [ada, grace]

/** Whoever has this id or e-mail address; Ada when nobody has. */
export const accountOf = (who: string | null): Account => accounts.find(({ id, email }) => id === who || email === who) ?? ada

/** OAuth 1 temporary credentials, RFC 5849 §2.1. */
export interface RequestToken {
  readonly value: string
  readonly secret: string
  readonly consumer: Consumer
  readonly callback: string
  readonly expiresAt: number
  account: Account | null
  verifier: string | null
  denied: boolean
}

/** OAuth 1 token credentials, RFC 5849 §2.3; with a session handle they can be renewed. */
export interface TokenCredentials {
  readonly value: string
  readonly secret: string
  readonly consumer: Consumer
  readonly account: Account
  readonly number: number
  readonly sessionHandle: string | null
  expiresAt: number | null
  revoked: boolean
}

/** A map that forgets its oldest entry when it is full: nothing here grows without end. */
export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): boolean
  clear(): void
  values(): IterableIterator<V>
  readonly size: number
}

export function boundedMap<V>(limit: number): BoundedMap<V> {
  const entries = new Map<string, V>()
  return {
    get: key => entries.get(key),
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > limit) for (const oldest of entries.keys()) return void entries.delete(oldest)
    },
    delete: key => entries.delete(key),
    clear: () => entries.clear(),
    values: () => entries.values(),
    get size() {
      return entries.size
    },
  }
}

/** Everything the service remembers, all of it in memory and bounded. */
export interface State {
  counters: Counters
  clockOffsetMs: number
  now(): number
  tokenNumber: number
  readonly redirectUris: readonly string[]
  readonly clients: BoundedMap<Client>
  readonly codes: BoundedMap<Code>
  readonly accessTokens: BoundedMap<AccessToken>
  readonly refreshTokens: BoundedMap<RefreshToken>
  readonly consents: BoundedMap<true>
  readonly assertions: BoundedMap<true>
  readonly consumers: BoundedMap<Consumer>
  readonly requestTokens: BoundedMap<RequestToken>
  readonly tokenCredentials: BoundedMap<TokenCredentials>
  readonly nonces: BoundedMap<true>
  readonly keySets: BoundedMap<KeySet>
  readonly users: BoundedMap<{ readonly password: string; readonly account: Account }>
  misbehaviours: Misbehaviour[]
}

const noCounters = (): Counters => ({
  registrations: 0,
  authorize: {},
  token_requests: 0,
  token: {},
  old_refresh_tokens_presented: 0,
  families_revoked: 0,
  codes_reused: 0,
  revoke: {},
  introspect: 0,
  metadata: 0,
  oauth1: {},
  api: {},
  misbehaved: {},
})

/** @param clock the real clock, in milliseconds; tests move the service's own clock by `clockOffsetMs`. */
export function createState(clock: () => number, redirectUris: readonly string[]): State {
  const state: State = {
    counters: noCounters(),
    clockOffsetMs: 0,
    now: () => clock() + state.clockOffsetMs,
    tokenNumber: 0,
    redirectUris,
    clients: boundedMap(5_000),
    codes: boundedMap(10_000),
    accessTokens: boundedMap(50_000),
    refreshTokens: boundedMap(50_000),
    consents: boundedMap(5_000),
    assertions: boundedMap(10_000),
    consumers: boundedMap(5_000),
    requestTokens: boundedMap(10_000),
    tokenCredentials: boundedMap(50_000),
    nonces: boundedMap(50_000),
    keySets: boundedMap(1_000),
    users: boundedMap(1_000),
    misbehaviours: [],
  }
  return state
}

/** Back to how it started, except what is registered beforehand, which the caller puts back. */
export function clearState(state: State): void {
  state.counters = noCounters()
  state.clockOffsetMs = 0
  state.tokenNumber = 0
  state.misbehaviours = []
  for (const part of Object.values(state)) if (isMap(part)) part.clear()
}

const isMap = (part: unknown): part is BoundedMap<unknown> => typeof part === 'object' && part !== null && 'clear' in part

export function count(row: Record<string, number>, name: string): void {
  row[name] = (row[name] ?? 0) + 1
}

export function tally(table: Tally, kind: string, outcome: string): void {
  count((table[kind] ??= {}), outcome)
}

/** 192 random bits, as every token, code and secret here. */
export const randomToken = (prefix: string): string => `${prefix}_${randomBytes(24).toString('base64url')}`
