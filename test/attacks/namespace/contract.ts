/*
 * What the tests outside and the process inside a network namespace say to each other, one JSON message for each.
 * Inside, every address of IPv4 and IPv6 is this machine: metadata services, private networks and "public" hosts are all listening.
 */

/** The machine's own address on the internet, as a server without a load balancer has it. */
export const ownAddress = '185.199.108.153'
/** The host of the positive controls, one that is somebody else's, and one more. */
export const goodAddress = '93.184.216.34'
export const evilAddress = '45.33.32.156'
export const otherAddress = '104.16.132.229'
/** A public one to which there is no way. */
export const deadAddress = '198.41.0.4'

/** Ports that take connections on every address: TLS, plain HTTP, TLS, and one that never says anything. */
export const ports = { tls: 443, plain: 80, other: 8443, database: 5432 } as const

/** Patchbay itself, on loopback. */
export const patchbayPort = 4400
export const adminKey = 'pb_test_administrator_0123456789abcdefghijklmn'

/** What the name server says of a name. Missing families are answered with "no such record". */
export interface NameAnswer {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  /** Instead of `a` and `aaaa`: one set for each question of a family; the last one stays. */
  readonly turns?: readonly { readonly a?: readonly string[]; readonly aaaa?: readonly string[] }[]
  /** The records stand under this name, to which a CNAME leads. */
  readonly cname?: string
  /** RFC 1035 §4.1.1: 2 SERVFAIL, 3 NXDOMAIN. */
  readonly rcode?: number
  readonly silent?: boolean
  readonly truncated?: boolean
}

/** By name in lower case without a final dot; `*.good.test` stands for every name below. */
export type Zone = Readonly<Record<string, NameAnswer>>

export interface Ask {
  readonly method: string
  /** A path of Patchbay. */
  readonly path: string
  /** Without an authorization among them the administrator's key is sent. */
  readonly headers?: Readonly<Record<string, string>>
  /** A person's browser, which has no key. */
  readonly browser?: true
  readonly body?: unknown
}

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As they were set, one a line. */
  readonly cookies: readonly string[]
  readonly text: string
}

/** A connection that some stub accepted, whatever came over it. */
export interface Taken {
  readonly address: string
  readonly port: number
}

/** A request that a stub read. */
export interface Received extends Taken {
  readonly host: string
  readonly method: string
  readonly path: string
  /** Everything before the body, as it came, with the path; and the body. */
  readonly text: string
}

export type Command =
  | {
      readonly do: 'exchange'
      readonly ask: Ask
      readonly zone: Zone
      /** Bytes that the stubs answer with instead of what they received, by path without its query; the connection ends with them. */
      readonly script: Readonly<Record<string, string>>
      /** What happened since the last exchange began is told as well: jobs take their time. */
      readonly continued: boolean
    }
  /** Opens a connection to each address by itself, to show that somebody listens there. */
  | { readonly do: 'knock'; readonly addresses: readonly string[] }
  /** The access token of a connection has ended. */
  | { readonly do: 'expire'; readonly connection: string }
  /** Moves the monotonic clock. */
  | { readonly do: 'later'; readonly milliseconds: number }
  /** Every log line and every column of the database. */
  | { readonly do: 'sinks' }

export interface Exchanged {
  readonly told: Told
  /** In the order in which they were accepted, until the answer had come. */
  readonly taken: readonly Taken[]
  readonly received: readonly Received[]
  /** Names that were asked for, as they were spelt. */
  readonly names: readonly string[]
}

export interface Results {
  readonly exchange: Exchanged
  /** Those where a stub was reached. */
  readonly knock: readonly string[]
  readonly expire: null
  readonly later: null
  readonly sinks: readonly (readonly [where: string, text: string])[]
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}
