import type { Context } from '../../src/deluge/builtins/define.ts'
import { Failure } from '../../src/deluge/failure.ts'
import type { Host, HostAnswer, HostRequest, Mail, Surroundings } from '../../src/deluge/host.ts'
import { defaultLimits, meterOf, type Limits } from '../../src/deluge/limits.ts'
import type { Value } from '../../src/deluge/value.ts'

/** What a service answers, short: a text, JSON, bytes, or nothing. */
export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | object
}

export interface ScriptedHost {
  readonly context: Context
  readonly requests: HostRequest[]
  readonly mails: Mail[]
  readonly variables: Map<string, Value>
  readonly connections: Map<string, string>
}

export const surroundings: Surroundings = {
  timeZone: 'America/Los_Angeles',
  dateFormat: 'dd-MMM-yyyy',
  loginUser: { name: 'Ada', email: 'ada@example.com' },
  adminUser: { name: 'Grace', email: 'grace@example.com' },
  appName: 'Patchbay',
  appUri: 'https://patchbay.example.com',
  ipAddress: '192.0.2.1',
  precedence: 'usual',
  profile: 'crm',
}

const answerOf = ({ status = 200, headers = {}, body = '' }: ScriptedAnswer): HostAnswer => ({
  status,
  headers: typeof body === 'object' && !(body instanceof Uint8Array) ? { 'content-type': 'application/json', ...headers } : headers,
  body: body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

/**
 * The outside of a script, written down: each call gets the next answer, and what was asked is kept. Time stands at 2026-01-15T18:30:00Z.
 */
export function scriptedHost(
  answers: readonly (ScriptedAnswer | Error)[] = [],
  over: { limits?: Partial<Limits>; surroundings?: Partial<Surroundings> } = {},
): ScriptedHost {
  const requests: HostRequest[] = []
  const mails: Mail[] = []
  const variables = new Map<string, Value>()
  const connections = new Map<string, string>()
  const host: Host = {
    send(request) {
      requests.push(request)
      const answer = answers[requests.length - 1] ?? {}
      if (answer instanceof Error) throw answer
      return answerOf(answer)
    },
    mail: mail => void mails.push(mail),
    functionNamed: () => null,
    variable: name => variables.get(name) ?? null,
    setVariable(name, value) {
      if (!variables.has(name)) throw new Failure(`There is no variable ${name}.`)
      variables.set(name, value)
    },
    defaultConnection: namespace => connections.get(namespace) ?? null,
    apiOrigin: namespace => `https://${namespace}.example`,
  }
  const now = Date.UTC(2026, 0, 15, 18, 30)
  const limits = { ...defaultLimits, ...over.limits }
  const meter = meterOf(
    limits,
    () => now,
    () => false,
    () => 0,
  )
  const context: Context = {
    surroundings: { ...surroundings, ...over.surroundings },
    host,
    meter,
    chance: { now: () => now, random: () => 0.5 },
    from: 'standalone.test',
  }
  return { context, requests, mails, variables, connections }
}
