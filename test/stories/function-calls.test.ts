import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, counters, joins, keyDefinition, must, oauth2Service, practice, practiceUrl, type Member } from '../support/practice-services.ts' // prettier-ignore

/** Functions called from outside by their address (FN-1 … FN-9), and one that is an OAuth 2 client of its own (F-5). */
describe.each(['pglite', 'postgres'] as const)('functions called from outside [%s]', database => {
  let patchbay: TestPatchbay
  let dev: Member
  let key: string
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    dev = await joins(patchbay, 'Cleo', 'developer')
    // the first function that is opened makes the key; its address is ready
    const first = must(await dev.ask('POST', '/api/v1/functions', { source: 'int standalone.first() { return 1; }' }), 201).json
    expect(first.exposure).toEqual({ api_key: false, oauth: false })
    const { url } = must(await dev.ask('PUT', '/api/v1/functions/standalone/first/exposure', { api_key: true }), 200).json
    expect(await (await fetch(String(url))).json()).toMatchObject({ details: { output: '1', output_type: 'int' } })
    key = new URL(String(url)).searchParams.get('zapikey') ?? ''
    const [row] = await patchbay.broker.db.selectFrom('function_settings').selectAll().execute()
    expect(JSON.stringify(row) + String(row?.sealed_key)).not.toContain(key)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const exposed = async (name: string, source: string, exposure: Record<string, unknown> = { api_key: true }) => {
    must(await dev.ask('PUT', `/api/v1/functions/standalone/${name}`, { source }), 201)
    must(await dev.ask('PUT', `/api/v1/functions/standalone/${name}/exposure`, exposure), 200)
  }
  const at = (name: string, query = '') => `${patchbay.base}/functions/${name}/actions/execute?auth_type=apikey&zapikey=${key}${query}`
  const post = (url: string, body: string | FormData, headers: Record<string, string> = {}) => fetch(url, { method: 'POST', body, headers })

  it('FN-8 a webhook reaches a service through an OAuth 2 connection whose token has expired, and gets the script’s own status and type', async () => {
    await oauth2Service(patchbay, 'orders', { by: dev.ask, habits: { access_token_seconds: 1 } })
    await connect(dev, { service: 'orders', link_name: 'orders' })
    await exposed(
      'on_order',
      `map standalone.on_order(map crmAPIRequest)
{
	order = crmAPIRequest.get("body").toMap();
	response = invokeurl
	[
		url: "${practiceUrl(patchbay)}/api/echo"
		type: POST
		parameters: {"order":order.get("id").toString(),"from":crmAPIRequest.get("headers").get("x-shop")}.toString()
		headers: {"Content-Type":"application/json"}
		connection: "orders"
		detailed: true
	];
	sent = response.get("responseText").toMap().get("body");
	reply = Map();
	reply.put("status_code", 202);
	reply.put("Content-Type", "text/csv");
	reply.put("headers", {"X-Order":order.get("id"),"Set-Cookie":"a=b"});
	reply.put("body", "order," + sent + "," + response.get("responseCode"));
	return {"crmAPIResponse":reply};
}`,
    )
    await delay(1500)
    const before = (await counters(patchbay)).token
    const answer = await post(at('on_order', '&x=1'), '{"id":1234567890123456789,"customer":"Zoë"}', {
      'content-type': 'application/json',
      'x-shop': 'north',
      authorization: 'Bearer something-of-the-caller',
    })
    const text = await answer.text()
    expect(answer.status, text).toBe(202)
    expect(answer.headers.get('content-type')).toBe('text/csv')
    expect(answer.headers.get('x-order')).toBe('1234567890123456789')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
    expect(text).toContain('1234567890123456789')
    expect(text).toContain('north')
    expect(text.endsWith(',200')).toBe(true)
    expect((await counters(patchbay)).token).not.toEqual(before)
  })

  it('FN-6 the request is whole but for what proves who calls, and a caller cannot write it', async () => {
    await exposed(
      'looks',
      'map standalone.looks(map crmAPIRequest, string a, string b) { crmAPIRequest.put("a", a); crmAPIRequest.put("b", b); return crmAPIRequest; }',
      {
        api_key: true,
        mapping: { b: { header: 'X-Auth-Request-Email' } },
      },
    )
    const ofProxies = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-user', 'x-forwarded-email', 'x-real-ip', 'x-original-url', 'true-client-ip', 'cf-connecting-ip', 'x-client-ip', 'remote-user', 'x-remote-user', 'x-auth-request-email', 'x-authentik-username', 'x-amzn-oidc-data', 'x-goog-authenticated-user-email', 'x-ms-client-principal-name', 'cf-access-jwt-assertion', 'tailscale-user-login', 'x-webauth-user', 'patchbay-subject-of'] // prettier-ignore
    const answer = await post(at('looks', '&a=query&crmAPIRequest=%7B%22body%22%3A%22forged%22%7D'), 'raw ✓ text', {
      'content-type': 'text/plain',
      authorization: 'Bearer secret-of-the-caller',
      cookie: 'session=secret-of-the-caller',
      ...Object.fromEntries(ofProxies.map(name => [name, 'secret-of-the-proxy'])),
      referer: at('looks'),
      'x-page': `https://example.test/?next=${encodeURIComponent(at('looks'))}`,
      'x-hub-signature': 'sha256=kept',
      'x-auth-token': 'kept',
    })
    const text = await answer.text()
    expect(text).not.toContain('secret-of-the-caller')
    expect(text).not.toContain('secret-of-the-proxy')
    expect(text).not.toContain(key)
    const { details } = JSON.parse(text) as { details: { output: string } }
    expect(JSON.parse(details.output)).toMatchObject({
      file_content: null,
      headers: { 'x-hub-signature': 'sha256=kept', 'x-auth-token': 'kept', 'content-type': 'text/plain' },
      auth_type: 'apikey',
      method: 'POST',
      user_info: {},
      record: {},
      params: { a: 'query' },
      body: 'raw ✓ text',
      a: 'query',
    })
  })

  it('X05 whom a call is for says only a key that acts for others, and the script is told of that person alone', async () => {
    const ada = await administrator(patchbay)
    const bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
    await connect(ada, { service: 'echo', link_name: 'lent', credentials: { 'X-Api-Key': 'practice-key' } })
    await exposed('tells', 'map standalone.tells(map crmAPIRequest) { return crmAPIRequest.get("user_info"); }', {
      api_key: true,
      oauth: true,
    })
    const made = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'acts', connections: ['lent'], act_as: true }), 201)
    const subject = { 'patchbay-subject': bob.email }
    const byMember = at('tells').replace(/auth_type=.*/, 'auth_type=oauth')
    const told = await (await fetch(byMember, { headers: { ...subject, authorization: `Bearer ${String(made.json.key)}` } })).json()
    expect(JSON.parse((told as { details: { output: string } }).details.output)).toEqual({ id: bob.id, full_name: 'Bob' })
    const refused = await fetch(at('tells'), { headers: subject })
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([403, 'act_as_not_allowed'])
  })

  it('FN-5 files and texts of a multipart form are the arguments of their names', async () => {
    await exposed(
      'takes',
      'string standalone.takes(file photo, string title, int n) { return title + ":" + photo.getFileName() + ":" + photo.getFileSize() + ":" + n; }',
    )
    const form = new FormData()
    form.set('title', 'Sea')
    form.set('photo', new Blob(['0123456789'], { type: 'image/png' }), 'sea.png')
    form.set('arguments', '{"n":7}')
    const answer = await post(at('takes'), form)
    expect(((await answer.json()) as { details: { output: string } }).details.output).toMatch(/^Sea:sea\.png:10.*:7$/)
    // the same on the door of members
    const own = new FormData()
    own.set('photo', new Blob(['01234']), 'a.bin')
    own.set('arguments', '{"n":1,"title":"T"}')
    const limited = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'mine' }), 201).json.key as string
    const run = await post(`${patchbay.base}/api/v1/functions/standalone/takes/run`, own, { authorization: `Bearer ${limited}` })
    expect(await run.json()).toMatchObject({ status: 'success', output: expect.stringMatching(/^T:a\.bin:5.*:1$/) })
  })

  it('an argument comes from where the exposure says: a fixed value, a header, the query, a path of the body', async () => {
    await exposed('mapped', 'string standalone.mapped(string a, string b, string c, int d) { return a + "," + b + "," + c + "," + d; }', {
      api_key: true,
      mapping: { a: { fixed: 'always' }, b: { header: 'X-From' }, c: { query: 'other' }, d: { json: '$.items.1.count' } },
    })
    const answer = await post(at('mapped', '&a=mine&other=q'), '{"items":[{"count":1},{"count":42}]}', {
      'content-type': 'application/json',
      'x-from': 'h',
    })
    expect(((await answer.json()) as { details: { output: string } }).details.output).toBe('always,h,q,42')
  })

  it('FN-1 with oauth a member’s key runs it as that member; FN-7 void; FN-9 a failure says the line', async () => {
    await exposed('who', 'string standalone.who() { return zoho.loginuserid; }', { oauth: true })
    await exposed('nothing', 'void standalone.nothing() { x = 1; }')
    await exposed('fails', 'string standalone.fails()\n{\n\tx = 1 / 0;\n\treturn x;\n}')
    const own = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'member' }), 201).json.key as string
    const url = `${patchbay.base}/functions/who/actions/execute?auth_type=oauth`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${own}` } })
    expect(await answer.json()).toMatchObject({ details: { output: dev.email } })
    expect((await fetch(url)).status).toBe(401)
    expect((await fetch(at('who'))).status).toBe(404)
    expect(await (await fetch(at('nothing'))).json()).toMatchObject({ code: 'success', details: { type: 'VOID', output: null } })
    const failed = await fetch(at('fails'))
    expect(failed.status).toBe(500)
    expect(await failed.json()).toMatchObject({
      status: 'error',
      code: 'function_failed',
      message: expect.stringContaining('Divide by zero'),
      details: { line: 3 },
    })
  })

  it('FN-3 a key with scopes calls by GET with READ, by POST with CREATE, and does nothing else', async () => {
    await exposed('scoped', 'string standalone.scoped() { return zoho.loginuserid; }', { oauth: true })
    const url = `${patchbay.base}/functions/scoped/actions/execute?auth_type=oauth`
    const made = async (scopes: unknown) => dev.ask('POST', '/api/v1/api-keys', { name: 'scoped', scopes })
    const call = async (method: string, key: string) => {
      const answer = await fetch(url, { method, headers: { authorization: `Zoho-oauthtoken ${key}` } })
      const { code, details } = (await answer.json()) as { code: string; details: { output?: string; scope?: string } }
      return [answer.status, code, details.scope ?? details.output]
    }
    const read = 'ZohoCRM.functions.execute.READ'
    const create = 'ZohoCRM.functions.execute.CREATE'
    const done = [200, 'success', dev.email]
    const lacks = (scope: string) => [403, 'insufficient_scope', scope]
    for (const [scopes, get, post] of [
      [[read], done, lacks(create)],
      [[create], lacks(read), done],
      [[read, create], done, done],
      [['ZohoCRM.functions.execute.ALL'], done, done],
      [['ZohoCRM.functions.ALL'], done, done],
      [['ZohoCRM.modules.ALL'], lacks(read), lacks(create)],
      [null, done, done],
    ] as const) {
      const { key, scopes: kept } = must(await made(scopes), 201).json as { key: string; scopes: string[] | null }
      expect(kept).toEqual(scopes)
      expect([await call('GET', key), await call('POST', key)], String(scopes)).toEqual([get, post])
    }

    const limited = patchbay.withKey(String(must(await made(['ZohoCRM.functions.ALL']), 201).json.key))
    for (const [method, path, body] of [
      ['GET', '/api/v1/me'],
      ['GET', '/api/v1/connections'],
      ['GET', '/api/v1/functions'],
      ['POST', '/api/v1/functions/standalone/scoped/run', {}],
      ['POST', '/api/v1/invoke', { url: `${practiceUrl(patchbay)}/api/echo` }],
      ['GET', '/proxy/orders/api/echo'],
      ['POST', '/api/v1/api-keys', { name: 'more' }],
    ] as const)
      expect([path, (await limited(method, path, body)).json?.code]).toEqual([path, 'insufficient_scope'])
    for (const wrong of [[], ['ZohoCRM.functions'], ['read'], [`${read},${create}`]])
      expect((await made(wrong)).json, String(wrong)).toMatchObject({ code: 'validation_failed' })
  })

  it('a connection with the login user’s credentials has none here: the reply says so', async () => {
    await oauth2Service(patchbay, 'personal', { by: dev.ask })
    await connect(dev, { service: 'personal', link_name: 'personal', use_login_user_credentials: true })
    await exposed(
      'personal',
      `string standalone.personal() { r = invokeurl [ url: "${practiceUrl(patchbay)}/api/me" connection: "personal" ]; return "done"; }`,
    )
    const answer = await fetch(at('personal'))
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({
      code: 'authorization_required',
      details: { connection: 'personal', reason: 'no_login_user' },
    })
  })

  it('F-5 a function is an OAuth 2 client of its own: it receives the code on its address, and keeps its tokens from run to run', async () => {
    const url = at('oauth')
    const client = must(await practice(patchbay, 'POST', '/oauth2/clients', { redirect_uris: [url], auto: 'accept', access_token_seconds: 1 }), 201).json as { client_id: string; client_secret: string } // prettier-ignore
    for (const [name, value, secret] of [
      ['client_id', client.client_id, false],
      ['client_secret', client.client_secret, true],
      ['own_url', url, true],
      ['access_token', null, true],
      ['refresh_token', null, true],
    ] as const)
      must(await dev.ask('PUT', `/api/v1/functions/variables/${name}`, { value, secret, type: 'text' }), 201)
    await exposed(
      'oauth',
      `map standalone.oauth(string code)
{
	body = Map();
	body.put("client_id", zoho.crm.getOrgVariable("client_id"));
	body.put("client_secret", zoho.crm.getOrgVariable("client_secret"));
	if(code != null)
	{
		body.put("grant_type", "authorization_code");
		body.put("code", code);
		body.put("redirect_uri", zoho.crm.getOrgVariable("own_url"));
	}
	else
	{
		body.put("grant_type", "refresh_token");
		body.put("refresh_token", zoho.crm.getOrgVariable("refresh_token"));
	}
	tokens = invokeurl
	[
		url: "${practiceUrl(patchbay)}/oauth2/token"
		type: POST
		parameters: body
	];
	info tokens.keys();
	zoho.crm.setOrgVariable("access_token", tokens.get("access_token"));
	if(tokens.containKey("refresh_token"))
	{
		zoho.crm.setOrgVariable("refresh_token", tokens.get("refresh_token"));
	}
	headers = Map();
	headers.put("Authorization", "Bearer " + zoho.crm.getOrgVariable("access_token"));
	me = invokeurl
	[
		url: "${practiceUrl(patchbay)}/api/me"
		type: GET
		headers: headers
		detailed: true
	];
	return {"status":me.get("responseCode")};
}`,
    )
    const start = new URL(`${practiceUrl(patchbay)}/oauth2/authorize`)
    start.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: url,
      scope: 'mail.read',
      state: 's',
    }).toString()
    const sent = await fetch(start, { redirect: 'manual' })
    const back = sent.headers.get('location') ?? ''
    expect(back.startsWith(url)).toBe(true)
    const first = (await (await fetch(back)).json()) as { details: { output: string } }
    expect(first.details.output, JSON.stringify(first)).toBe('{"status":200}')
    await delay(1200)
    const second = (await (await fetch(url)).json()) as { details: { output: string } }
    expect(second.details.output, JSON.stringify(second)).toBe('{"status":200}')
    const { token } = await counters(patchbay)
    expect(JSON.stringify(token)).toContain('refresh_token')
    const rows = await patchbay.broker.db.selectFrom('function_variables').selectAll().execute()
    expect(rows.filter(row => row.secret).every(row => row.value === null && row.sealed !== null)).toBe(true)
  })
})
