import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Asker, Browser, TestPatchbay } from './patchbay.ts'
import { adminEmail, adminPassword } from './patchbay.ts'

/** What a running Patchbay needs to be furnished: over HTTP only, so that it may run anywhere. */
export type Furnishable = Pick<TestPatchbay, 'admin' | 'nobody' | 'base' | 'browser' | 'practiceUrl'>

/** Everybody's. */
export const password = adminPassword

type Json = Record<string, unknown>

const done = (answer: Answer): Json => {
  if (answer.status >= 400) throw new Error(`furnishing: ${answer.status} ${answer.text.slice(0, 500)}`)
  return (answer.json ?? {}) as Json
}

const longName = 'An old printer with a rather long name, kept for n'
export const longLinkName = 'a_printer_with_a_very_long_link_name_that_is_full_'

/**
 * Fills an empty Patchbay with what an organisation of some months has: people of every role, services of every type, a connection in
 * every status, keys, invitations, calls that worked and calls that did not. Takes about five seconds.
 */
export async function furnish(patchbay: Furnishable): Promise<void> {
  const { admin, base } = patchbay
  const practice = patchbay.practiceUrl
  if (practice === null) throw new Error('furnishing needs the practice service')
  const host = new URL(practice).host
  const post = async (path: string, body: Json, ask: Asker = admin) => done(await ask('POST', path, body))
  const tell = async (path: string, body: Json) => done(await patchbay.nobody('POST', practice + path, body))

  const ada = patchbay.browser()
  await ada.signIn(adminEmail, adminPassword)

  const people = [
    { name: 'Ben Osei', email: 'ben@example.test', role: 'user' },
    { name: 'Cleo Marchetti', email: 'cleo@example.test', role: 'developer' },
  ] as const
  const browsers: Browser[] = []
  for (const { name, email, role } of people) {
    const { accept_url } = await post('/api/v1/members/invitations', { email, role })
    const own = patchbay.browser()
    done(await own.ask('POST', `/api/v1/invitations/${String(accept_url).split('/').at(-1)}/accept`, { name, password }))
    browsers.push(own)
  }
  const [ben, cleo] = browsers as [Browser, Browser]
  await post('/api/v1/members/invitations', { email: 'dora@example.test', role: 'user' })

  const oauth2 = async (linkName: string, name: string, habits: Json = {}, rest: Json = {}) => {
    const wanted = { redirect_uris: [`${base}/oauth/callback/default/${linkName}`], auto: 'accept', ...habits }
    const { client_id, client_secret } = await tell('/oauth2/clients', wanted)
    await post('/api/v1/services', {
      link_name: linkName,
      name,
      auth_type: 'oauth2',
      authorize_url: `${practice}/oauth2/authorize`,
      access_token_url: `${practice}/oauth2/token`,
      revoke_token_url: `${practice}/oauth2/revoke`,
      scope_delimiter: 'space',
      scopes: [
        { name: 'mail.read', description: 'Read messages' },
        { name: 'mail.send', description: 'Send messages as you' },
        { name: 'labels', description: '' },
      ],
      client_id,
      client_secret,
      ...rest,
    })
  }
  await oauth2('practice_mail', 'Practice mail')
  await oauth2('short_lived', 'Ledger', { access_token_seconds: 1 })
  await oauth2('no_refresh', 'Newsletter', { refresh_tokens: false, access_token_seconds: 5400 })
  await oauth2('refuses', 'Archive', { auto: 'reject' })
  const consumer = await tell('/oauth1/clients', { auto: 'accept' })
  await post('/api/v1/services', {
    link_name: 'photographs',
    name: 'Photographs',
    auth_type: 'oauth1',
    request_token_url: `${practice}/oauth1/request_token`,
    authorize_url: `${practice}/oauth1/authorize`,
    access_token_url: `${practice}/oauth1/access_token`,
    client_id: consumer.consumer_key,
    client_secret: consumer.consumer_secret,
  })
  await post('/api/v1/services', {
    link_name: 'weather',
    name: 'Weather of the world',
    description: 'Forecasts and measurements, by station.',
    auth_type: 'api_key',
    param_type: 'header',
    parameters: [
      { name: 'X-Api-Key', display_name: 'API key' },
      { name: 'X-Account', display_name: 'Account number', secret: false },
    ],
    api_hosts: [host],
  })
  await post('/api/v1/services', { link_name: 'printer', name: 'Label printer', auth_type: 'basic', api_hosts: [host] })

  /** Create and Connect in somebody's browser; the end of the browser's way is left to the service. */
  const connect = async (browser: Browser, body: Json) => {
    const { authorization } = await post('/api/v1/connections', body, browser.ask)
    const { kind, url } = authorization as { kind: string; url?: string }
    if (kind === 'redirect' && url !== undefined) await browser.visit(url)
  }
  await connect(ada, { service: 'practice_mail', name: 'Practice mail', link_name: 'practice_mail', scopes: ['mail.read', 'mail.send'] })
  await connect(ada, { service: 'photographs', name: 'Photographs of the year', link_name: 'photographs' })
  await connect(ada, {
    service: 'weather',
    name: 'Weather',
    link_name: 'weather',
    credentials: { 'X-Api-Key': 'practice-key', 'X-Account': 'a-1' },
  })
  await connect(ada, {
    service: 'printer',
    name: 'Printer in the hall',
    link_name: 'printer_hall',
    access: 'organization',
    credentials: { username: 'practice', password: 'practice-password' },
  })
  await connect(ada, { service: 'printer', name: 'Printer upstairs', link_name: 'printer_upstairs' })
  await connect(ada, { service: 'printer', name: longName, link_name: longLinkName, credentials: { username: 'ada', password: 'p' } })
  await post(`/api/v1/connections/${longLinkName}/revoke`, {})
  await connect(ada, { service: 'no_refresh', name: 'Newsletter', link_name: 'newsletter', scopes: ['mail.read'] })
  await connect(ada, { service: 'refuses', name: 'Archive', link_name: 'archive' })
  await connect(ada, {
    service: 'practice_mail',
    name: 'Mail of everybody',
    link_name: 'mail_of_everybody',
    scopes: ['mail.read'],
    use_login_user_credentials: true,
  })
  await connect(cleo, {
    service: 'weather',
    name: 'Weather for reports',
    link_name: 'weather_reports',
    credentials: { 'X-Api-Key': 'k', 'X-Account': 'c-7' },
  })
  const authorised = await post('/api/v1/connections/mail_of_everybody/authorize', {}, ben.ask)
  await ben.visit((authorised.authorization as { url: string }).url)
  await connect(ada, { service: 'short_lived', name: 'Ledger of this year', link_name: 'ledger' })
  await connect(ada, { service: 'short_lived', name: 'Ledger of last year', link_name: 'ledger_old' })

  const invoke = (connection: string, url: string, ask: Asker = admin) => ask('POST', '/api/v1/invoke', { connection, url })
  await delay(1100) // until both ledgers' tokens have ended
  await tell('/practice/misbehave', { endpoint: 'token', grant_type: 'refresh_token', kind: '500' })
  await invoke('ledger', `${practice}/api/echo`)
  await tell('/practice/misbehave', { endpoint: 'token', grant_type: 'refresh_token', status: 400, body: { error: 'invalid_grant' } })
  await invoke('ledger_old', `${practice}/api/echo`)

  for (let index = 0; index < 40; index++) {
    const path = index % 9 === 0 ? 'status/404' : index % 13 === 0 ? 'status/500' : `echo?page=${index}`
    if (index % 3 === 0) await invoke('practice_mail', `${practice}/api/${path}`)
    else await invoke('weather', `${practice}/key/${path}`)
  }
  await invoke('weather', 'https://example.com/')
  await invoke('printer_hall', `${practice}/basic/me`, ben.ask)
  await invoke('mail_of_everybody', `${practice}/api/me`, ben.ask)
  await post('/api/v1/api-keys', { name: 'Nightly export', connections: ['weather'], invoke_only: true })
  await post('/api/v1/api-keys', { name: 'Reports', expires_at: new Date(Date.now() + 30 * 86_400_000).toISOString() }, cleo.ask)
  await furnishFunctions(patchbay, practice)
  done(await ben.ask('POST', '/api/v1/services/hubspot/request', { note: 'For the spring campaign, please.' }))
}

