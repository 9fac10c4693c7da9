import { createHash, timingSafeEqual } from 'node:crypto'
import { Problem } from '../core/problem.ts'
import { pairsOf } from '../core/request.ts'
import type { Pair } from '../core/request.ts'
import type { OAuth1Service } from '../core/service.ts'
import { fill } from '../core/template.ts'
import { holdsSecret } from './fields.ts'
import { words } from './oauth1-answer.ts'
import type { Answer } from './oauth1-answer.ts'
import { exchange, keysOf, placeOf } from './oauth1-exchange.ts'
import type { Exchange, OAuth1Context } from './oauth1-exchange.ts'
import { encode, signed } from './oauth1-signature.ts'
import { controlCharacters, fixedHeaders, placementHeaders, placeValue } from './place.ts'
import { Refusal } from './scheme.ts'
import type { Callback, Grant, Scheme } from './scheme.ts'

/** Token credentials (RFC 5849 §2.3); the handle is the session extension's, with which they are renewed. */
export interface OAuth1Credential {
  readonly token: string
  readonly token_secret: string
  readonly session_handle?: string
}

const maxVerifierCharacters = 4096
const maxCapturedCharacters = 2000
/** The authorisation page: the service's own query byte for byte, our parameters once each. */
function authorizeUrl(service: OAuth1Service, variables: Readonly<Record<string, string>>, own: readonly Pair[]): string {
  const [base = '', query = ''] = fill(service.authorize_url, variables).split(/\?(.*)/s)
  const ours = [
    ...own,
    ...Object.entries(service.advanced.authorize_params ?? {}).map(([name, value]): Pair => [name, fill(value, variables)]),
  ]
  const names = new Set(ours.map(([name]) => name))
  const kept = query.split('&').filter(piece => piece !== '' && !pairsOf(piece).some(([name]) => names.has(name)))
  return `${base}?${[...kept, ...ours.map(([name, value]) => `${encode(name)}=${encode(value)}`)].join('&')}`
}

const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())

/** Variables from the token answer and the callback, under the names that the service definition gives them. */
function captured(service: OAuth1Service, answer: Answer, callback: Readonly<Record<string, string>>): Record<string, string> {
  const { capture = {}, capture_callback = {} } = service.advanced
  const found: Record<string, string> = {}
  const take = (name: string, value: string | undefined) => {
    if (value && value.length <= maxCapturedCharacters && !controlCharacters.test(value)) found[name] = value
  }
  for (const [name, parameter] of Object.entries(capture_callback))
    take(name, Object.hasOwn(callback, parameter) ? callback[parameter] : undefined)
  for (const [name, paths] of Object.entries(capture))
    take(
      name,
      [paths]
        .flat()
        .map(path => answer.get(path))
        .find(Boolean),
    )
  return found
}

function grantOf(
  service: OAuth1Service,
  answer: Exchange,
  facts: { captured: Record<string, string>; oldHandle?: string | undefined; report: boolean },
): Grant {
  const handle = answer.sessionHandle ?? facts.oldHandle
  const credential: OAuth1Credential = {
    token: answer.token,
    token_secret: answer.tokenSecret,
    ...(handle !== undefined && { session_handle: handle }),
  }
  return {
    credential: { ...credential },
    expiresInSeconds: answer.expiresInSeconds,
    grantedScopes: null,
    hasRefreshToken: canRefresh(service, credential),
    // variables are shown to people, so a token cannot become one
    captured: Object.fromEntries(Object.entries(facts.captured).filter(([, text]) => !holdsSecret(text, oauth1.secretsOf(credential)))),
    ...(facts.report && { clockOffsetSeconds: answer.clockOffsetSeconds }),
  }
}

const canRefresh = (service: OAuth1Service, credential: OAuth1Credential): boolean =>
  service.refresh_token_url !== null && credential.session_handle !== undefined

const one = (parameters: Callback['parameters'], name: string) => (Object.hasOwn(parameters, name) ? parameters[name] : undefined)

const refusalIn = (parameters: Callback['parameters']) =>
  one(parameters, 'oauth_problem') ?? one(parameters, 'error') ?? (one(parameters, 'denied') === undefined ? undefined : 'denied')

/** What the browser brought back. @throws Problem authorization_declined, context_mismatch, authorization_failed */
function verifierOf({ trace }: Pick<OAuth1Context, 'trace'>, { parameters, memory }: Callback): string | null {
  const said = refusalIn(parameters)
  if (said !== undefined) {
    const error = words(said, Object.values(memory)) ?? 'denied'
    trace({ step: 'callback', error })
    throw new Problem('authorization_declined', { error })
  }
  const { oauth_token = '' } = memory
  if (oauth_token === '' || !sameText(one(parameters, 'oauth_token') ?? '', oauth_token)) {
    trace({
      step: 'callback',
      error: 'context_mismatch',
      detail: 'The callback carries another oauth_token than the one that this authorisation began with.',
    })
    throw new Problem('context_mismatch')
  }
  const verifier = one(parameters, 'oauth_verifier') ?? ''
  if (verifier === '' && memory['unconfirmed'] === 'yes') return null
  if (verifier === '' || verifier.length > maxVerifierCharacters || controlCharacters.test(verifier)) {
    const detail = 'The service came back without a usable oauth_verifier. Start the authorisation again.'
    trace({ step: 'callback', error: 'oauth_verifier_missing', detail })
    throw new Problem('authorization_failed', { detail })
  }
  return verifier
}

