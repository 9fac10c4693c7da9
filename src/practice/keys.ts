import { z } from 'zod'
import type { Pair } from '../core/request.ts'
import { accountOf, tally, type Account, type State } from './state.ts'
import { basicOf, json, Refusal, type Answer, type Exchange, type Handler } from './exchange.ts'
import { sameText } from './oauth2-client-authentication.ts'
import { valueAt } from './oauth2-bearer.ts'
import type { Caller } from './echo.ts'

const name = z.string().min(1).max(100)

const keySet = z.strictObject({
  parameters: z
    .array(
      z.strictObject({
        place: z.enum(['header', 'query', 'form', 'cookie']),
        name,
        prefix: z.string().max(50).default(''),
        value: z.string().min(1).max(4000),
      }),
    )
    .min(1)
    .max(10),
  account: name.default('ada'),
})

/** One API key, or several values that are only good together, each at its own place. */
export interface KeySet {
  readonly parameters: z.infer<typeof keySet>['parameters']
  readonly account: Account
}

const user = z.strictObject({ user: z.string().max(200), password: z.string().max(500), account: name.default('ada') })

/** The key that everybody knows, taken at four places, and the user of Basic authentication. */
export function registerBuiltInKeys(state: State): void {
  const ada = accountOf('ada')
  const known = [
    { place: 'header', name: 'x-api-key' },
    { place: 'query', name: 'api_key' },
    { place: 'form', name: 'api_key' },
    { place: 'cookie', name: 'api_key' },
  ] as const
  for (const place of known) addKeySet(state, { parameters: [{ ...place, prefix: '', value: 'practice-key' }], account: ada })
  state.users.set('practice', { password: 'practice-password', account: ada })
}

const addKeySet = (state: State, set: KeySet) => state.keySets.set(JSON.stringify(set.parameters), set)

/** POST /practice/keys */
export const registerKeys: Handler = async exchange => {
  const given = keySet.safeParse((await exchange.body()).value)
  if (!given.success) throw new Refusal(400, 'invalid_request', z.prettifyError(given.error))
  addKeySet(exchange.state, { parameters: given.data.parameters, account: accountOf(given.data.account) })
  return json(201, { parameters: given.data.parameters.map(({ value: _, ...shown }) => shown) })
}

/** POST /practice/users */
export const registerUser: Handler = async exchange => {
  const given = user.safeParse((await exchange.body()).value)
  if (!given.success) throw new Refusal(400, 'invalid_request', z.prettifyError(given.error))
  exchange.state.users.set(given.data.user, { password: given.data.password, account: accountOf(given.data.account) })
  return json(201, { user: given.data.user })
}

/** A key set counts when every one of its values stands at its place. */
export function callerByKey(exchange: Exchange, fields: readonly Pair[]): Caller | Answer {
  const { state } = exchange
  for (const { parameters, account } of state.keySets.values()) {
    const right = parameters.every(parameter => sameText(valueAt(exchange, fields, parameter) ?? '', parameter.value))
    if (right) return { via: 'key', account, tokenNumber: null, scopes: [], secrets: parameters.map(({ value }) => value) }
  }
  tally(state.counters.api, 'key', 'refused')
  return json(401, { error: 'invalid_key', error_description: 'No API key, or not the right one, or not at its place.' })
}

/** RFC 7617, with UTF-8. */
export function callerByBasic(exchange: Exchange): Caller | Answer {
  const { state, request } = exchange
  const given = basicOf(request)
  const known = given ? state.users.get(given.user) : undefined
  if (given && known && sameText(given.password, known.password)) {
    const secrets = [given.password, request.headers.authorization?.split(' ').at(-1) ?? '']
    return { via: 'basic', account: known.account, tokenNumber: null, scopes: [], secrets }
  }
  tally(state.counters.api, 'basic', 'refused')
  return json(401, { error: 'unauthorized' }, { 'www-authenticate': 'Basic realm="practice", charset="UTF-8"' })
}
