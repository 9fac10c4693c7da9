import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCatalogue, type CatalogueService } from '../../src/catalogue/catalogue.ts'
import { hostAllowed } from '../../src/core/api-hosts.ts'
import { forPhase } from '../../src/core/knobs.ts'
import { scopeSeparators } from '../../src/core/scopes.ts'
import { hasClient, variablesOf, type OAuth2Service, type ServiceDefinition } from '../../src/core/service.ts'
import { fill, inHost, placeholdersOf } from '../../src/core/template.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, must, until, type Member } from '../support/practice-services.ts'
import { startDisguise, type Disguise } from '../support/provider-disguise.ts'

/*
 * Every default service against the practice service, which answers under the provider's own host names and paths, and behaves as the
 * definition says the provider does: a knob that is not sent as it should be is refused there.
 */

type Json = Record<string, unknown>
type Values = Readonly<Record<string, string>>

const services = loadCatalogue().all()

/** What somebody types, or the provider says: choices, defaults and examples of the definition itself. */
const valuesOf = (service: ServiceDefinition): Values => ({
  ...Object.fromEntries(variablesOf(service).map(one => [one.name, one.choices?.[0] ?? one.default ?? one.example ?? 'example'])),
  ...Object.fromEntries(
    Object.entries(service.advanced.variables ?? {}).map(([name, one]) => [
      name,
      one.choices?.[0] ?? one.default ?? one.example ?? 'example',
    ]),
  ),
})

const urlsOf = ({ definition, exampleCall }: CatalogueService): string[] => {
  const { advanced } = definition
  const own = hasClient(definition)
    ? [
        definition.authorize_url,
        definition.access_token_url,
        definition.refresh_token_url,
        'revoke_token_url' in definition ? definition.revoke_token_url : null,
        'request_token_url' in definition ? definition.request_token_url : null,
      ]
    : []
  return [...own, exampleCall, advanced.test_url, advanced.after_connect?.url].filter(url => typeof url === 'string')
}

const allHosts = [...new Set(services.flatMap(one => urlsOf(one).map(url => new URL(fill(url, valuesOf(one.definition))).hostname)))]

/** A document in which these dotted paths hold these values. */
function documentWith(values: readonly (readonly [path: string, value: string])[]): unknown {
  const root: { at: unknown } = { at: undefined }
  for (const [path, value] of values) {
    let holder = root as Record<string, unknown>
    let name = 'at'
    for (const step of path.split('.')) {
      holder[name] ??= /^\d+$/.test(step) ? [] : {}
      holder = holder[name] as Record<string, unknown>
      name = step
    }
    holder[name] = value
  }
  return root.at ?? {}
}

const firstPath = (paths: string | readonly string[] | undefined): string | undefined => (typeof paths === 'string' ? paths : paths?.[0])

/** Providers name a host of theirs by a URL (`instance_url`), where the definition wants the host. */
const asSaid = (service: ServiceDefinition, name: string, value: string): string =>
  value.includes('.') &&
  [...service.api_hosts, service.advanced.base_url ?? '', service.advanced.test_url ?? ''].some(text => inHost(text, name))
    ? `https://${value}`
    : value