/**
 * OAuth 1.0a in three legs: temporary credentials, the person's approval, token credentials; then every call is signed.
 * Memory between the legs: `oauth_token`, `oauth_token_secret`, and `clock_offset` or `unconfirmed` where they matter.
 * @see RFC 5849
 */
export const oauth1: Scheme<OAuth1Service, OAuth1Credential> = {
  authType: 'oauth1',

  async begin(context, state) {
    const { service, variables, redirectUrl } = context
    const callback = `${redirectUrl}${redirectUrl.includes('?') ? '&' : '?'}state=${encode(state)}`
    const answer = await exchange(
      context,
      'request_token',
      service.request_token_url,
      keysOf(context, null, ''),
      [['oauth_callback', callback]],
      context.clockOffsetSeconds,
    )
    const unconfirmed = !answer.callbackConfirmed
    if (unconfirmed && !service.advanced.allow_unconfirmed_callback)
      throw new Refusal('config', {
        error: 'callback_not_confirmed',
        description: 'The service does not confirm the callback (OAuth 1.0 without a): somebody else could finish this authorisation.',
      })
    const url = authorizeUrl(service, variables, [
      ['oauth_token', answer.token],
      ...(unconfirmed ? [['oauth_callback', callback] as const] : []),
    ])
    context.trace({ step: 'authorize', url: authorizeUrl(service, variables, [['oauth_token', '…']]) })
    return {
      kind: 'redirect',
      url,
      memory: {
        oauth_token: answer.token,
        oauth_token_secret: answer.tokenSecret,
        ...(answer.clockLearned && { clock_offset: String(answer.clockOffsetSeconds) }),
        ...(unconfirmed && { unconfirmed: 'yes' }),
      },
    }
  },

  inspectCallback(_service, callback) {
    if (refusalIn(callback.parameters) === undefined) verifierOf({ trace: () => {} }, callback)
  },

  async finish(context, answer) {
    if (!('parameters' in answer)) throw new Problem('context_mismatch')
    const { service } = context
    const { oauth_token = '', oauth_token_secret = '', clock_offset } = answer.memory
    const verifier = verifierOf(context, answer)
    const extra: Pair[] = verifier === null ? [] : [['oauth_verifier', verifier]]
    const clock = clock_offset === undefined ? context.clockOffsetSeconds : Number(clock_offset)
    const token = await exchange(
      context,
      'access_token',
      service.access_token_url,
      keysOf(context, oauth_token, oauth_token_secret),
      extra,
      clock,
    )
    return grantOf(service, token, {
      captured: captured(service, token.all, answer.parameters),
      report: token.clockLearned || clock_offset !== undefined,
    })
  },

  canRefresh,

  async refresh(context, credential) {
    const { service } = context
    const { session_handle } = credential
    if (service.refresh_token_url === null || session_handle === undefined)
      throw new Refusal('revoked', {
        error: 'no_session_handle',
        description: 'The service gave no session handle, so the token cannot be renewed.',
      })
    const keys = keysOf(context, credential.token, credential.token_secret)
    const token = await exchange(
      context,
      'refresh_token',
      service.refresh_token_url,
      keys,
      [['oauth_session_handle', session_handle]],
      context.clockOffsetSeconds,
    )
    return grantOf(service, token, { captured: captured(service, token.all, {}), oldHandle: session_handle, report: token.clockLearned })
  },

  authorise(placing, credential, request) {
    const { service, variables, clockOffsetSeconds } = placing
    if (controlCharacters.test(credential.token)) throw new Problem('reauthorization_required')
    const stamp = { timestamp: Math.floor(placing.now() / 1000) + clockOffsetSeconds, nonce: placing.random(16).toString('hex') }
    const keys = keysOf(placing, credential.token, credential.token_secret)
    return signed(fixedHeaders(service, variables).reduce(placeValue, request), keys, stamp, placeOf(service)).request
  },

  ownHeaders: placementHeaders,

  secretsOf: ({ token, token_secret, session_handle }) => [token, token_secret, session_handle ?? ''].filter(Boolean),

  /** Asking for temporary credentials is harmless, and tells whether the service knows our client. */
  async probe(context) {
    try {
      await exchange(
        context,
        'request_token',
        context.service.request_token_url,
        keysOf(context, null, ''),
        [['oauth_callback', context.redirectUrl]],
        context.clockOffsetSeconds,
      )
      return 'client_accepted'
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.kind === 'client') return 'client_refused'
      return error.kind === 'down' && error.status === null ? 'host_unreachable' : 'not_a_token_endpoint'
    }
  },
}
