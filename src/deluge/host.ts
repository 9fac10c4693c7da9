import type { Value } from './value.ts'

/**
 * What a script needs from where it runs. Everything is synchronous: a script is one line of thought, and a host that has to wait blocks the
 * thread it gave the script. Methods throw `Failure` of kind `call` with a sentence when the outside could not be asked.
 */
export interface Host {
  /** One request. Whatever the service answered is an answer, 4xx and 5xx too (URL-25). */
  send(request: HostRequest): HostAnswer
  mail(mail: Mail): void
  /** The source of another function (`standalone.f(x)`), or null when there is none. `revision` changes when its source does. */
  functionNamed(namespace: string, name: string): FunctionSource | null
  /**
   * A variable of the function or the organisation (`zoho.crm.getOrgVariable`), or null. `from` is the function whose line reads it, as in
   * a request: it has its own variables, whoever called it.
   */
  variable(name: string, from: string): Value
  /** Stores one; throws when there is none of that name or the value does not fit its type. */
  setVariable(name: string, value: Value, from: string): void
  /** The link name an integration task uses when its last argument names none, or null when the organisation has set none. */
  defaultConnection(namespace: string): string | null
  /** The origin of a namespace's API for this organisation: "https://www.zohoapis.eu" for "zoho.crm". */
  apiOrigin(namespace: string): string
}

export interface HostRequest {
  /** The function whose line makes the call, as `namespace.name`, or "" for a script outside functions: its author answers for it. */
  readonly from: string
  readonly connection: string | null
  readonly method: string
  readonly url: string
  /** In the order written. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array | null
  /** Null when there is no body; set by the caller's own header otherwise. */
  readonly contentType: string | null
}

export interface HostAnswer {
  readonly status: number
  /** Lower-case names; values that came more than once joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly replyTo: string | null
  readonly subject: string
  readonly message: string
  readonly html: boolean
  readonly attachments: readonly { readonly name: string; readonly contentType: string; readonly bytes: Uint8Array }[]
}

export interface FunctionSource {
  readonly id: string
  readonly revision: number
  readonly source: string
}

/** What does not change during a run: the organisation's ways of writing, and the answers of the system variables (§3.6). */
export interface Surroundings {
  /** IANA name, "America/Los_Angeles". */
  readonly timeZone: string
  /** SimpleDateFormat pattern of the organisation, "dd-MMM-yyyy". */
  readonly dateFormat: string
  /** Full name and e-mail of the person running it; null when nobody is (a schedule, a public call). */
  readonly loginUser: { readonly name: string; readonly email: string } | null
  readonly adminUser: { readonly name: string; readonly email: string } | null
  readonly appName: string
  readonly appUri: string
  readonly ipAddress: string | null
  /** Creator writes `a || b && c` as `(a || b) && c` (EX-2). */
  readonly precedence: 'usual' | 'creator'
  /** How `isNull`, `isBlank` and `isEmpty` answer (§3.5). */
  readonly profile: 'crm' | 'creator'
}

/** Milliseconds since 1970 and numbers in [0, 1): handed in, so that a run can be repeated. */
export interface Chance {
  now(): number
  random(): number
}