/** The provider's habits, read from the definition, in the practice service's words. */
function habitsOf(service: OAuth2Service, values: Values): Json {
  const a = service.advanced
  const filled = (map: Values | undefined) =>
    Object.fromEntries(Object.entries(map ?? {}).map(([name, value]) => [name, fill(value, values)]))
  const authentication = (phase: 'code' | 'refresh' | 'client_credentials' | 'revoke') => forPhase(a.client_authentication, phase, 'body')
  const captured = Object.entries(a.capture ?? {}).map(
    ([name, path]) => [firstPath(path) ?? name, asSaid(service, name, values[name] ?? 'x')] as const,
  )
  const paths = {
    access_token: firstPath(a.access_token_path),
    refresh_token: firstPath(a.refresh_token_path),
    id_token: firstPath(a.id_token_path),
    token_type: firstPath(a.token_type_path),
    expires_in: firstPath(a.expires_path),
    scope: firstPath(a.scope_path),
  }
  const placed =
    a.placements?.map(({ in: place, name, value }) => ({ place, name, prefix: value.replace(/\{access_token\}.*$/, '').trim() })) ??
    (service.param_type === 'query'
      ? [{ place: 'query', name: a.query_name ?? 'access_token', prefix: '' }]
      : [{ place: 'header', name: (a.header_name ?? 'authorization').toLowerCase(), prefix: a.header_prefix ?? 'Bearer' }])
  return {
    auto: 'accept',
    ...(a.client_id_param && { client_id_parameter: a.client_id_param }),
    ...(a.scope_param && { scope_parameter: a.scope_param }),
    ...(a.second_scopes && { second_scope_parameter: a.second_scopes.param }),
    scope_separator: a.scope_separator ?? scopeSeparators[service.scope_delimiter],
    ...(a.code_param && { code_parameter: a.code_param }),
    pkce: a.pkce === 'off' ? 'refused' : 'required',
    callback_extras: Object.fromEntries(
      Object.entries(a.capture_callback ?? {}).map(([name, parameter]) => [parameter, values[name] ?? 'us']),
    ),
    token_method: forPhase(a.token_method, 'code', 'POST') === 'GET' ? 'GET' : 'POST',
    token_request_body: forPhase(a.token_body, 'code', 'form'),
    client_authentication: {
      code: authentication('code'),
      refresh: authentication('refresh'),
      client_credentials: authentication('client_credentials'),
      revoke: authentication('revoke'),
    },
    ...(a.client_id_header && a.client_secret_header && { client_headers: { id: a.client_id_header, secret: a.client_secret_header } }),
    token_headers: filled(a.token_headers),
    required_parameters: {
      authorize: filled(a.authorize_params),
      code: filled(a.token_params),
      refresh: filled(a.refresh_params),
      client_credentials: filled(a.token_params),
      revoke: filled(a.revoke_params),
    },
    redirect_uri_on_refresh: a.refresh_redirect_uri ? 'required' : 'refused',
    scope_on_refresh: a.refresh_scope ? 'required' : 'refused',
    response_paths: Object.fromEntries(Object.entries(paths).filter(([, path]) => path !== undefined)),
    response_fields: documentWith(captured),
    access_token_seconds: 3600,
    ...(a.expires_format && { expires_format: a.expires_format }),
    ...(a.lifetime_from_jwt && { expires_format: 'jwt' }),
    ...(a.error_when && { error_style: 'ok_false' }),
    rotation: a.rotation === 'always' ? 'strict' : a.rotation === 'never' ? 'none' : 'grace',
    refuses_early_refresh: a.never_refresh_early ?? false,
    revoke: {
      method: forPhase(a.token_method, 'revoke', 'POST'),
      place: a.revoke_bearer ? 'bearer' : forPhase(a.token_body, 'revoke', 'form'),
      parameter: a.revoke_token_param ?? 'token',
      token: a.revoke_token === undefined || a.revoke_token === 'both' ? 'any' : a.revoke_token,
      hint: a.revoke_hint ? 'required' : 'refused',
    },
    api_credential: placed,
    api_headers: filled(a.headers),
  }
}

/** Values for the parameters of an API key service, and where the provider looks for them. */
function keysOf(service: Extract<ServiceDefinition, { auth_type: 'api_key' }>, values: Values) {
  const credentials = Object.fromEntries(service.parameters.map(one => [one.name, one.example ?? `story-${service.link_name}-key`]))
  const known: Values = { ...values, ...credentials }
  const { placements, header_prefix } = service.advanced
  const templated = placements?.map(({ in: place, name, value }) => ({
    place,
    name,
    prefix: '',
    value: value.replace(/\{([^{}]+)\}/g, (whole, own: string) => known[own] ?? whole),
  }))
  const plain = service.parameters.map(({ name }) => ({
    place: service.param_type,
    name: service.param_type === 'header' ? name.toLowerCase() : name,
    prefix: '',
    value: (service.param_type === 'header' && header_prefix ? `${header_prefix} ` : '') + (credentials[name] ?? ''),
  }))
  return { credentials, places: templated ?? plain }
}