const forecast = (practice: string, comment: string): string => `string standalone.forecast(string station, int days, map options)
{
	// ${comment}
	info "asking for " + station;
	response = invokeurl
	[
		url: "${practice}/key/echo?station=" + encodeUrl(ifnull(station,"Kew"))
		type: GET
		connection: "weather"
	];
	return response;
}
`

/** Functions of two categories, one of them with a history, runs, a schedule and an address of its own. */
async function furnishFunctions({ admin }: Furnishable, practice: string): Promise<void> {
  const ask = async (method: string, path: string, body: Json) => done(await admin(method, `/api/v1/functions${path}`, body))
  await ask('POST', '', { source: forecast(practice, 'one day'), description: 'What the weather will be at a station.' })
  await ask('PUT', '/standalone/forecast', { source: forecast(practice, 'as many days as wanted'), note: 'More than one day' })
  await ask('POST', '', {
    source: 'string button.divide(int by)\n{\n\tx = 100;\n\treturn x / by;\n}\n',
    description: 'Fails when it is asked to.',
  })
  await ask('POST', '', { source: 'string automation.tidy_up()\n{\n\treturn "done";\n}\n' })
  await ask('POST', '/standalone/forecast/run', { arguments: { station: 'Kew Gardens', days: 3 } })
  await ask('POST', '/button/divide/run', { arguments: { by: 0 } })
  await ask('PUT', '/standalone/forecast/exposure', { api_key: true, oauth: true, mapping: { station: { json: 'place.name' } } })
  await ask('POST', '/standalone/forecast/schedules', {
    cron: '0 6 * * mon-fri',
    time_zone: 'Europe/London',
    arguments: { station: 'Kew' },
  })
  await ask('PUT', '/variables/region', { value: 'eu', description: 'Which data centre the scripts call.' })
  await ask('PUT', '/variables/shared_secret', { value: 'not for anybody', secret: true, function: 'standalone.forecast' })
}

