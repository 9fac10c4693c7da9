import { expect } from 'vitest'
import type { Ask, Exchanged } from './contract.ts'
import type { More, Namespace } from './outside.ts'

/*
 * Every way in which somebody can make Patchbay call an address, with a service whose administrator has allowed every host: only what
 * Patchbay says of the address itself is left to stop it.
 */

export const canary = 'canary-7f3d9a1e5b8c4d2f-secret'
export const clientSecret = 'canary-client-4b1c8e7d2a9f-secret'

/** An answer of any door in the same words: the service's status, or Patchbay's code and what it calls the address. */
export interface Outcome {
  readonly code: string
  /** What Patchbay calls the address; null when it says nothing of one. */
  readonly verdict: string | null
  readonly exchanged: Exchanged
}

interface Said {
  readonly status_code?: number
  readonly code?: string
  readonly verdict?: string
  readonly status?: string | number
  readonly outcome?: string
  readonly error?: { readonly code?: string; readonly message: string } | null
  readonly output?: { readonly responseCode?: number } | null
}

function parsed(text: string): Said {
  try {
    return (JSON.parse(text) ?? {}) as Said
  } catch {
    return {}
  }
}

function outcomeOf(exchanged: Exchanged): Outcome {
  const said = parsed(exchanged.told.text)
  const { error, output } = said
  if (error) return { code: error.code ?? error.message, verdict: /\((\w+)\)\. The operator/.exec(error.message)?.[1] ?? null, exchanged }
  const code = said.code ?? String(said.status_code ?? output?.responseCode ?? said.outcome ?? exchanged.told.status)
  return { code, verdict: said.verdict ?? null, exchanged }
}

const definition = (linkName: string, rest: Record<string, unknown>) => ({ link_name: linkName, name: linkName, api_hosts: ['*'], ...rest })
const client = { client_id: 'the-client', client_secret: clientSecret }

export const tokenDefinition = (linkName: string, url: string, rest: Record<string, unknown> = {}) =>
  definition(linkName, {
    auth_type: 'oauth2',
    grant_type: 'client_credentials',
    access_token_url: url,
    ...client,
    ...rest,
  })

const requestTokenDefinition = (url: string) =>
  definition('asked', {
    auth_type: 'oauth1',
    request_token_url: url,
    access_token_url: url,
    authorize_url: 'https://as.good.test/authorize',
    ...client,
  })

/** A Deluge function that calls each of the addresses it is given and says what came of it. */
const scripted = (name: string, connection: string | null) => `list standalone.${name}(list addresses)
{
	outcomes = List();
	for each address in addresses
	{
		try
		{
			response = invokeurl
			[
				url: address
				type: GET
				${connection === null ? '' : `connection: "${connection}"`}
				detailed: true
			];
			outcomes.add(response.get("responseCode").toString());
		}
		catch (failure)
		{
			outcomes.add(failure.toString());
		}
	}
	return outcomes;
}`

const post = (path: string, body: unknown): Ask => ({ method: 'POST', path, body })

export interface Doors {
  /** By name: one call of an absolute URL. */
  readonly literal: Readonly<Record<'invoke' | 'without a connection' | 'proxy' | 'token URL' | 'request token URL', (url: string, more?: More) => Promise<Outcome>>> // prettier-ignore
  /** One run that calls all of them: their outcomes, and what happened on the wire. */
  run(connection: boolean, urls: readonly string[], more?: More): Promise<{ outcomes: readonly string[]; exchanged: Exchanged }>
  /** Fails unless it is answered with this status. */
  must(status: number, ask: Ask, more?: More): Promise<Exchanged>
  /** A service with a connection that is connected at once; their names are the same. */
  connected(linkName: string, rest: Record<string, unknown>, credentials: Record<string, string> | null, more?: More): Promise<void>
}

export async function openDoors(namespace: Namespace): Promise<Doors> {
  const must = async (status: number, ask: Ask, more?: More) => {
    const exchanged = await namespace.exchange(ask, more)
    expect(exchanged.told.status, `${ask.path}: ${exchanged.told.text.slice(0, 1500)}`).toBe(status)
    return exchanged
  }
  const through = (askOf: (url: string) => Ask) => async (url: string, more?: More) => outcomeOf(await namespace.exchange(askOf(url), more))
  const connected: Doors['connected'] = async (linkName, rest, credentials, more) => {
    await must(201, post('/api/v1/services', definition(linkName, rest)))
    const body = { service: linkName, name: linkName, link_name: linkName, ...(credentials && { credentials }) }
    await must(201, post('/api/v1/connections', body), more)
  }
  const key = { auth_type: 'api_key', param_type: 'header', parameters: [{ name: 'X-Api-Key', display_name: 'API key' }] }
  await connected('everything', key, { 'X-Api-Key': canary })
  await must(201, post('/api/v1/functions', { source: scripted('calls', 'everything') }))
  await must(201, post('/api/v1/functions', { source: scripted('calls_alone', null) }))
  return {
    must,
    connected,
    literal: {
      invoke: through(url => post('/api/v1/invoke', { connection: 'everything', url })),
      'without a connection': through(url => post('/api/v1/invoke', { url })),
      proxy: through(url => ({
        method: 'GET',
        path: `/proxy/everything/${url.replace('://', '/').replace(/[^\x21-\x7e]/gu, encodeURIComponent)}`,
      })),
      'token URL': through(url => post('/api/v1/services/test', tokenDefinition('token', url))),
      'request token URL': through(url => post('/api/v1/services/test', requestTokenDefinition(url))),
    },
    async run(connection, addresses, more) {
      const path = `/api/v1/functions/standalone/${connection ? 'calls' : 'calls_alone'}/run`
      const exchanged = await must(200, post(path, { arguments: { addresses } }), more)
      const { status, output, error } = JSON.parse(exchanged.told.text) as { status: string; output: string[]; error: unknown }
      expect(status, JSON.stringify(error)).toBe('success')
      return { outcomes: output, exchanged }
    },
  }
}
