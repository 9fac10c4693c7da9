import { expect } from 'vitest'
import type { Exchanged } from './contract.ts'
import type { More, Namespace } from './outside.ts'

/** Somebody signed in at Patchbay in a browser, who can authorise a connection. */
export interface Person {
  ask(method: string, path: string, body?: unknown, more?: More): Promise<Exchanged>
  /**
   * Creates a connection of an OAuth 2 service and comes back from its page with a code. The token endpoint answers as `more` says.
   * @returns what happened on the wire when the code was redeemed.
   */
  connect(service: string, linkName: string, more?: More): Promise<Exchanged>
}

/** An answer of a token endpoint, as bytes. */
export const tokenAnswer = (fields: Readonly<Record<string, unknown>>): string => {
  const body = JSON.stringify({ token_type: 'Bearer', expires_in: 3600, ...fields })
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

export async function signedIn(namespace: Namespace): Promise<Person> {
  const jar = new Map<string, string>()
  const ask: Person['ask'] = async (method, path, body, more) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { origin: 'https://patchbay.test', ...(cookie && { cookie }) }
    const exchanged = await namespace.exchange({ method, path, headers, browser: true, ...(body !== undefined && { body }) }, more)
    for (const line of exchanged.told.cookies) {
      const [name = '', value = ''] = line.split(';')[0]?.split(/=(.*)/) ?? []
      jar.set(name, value)
    }
    return exchanged
  }
  const entered = await ask('POST', '/api/auth/sign-in/email', { email: 'ada@example.test', password: 'correct horse battery' })
  expect(entered.told.status, entered.told.text).toBe(200)
  return {
    ask,
    async connect(service, linkName, more) {
      const created = await ask('POST', '/api/v1/connections', { service, name: linkName, link_name: linkName })
      expect(created.told.status, created.told.text).toBe(201)
      const { url } = (JSON.parse(created.told.text) as { authorization: { url: string } }).authorization
      const state = new URL(url).searchParams.get('state') ?? ''
      return ask(
        'GET',
        `/oauth/callback/default/${service}?${new URLSearchParams({ code: 'the-code', state }).toString()}`,
        undefined,
        more,
      )
    },
  }
}
