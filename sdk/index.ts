import { auditOf, invocationsOf } from './activity.ts'
import { connectionsOf } from './connections.ts'
import { functionsOf } from './functions.ts'
import { operationsOf } from './operations.ts'
import {
  accountOf,
  apiKeysOf,
  cliLoginsOf,
  invitationsOf,
  membersOf,
  organizationsOf,
  settingsOf,
  setupOf,
  signInOf,
  type Me,
} from './people.ts'
import { practiceOf } from './practice.ts'
import { proxyFetch } from './proxy-fetch.ts'
import { servicesOf } from './services.ts'
import { json, segment, send, type Access } from './transport.ts'
import type { InvokeAnswer, InvokeInput } from './types.ts'

export type * from './activity.ts'
export type * from './connections.ts'
export type * from './functions.ts'
export type * from './list.ts'
export type * from './operations.ts'
export { reachable } from './reachable.ts'
export type * from './people.ts'
export type * from './practice.ts'
export type * from './services.ts'
export type * from './types.ts'
export { runStatuses } from './functions.ts'
export { PatchbayProblem, type FieldError } from './problem.ts'

export interface PatchbayOptions {
  /** Where Patchbay is, such as `https://patchbay.example.com`. Left out in a page of Patchbay itself. */
  readonly url?: string | undefined
  /** `pb_…`. Left out, calls are made with the browser's own session. */
  readonly apiKey?: string | undefined
  /** Told of the head of every answer of the API, such as its `Date`; its body belongs to whoever called. */
  readonly onAnswer?: ((response: Response) => void) | undefined
}

/** One connection, as its users see it. */
export interface BoundConnection {
  /**
   * `fetch`, with the connection's credential: `await patchbay.connection('mailchimp').fetch('https://us1.api.mailchimp.com/3.0/lists')`.
   * Takes an API key.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** The same call as one JSON document, with everything `invokeUrl` has. */
  invoke<Body = unknown>(call: InvokeInput): Promise<InvokeAnswer<Body>>
}

const trimmed = (url: string): string => {
  if (url !== '' && !/^https?:$/.test(new URL(url).protocol)) throw new TypeError('Patchbay’s URL begins with https:// or http://.')
  return url.replace(/\/+$/, '')
}

/**
 * Patchbay's HTTP API.
 *
 * Every method rejects with `PatchbayProblem` when Patchbay refuses, and with a `TypeError` when it cannot be reached. What a *service*
 * answers, 4xx and 5xx included, is an answer.
 */
export class Patchbay {
  // private, so that a logged client does not show its key
  readonly #access: Access

  readonly account: ReturnType<typeof accountOf>
  readonly apiKeys: ReturnType<typeof apiKeysOf>
  readonly audit: ReturnType<typeof auditOf>
  readonly cliLogins: ReturnType<typeof cliLoginsOf>
  readonly connections: ReturnType<typeof connectionsOf>
  readonly functions: ReturnType<typeof functionsOf>
  readonly invitations: ReturnType<typeof invitationsOf>
  readonly invocations: ReturnType<typeof invocationsOf>
  readonly members: ReturnType<typeof membersOf>
  readonly operations: ReturnType<typeof operationsOf>
  readonly organizations: ReturnType<typeof organizationsOf>
  readonly practice: ReturnType<typeof practiceOf>
  readonly services: ReturnType<typeof servicesOf>
  readonly session: ReturnType<typeof signInOf>
  readonly settings: ReturnType<typeof settingsOf>
  readonly setup: ReturnType<typeof setupOf>

  /** @throws TypeError when `url` is not an absolute http or https URL */
  constructor(options: PatchbayOptions & { readonly onBehalfOf?: string | undefined } = {}) {
    const access: Access = {
      url: trimmed(options.url ?? ''),
      apiKey: options.apiKey ?? null,
      subject: options.onBehalfOf ?? null,
      onAnswer: options.onAnswer ?? null,
    }
    this.#access = access
    this.account = accountOf(access)
    this.apiKeys = apiKeysOf(access)
    this.audit = auditOf(access)
    this.cliLogins = cliLoginsOf(access)
    this.connections = connectionsOf(access)
    this.functions = functionsOf(access)
    this.invitations = invitationsOf(access)
    this.invocations = invocationsOf(access)
    this.members = membersOf(access)
    this.operations = operationsOf(access)
    this.organizations = organizationsOf(access)
    this.practice = practiceOf(access)
    this.services = servicesOf(access)
    this.session = signInOf(access)
    this.settings = settingsOf(access)
    this.setup = setupOf(access)
  }

  /** The same client, calling for a member (id or e-mail). The API key must have been created with `act_as`. */
  onBehalfOf(member: string): Patchbay {
    const { url, apiKey, onAnswer } = this.#access
    return new Patchbay({ url, apiKey: apiKey ?? undefined, onBehalfOf: member, onAnswer: onAnswer ?? undefined })
  }

  me(): Promise<Me> {
    return json<Me>(this.#access, 'GET', '/api/v1/me')
  }

  /** Calls a URL without a connection, under the same rules for where calls may go; with one, where `connection` names it. */
  invoke<Body = unknown>(call: InvokeInput & { readonly connection?: string | undefined }): Promise<InvokeAnswer<Body>> {
    return json(this.#access, 'POST', '/api/v1/invoke', { body: call })
  }

  /** The same, as the JSON text that was received: numbers in it may be longer than JavaScript's (ids of 19 digits). */
  async invokeText(
    call: InvokeInput & { readonly connection?: string | undefined },
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    return (await send(this.#access, 'POST', '/api/v1/invoke', { body: call, signal: options.signal })).text()
  }

  /** @throws TypeError for what cannot be a link name */
  connection(linkName: string): BoundConnection {
    segment(linkName)
    return {
      fetch: (input, init) => proxyFetch(this.#access, linkName, input, init),
      invoke: call => this.invoke({ ...call, connection: linkName }),
    }
  }
}
