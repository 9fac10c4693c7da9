import { scopeSeparators } from '../core/scopes.ts'
import type { ScopeDelimiter } from '../core/scopes.ts'
import { htmlInsteadOfJson } from './oauth2-answer.ts'
import type { TraceStep } from './scheme.ts'

/** What the recorded steps do not say themselves. */
export interface DiagnosisFacts {
  /** The redirect URL that must be registered with the service. */
  readonly redirectUrl: string
  readonly scopes: readonly string[]
  /** Null for schemes without scopes. */
  readonly scopeDelimiter: ScopeDelimiter | null
}

interface Failure {
  /** The step that failed, and every step before it. */
  readonly step: TraceStep
  readonly trace: readonly TraceStep[]
  /** Lower case with `_`. */
  readonly code: string
  readonly words: string
  readonly facts: DiagnosisFacts
}

const codes = (...list: string[]) => new Set(list)
const clientCodes = codes(
  'invalid_client',
  'unauthorized_client',
  'incorrect_client_credentials',
  'invalid_client_secret',
  'bad_client_secret',
  'invalid_client_id',
)
const clientCodes1 = codes('consumer_key_unknown', 'consumer_key_rejected', 'consumer_key_refused', 'signature_invalid')
const redirectCodes = codes('redirect_uri_mismatch', 'invalid_redirect_uri', 'bad_redirect_uri', 'redirect_uri_not_allowed')

const hostOf = (url: string | undefined): string | null => (url !== undefined && URL.canParse(url) ? new URL(url).hostname : null)

const saidBy = (code: string) => (code === '' ? '' : ` It said "${code}".`)

/** The last request before the failure that has a URL: an answer is recorded as a step of its own. */
const askedUrl = ({ trace, step }: Failure): string | undefined => step.url ?? trace.findLast(one => one.url !== undefined)?.url