describe.each(['pglite', 'postgres'] as const)('S-1 the default services [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let disguise: Disguise

  beforeAll(async () => {
    disguise = await startDisguise(allHosts)
    patchbay = await startPatchbay({
      database,
      resolve: name => disguise.resolve(name),
      extraCa: disguise.ca,
      settings: { PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${disguise.port}` },
    })
    ada = await administrator(patchbay)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await disguise.close()
  })

  const doorOf = (service: ServiceDefinition) => ({ oauth2: 'api', oauth1: 'oauth1', api_key: 'key', basic: 'basic' })[service.auth_type]
  const via = (service: ServiceDefinition) => ({ oauth2: 'oauth2', oauth1: 'oauth1', api_key: 'key', basic: 'basic' })[service.auth_type]
  const linkNameOf = (service: ServiceDefinition) => `c_${service.link_name}`.slice(0, 50)

  /** Makes the practice service know the client or key, and the provider's paths. */
  async function prepare({ definition, exampleCall }: CatalogueService, values: Values): Promise<Json> {
    const at = (url: string | null | undefined, path: string) => {
      if (url != null) disguise.play(fill(url, values), path)
    }
    at(exampleCall, `/${doorOf(definition)}/echo`)
    switch (definition.auth_type) {
      case 'oauth2': {
        at(definition.authorize_url, '/oauth2/authorize')
        at(definition.access_token_url, '/oauth2/token')
        at(definition.refresh_token_url, '/oauth2/token')
        at(definition.revoke_token_url, '/oauth2/revoke')
        const redirect = `${patchbay.base}/oauth/callback/default/${definition.link_name}`
        const client = { client_id: `${definition.link_name}-client`, client_secret: `${definition.link_name}-client-secret` }
        await disguise.control('/oauth2/clients', { redirect_uris: [redirect], ...habitsOf(definition, values), ...client })
        must(await ada.ask('PUT', `/api/v1/services/${definition.link_name}/client`, client), 200)
        return {}
      }
      case 'oauth1': {
        at(definition.request_token_url, '/oauth1/request_token')
        at(definition.authorize_url, '/oauth1/authorize')
        at(definition.access_token_url, '/oauth1/access_token')
        const { signature_method, realm } = definition.advanced
        const consumer = { consumer_key: `${definition.link_name}-key`, consumer_secret: `${definition.link_name}-consumer-secret` }
        await disguise.control('/oauth1/clients', {
          ...consumer,
          auto: 'accept',
          placement: definition.param_type,
          signature_methods: [signature_method ?? 'HMAC-SHA1'],
          ...(realm !== undefined && { realm }),
        })
        const client = { client_id: consumer.consumer_key, client_secret: consumer.consumer_secret }
        must(await ada.ask('PUT', `/api/v1/services/${definition.link_name}/client`, client), 200)
        return {}
      }
      case 'api_key': {
        const { credentials, places } = keysOf(definition, values)
        await disguise.control('/practice/keys', { parameters: places })
        return { credentials }
      }
      case 'basic': {
        const credentials = { username: `story-${definition.link_name}`, password: 'story-password' }
        await disguise.control('/practice/users', { user: credentials.username, password: credentials.password })
        return { credentials }
      }
    }
  }

  /** While connecting, the test call and the account call are answered as the definition expects; only to who shows a credential. */
  function answersWhileConnecting({ definition }: CatalogueService, values: Values, given: Json): void {
    const { after_connect, test_url } = definition.advanced
    const secrets = () => {
      const { username, password, ...keys } = (given['credentials'] ?? {}) as Values
      const tokens = [...disguise.state.accessTokens.values(), ...disguise.state.tokenCredentials.values()].map(token => token.value)
      return [
        ...tokens,
        ...Object.values(keys),
        ...(username === undefined ? [] : [Buffer.from(`${username}:${password}`).toString('base64')]),
      ]
    }
    const label = firstPath(after_connect?.label_path)
    const id = firstPath(after_connect?.id_path)
    const captured = Object.entries(after_connect?.capture ?? {}).map(
      ([name, path]) => [firstPath(path) ?? name, asSaid(definition, name, values[name] ?? 'x')] as const,
    )
    const document = documentWith([
      ...captured,
      ...(id === undefined ? [] : [[id, 'story-account'] as const]),
      ...(label === undefined ? [] : [[label, id === label ? 'story-account' : 'Story account'] as const]),
    ])
    const url = after_connect?.url ?? test_url
    disguise.identity(url === undefined ? null : fill(url, values), document, secrets)
  }

  const asked = (service: ServiceDefinition, values: Values) =>
    Object.fromEntries(variablesOf(service).map(one => [one.name, values[one.name] ?? '']))

  it.each(services.map(one => [one.definition.link_name, one] as const))('%s connects, calls, renews and revokes', async (_, service) => {
    const { definition } = service
    const values = valuesOf(definition)
    const linkName = linkNameOf(definition)
    const given = await prepare(service, values)
    answersWhileConnecting(service, values, given)

    const created = must(
      await ada.ask('POST', '/api/v1/connections', {
        service: definition.link_name,
        name: linkName,
        link_name: linkName,
        variables: asked(definition, values),
        ...given,
      }),
      201,
    ).json as { authorization: { kind: string; url: string } }
    if (created.authorization.kind === 'redirect') {
      const page = await disguise.visit(created.authorization.url)
      expect(page.location, page.text.replace(/<[^>]*>/g, ' ').slice(0, 500)).not.toBeNull()
      const back = await ada.browser.visit(page.location ?? '')
      expect(back.url, back.text.replace(/<[^>]*>/g, ' ').slice(0, 800)).toBe(`${patchbay.base}/connections/${linkName}`)
    } else expect(created.authorization.kind).toBe('none')
    disguise.identity(null)

    const connection = must(await ada.ask('GET', `/api/v1/connections/${linkName}`), 200).json as Json
    expect(connection).toMatchObject({ status: 'connected', warnings: [] })
    if (definition.advanced.after_connect?.label_path) expect(connection['account'], JSON.stringify(connection)).not.toBeNull()

    const example = fill(service.exampleCall, values)
    expect(placeholdersOf(example)).toEqual([])
    const call = async () => {
      const { status_code, body } = must(await ada.ask('POST', '/api/v1/invoke', { connection: linkName, url: example }), 200).json as {
        status_code: number
        body: Json
      }
      expect([status_code, body['via']], JSON.stringify(body).slice(0, 500)).toEqual([200, via(definition)])
      return body
    }
    const first = await call()
    expect(`${String(first['path'])}`).toBe(new URL(example).pathname)
    const { headers } = first as { headers: Values }
    for (const [name, value] of Object.entries(definition.advanced.headers ?? {}))
      expect(headers[name.toLowerCase()], name).toBe(fill(value, values))

    const base = definition.advanced.base_url === undefined ? null : fill(definition.advanced.base_url, values)
    if (base !== null && example.startsWith(base)) {
      const proxied = await patchbay.admin('GET', `/proxy/${linkName}${example.slice(base.length)}`)
      expect([proxied.status, (proxied.json as Json)['via']], proxied.text.slice(0, 500)).toEqual([200, via(definition)])
    }
    if (definition.auth_type !== 'oauth2') return
    // its token has ended, at the provider too
    disguise.state.clockOffsetMs = 2 * 3600 * 1000
    await sql`update credentials set expires_at = now() - interval '1 minute', refreshed_at = now() - interval '1 hour', next_attempt_at = null
      where connection_id = (select id from connections where link_name = ${linkName})`.execute(patchbay.broker.db)
    patchbay.broker.calls.forgetAll()
    try {
      expect(Number((await call())['token_number'])).toBeGreaterThan(Number(first['token_number']))
    } finally {
      disguise.state.clockOffsetMs = 0
    }

    const { revoked_at_provider } = must(await ada.ask('POST', `/api/v1/connections/${linkName}/revoke`, {}), 200).json as Json
    expect(revoked_at_provider).toBe(definition.revoke_token_url === null ? 'not_supported' : 'pending')
  })

  it('every revocation reached its provider, as the provider wants it', async () => {
    const revoking = services.filter(({ definition }) => definition.auth_type === 'oauth2' && definition.revoke_token_url !== null)
    const told = async () =>
      Promise.all(
        revoking.map(async ({ definition }) => {
          const shown = (await ada.ask('GET', `/api/v1/connections/${linkNameOf(definition)}`)).json as Json
          return `${definition.link_name} ${String(shown['revoked_at_provider'])}`
        }),
      )
    await until(told, all => all.every(one => one.endsWith(' yes')), 25_000)
    expect(disguise.state.counters.revoke['refused'] ?? 0).toBe(0)
    expect(disguise.state.counters.revoke['unknown'] ?? 0).toBe(0)
  })

  it.each(services.filter(one => hasClient(one.definition)).map(one => [one.definition.link_name, one] as const))(
    'a custom service with the token URL of %s may call its API',
    async (_, { definition, exampleCall }) => {
      if (!hasClient(definition)) throw new Error('filtered above')
      const values = valuesOf(definition)
      const url = (template: string | null) => (template === null ? null : fill(template, values))
      const common = {
        name: 'Custom',
        client_id: 'a',
        client_secret: 'b',
        access_token_url: url(definition.access_token_url),
        authorize_url: url(definition.authorize_url),
      }
      const linkName = `own_${definition.link_name}`.slice(0, 50)
      const own =
        definition.auth_type === 'oauth2'
          ? { ...common, link_name: linkName, auth_type: 'oauth2', grant_type: definition.grant_type }
          : { ...common, link_name: linkName, auth_type: 'oauth1', request_token_url: url(definition.request_token_url) }
      const made = must(await ada.ask('POST', '/api/v1/services', own), 201).json as { api_hosts: string[] }
      const example = new URL(fill(exampleCall, values))
      expect(hostAllowed(example, made.api_hosts), `${example.host} is not among ${made.api_hosts.join(', ')}`).toBe(true)
      expect(hostAllowed(new URL('https://evil.test/'), made.api_hosts)).toBe(false)
      must(await ada.ask('DELETE', `/api/v1/services/${linkName}`), 204)
    },
  )
})
