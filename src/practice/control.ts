import { z } from 'zod'
import { clearState, type State } from './state.ts'
import { json, Refusal, type Handler } from './exchange.ts'
import { dialectNames, findDialect } from './dialects.ts'
import { registerBuiltIn } from './oauth2-clients.ts'
import { registerBuiltInConsumer } from './oauth1-consumers.ts'
import { registerBuiltInKeys } from './keys.ts'
import { misbehaviour } from './misbehave.ts'
import { revokeFamily } from './oauth2-token.ts'
import { escapeHtml, page } from './pages.ts'

/** What the service knows before anybody registers anything. */
export function registerEverythingBuiltIn(state: State): void {
  for (const dialect of dialectNames()) registerBuiltIn(state, dialect)
  registerBuiltInConsumer(state)
  registerBuiltInKeys(state)
}

export const counters: Handler = ({ state }) => json(200, state.counters)

/** POST /practice/misbehave: one misbehaviour, or a list of them, after those that are waiting. */
export const scriptMisbehaviour: Handler = async ({ state, body }) => {
  const given = z.union([misbehaviour, z.array(misbehaviour).max(1000)]).safeParse((await body()).value)
  if (!given.success) throw new Refusal(400, 'invalid_request', z.prettifyError(given.error))
  state.misbehaviours = [...state.misbehaviours, ...[given.data].flat()].slice(0, 1000)
  return json(200, { waiting: state.misbehaviours.length })
}

/** POST /practice/clock: how far the service's clock is from the real one. */
export const setClock: Handler = async ({ state, body }) => {
  const given = z.strictObject({ offset_seconds: z.number().min(-1e9).max(1e9) }).safeParse((await body()).value)
  if (!given.success) throw new Refusal(400, 'invalid_request', z.prettifyError(given.error))
  state.clockOffsetMs = given.data.offset_seconds * 1000
  return json(200, { now: new Date(state.now()).toISOString() })
}

/** POST /practice/expire: every access token has expired, of OAuth 1 too. */
export const expireAll: Handler = ({ state }) => {
  let expired = 0
  for (const token of [...state.accessTokens.values(), ...state.tokenCredentials.values()]) {
    token.expiresAt = Math.min(token.expiresAt ?? Infinity, state.now())
    expired++
  }
  return json(200, { expired })
}

/** POST /practice/withdraw: every person withdraws every consent at the service, which tells nobody. */
export const withdrawAll: Handler = ({ state }) => {
  for (const token of state.accessTokens.values()) revokeFamily({ state }, token.grant)
  for (const token of state.tokenCredentials.values()) token.revoked = true
  state.consents.clear()
  return json(200, {})
}

/** POST /practice/reset: as it was when it started. */
export const reset: Handler = ({ state }) => {
  clearState(state)
  registerEverythingBuiltIn(state)
  return json(200, {})
}

/** GET /: what is here, for somebody who opens the address in a browser. */
export const frontPage: Handler = ({ origin }) => {
  const row = (label: string, value: string) => `<li>${escapeHtml(label)}: <code>${escapeHtml(value)}</code></li>`
  const dialects = dialectNames().filter(name => name !== '')
  return page(
    200,
    'Patchbay practice service',
    `<p>A small real service to practise with. Nothing in it is of value.</p>
<ul>
${row('OAuth 2 authorize', `${origin}/oauth2/authorize`)}
${row('OAuth 2 token', `${origin}/oauth2/token`)}
${row('OAuth 2 revoke', `${origin}/oauth2/revoke`)}
${row('OAuth 2 client', 'practice-client / practice-secret')}
${row('OAuth 1 request token', `${origin}/oauth1/request_token`)}
${row('OAuth 1 authorize', `${origin}/oauth1/authorize`)}
${row('OAuth 1 access token', `${origin}/oauth1/access_token`)}
${row('OAuth 1 consumer', 'practice-consumer / practice-consumer-secret')}
${row('API key', 'practice-key, as the header X-Api-Key or the parameter api_key')}
${row('Basic', 'practice / practice-password')}
${row('Echo', `${origin}/api/echo, /oauth1/echo, /key/echo, /basic/echo`)}
${dialects.map(name => row(`Dialect ${name}`, `${origin}/dialects/${name}/… ${findDialect(name)?.about ?? ''}`)).join('\n')}
</ul>
`,
  )
}