function redirectMismatch({ code, words, trace, facts }: Failure): string | null {
  // "The code is invalid, expired, or does not match the redirect URI" is a list of possibilities and says nothing.
  const named = /redirect[_ -]?ur[il]|callback[_ -]?ur[il]/i.test(words) && !/expired|revoked/i.test(words)
  if (!redirectCodes.has(code) && !named) return null
  const sent = trace.findLast(step => step.parameters?.['redirect_uri'] !== undefined)?.parameters?.['redirect_uri'] ?? facts.redirectUrl
  const other = [...words.matchAll(/https?:\/\/[^\s"'<>,)]+/g)].map(match => match[0].replace(/\.$/, '')).find(url => url !== sent)
  if (other !== undefined)
    return `Redirect URLs differ: Patchbay sent "${sent}", the service has "${other}". Register the first one with the service, character by character.`
  if (sent !== facts.redirectUrl)
    return `Redirect URLs differ: "${sent}" was sent, and this service's redirect URL is "${facts.redirectUrl}". Register the second one and start again.`
  return `The service does not know the redirect URL "${sent}". Register exactly this text with the service: scheme, host, port, path and a final slash all count.`
}

function pkce({ code, words }: Failure): string | null {
  if (!/code_challenge|code_verifier|\bpkce\b/i.test(`${code} ${words}`)) return null
  return 'The service does not take PKCE (code_challenge). Set pkce to "off" under Advanced.'
}

function clock({ code, step }: Failure): string | null {
  if (code !== 'timestamp_refused') return null
  return `The service refuses the time of the request.${step.detail === undefined ? '' : ` ${step.detail}`} Set this machine's clock, and check its time service.`
}

function redirected({ code, words }: Failure): string | null {
  if (code !== 'token_endpoint_redirect') return null
  return `The token endpoint answers with a redirect, which is never followed, because it would carry the client secret along. Put the final address into the service. ${words}`.trim()
}

function htmlPage(failure: Failure): string | null {
  if (failure.words !== htmlInsteadOfJson && failure.step.detail !== htmlInsteadOfJson) return null
  return `"${askedUrl(failure)?.split('?')[0] ?? 'The token URL'}" answers with an HTML page instead of JSON: it is a page for people, not a token endpoint. Check the access token URL.`
}

/** Services with several data centres say at the callback which one the person is in; a code is worth nothing at another one. */
function dataCentre(failure: Failure): string | null {
  const { code, trace } = failure
  if (!clientCodes.has(code) && !['invalid_code', 'invalid_grant', 'other_dc'].includes(code)) return null
  const host = hostOf(askedUrl(failure))
  const callback = trace.find(step => step.step === 'callback')?.parameters ?? {}
  if (host === null) return null
  const named = Object.entries(callback).find(
    ([name, value]) => !/^(iss|redirect_uri|error_uri)$/i.test(name) && hostOf(value) !== null && hostOf(value) !== host,
  )
  if (named)
    return `The person's account is at "${hostOf(named[1])}" (the callback's ${named[0]}), but the token was asked for at "${host}". Choose the data centre of the account.`
  const location = callback['location'] ?? ''
  const region = host.split('.').at(-1) ?? ''
  const home = location.toLowerCase() === 'us' ? 'com' : location.toLowerCase()
  if (!/^[a-z]{2,3}$/.test(home) || home === region) return null
  return `The person's account is in the data centre "${location}" (the callback's location), but the token was asked for at "${host}". Choose the data centre of the account.`
}

function clientRefused({ code, step }: Failure): string | null {
  if (!clientCodes.has(code) && !clientCodes1.has(code) && step.detail !== 'refused: client') return null
  return `The service refuses the client id or secret.${saidBy(code)} Check both, and whether the service wants them in the body or as Basic authentication (client_authentication under Advanced).`
}

function scopes({ code, words, facts }: Failure): string | null {
  if (code !== 'invalid_scope' && !/invalid[_ ]scope|oauth_scope/i.test(words)) return null
  const { scopeDelimiter } = facts
  if (scopeDelimiter === null) return 'The service refuses the scopes. Check their spelling.'
  const others = Object.entries(scopeSeparators).filter(([name]) => name !== scopeDelimiter)
  const joined = facts.scopes.find(scope => others.some(([, separator]) => scope.includes(separator)))
  const other = others.find(([, separator]) => joined?.includes(separator))?.[0]
  if (joined !== undefined && other !== undefined)
    return `The scope "${joined.slice(0, 200)}" looks like several, separated by ${other}, but this service's scope delimiter is ${scopeDelimiter}. Enter the scopes one by one, or change the delimiter.`
  if (facts.scopes.length > 1)
    return `The service refuses the scopes. They were joined by ${scopeDelimiter}: check the scope delimiter against the service's documentation, then the spelling of each scope.`
  return `The service refuses the scope${facts.scopes[0] === undefined ? '' : ` "${facts.scopes[0].slice(0, 200)}"`}. Check its spelling, and whether the app registered with the service may ask for it.`
}

function unanswered(failure: Failure): string | null {
  if (failure.code !== 'upstream_unreachable' && failure.code !== 'upstream_timeout') return null
  return `"${hostOf(askedUrl(failure)) ?? 'The service'}" did not answer. Check the URL, and whether this machine may reach it.`
}

/** In this order: a more exact reason before the one that its error code alone would give. */
const reasons = [clock, redirected, htmlPage, redirectMismatch, pkce, scopes, dataCentre, clientRefused, unanswered] as const

/**
 * What most likely went wrong in a recorded authorisation, and what to do about it, as text for a person.
 *
 * @param trace  The steps in order; secrets are masked in them already.
 * @returns null when nothing failed, or nothing better is known than the service's own words.
 */
export function diagnose(trace: readonly TraceStep[], facts: DiagnosisFacts): string | null {
  const index = trace.findLastIndex(step => step.error !== undefined)
  const step = trace[index]
  if (step?.error === undefined) return null
  const code = step.error
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
  const failure: Failure = { step, trace: trace.slice(0, index + 1), code, words: step.error_description ?? '', facts }
  for (const reason of reasons) {
    const sentence = reason(failure)
    if (sentence !== null) return sentence
  }
  return null
}