/** Every page that is worth a look, by the name of its picture, as the administrator sees it. */
export const pagePaths: Readonly<Record<string, string>> = {
  connections: '/connections',
  'connections-all': '/connections?view=all',
  'connections-shared': '/connections?view=others',
  'connections-none': '/connections?q=nothing+has+this+name',
  connection: '/connections/practice_mail',
  'connection-key': '/connections/weather',
  'connection-login-user': '/connections/mail_of_everybody',
  'connection-not-connected': '/connections/printer_upstairs',
  'connection-declined': '/connections/archive',
  'connection-refresh-failing': '/connections/ledger',
  'connection-reauthorization': '/connections/ledger_old',
  'connection-revoked-long': `/connections/${longLinkName}`,
  'connection-no-refresh-token': '/connections/newsletter',
  'connection-unknown': '/connections/there_is_none',
  'add-connection': '/add-connection',
  'add-connection-details': '/add-connection?service=practice_mail',
  'add-connection-not-set-up': '/add-connection?service=hubspot',
  authorized: '/authorized?connection=practice_mail',
  welcome: '/welcome',
  services: '/services',
  'services-custom': '/services?kind=custom',
  'service-default': '/services/hubspot',
  'service-custom': '/services/practice_mail',
  'service-edit': '/services/practice_mail/edit',
  'service-edit-key': '/services/weather/edit',
  'add-service': '/add-service',
  'add-service-connect': '/add-service?connect=true',
  functions: '/functions',
  'functions-none': '/functions?q=nothing+has+this+name',
  'functions-runs': '/functions?view=runs',
  'functions-schedules': '/functions?view=schedules',
  'functions-variables': '/functions?view=variables',
  function: '/functions/standalone/forecast',
  'function-runs': '/functions/standalone/forecast?part=runs',
  'function-history': '/functions/standalone/forecast?part=history',
  'function-exposure': '/functions/standalone/forecast?part=exposure',
  'function-schedules': '/functions/standalone/forecast?part=schedules',
  'function-variables': '/functions/standalone/forecast?part=variables',
  'function-unknown': '/functions/standalone/there_is_none',
  'add-function': '/add-function',
  'bring-scripts': '/bring-scripts',
  invocations: '/invocations',
  'invocations-errors': '/invocations?status=error',
  audit: '/audit',
  members: '/members',
  'api-keys': '/api-keys',
  settings: '/settings',
  'not-found': '/services/there_is_none',
}
