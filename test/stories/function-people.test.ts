import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Patchbay } from '../../sdk/index.ts'
import { runScheduled } from '../../src/broker/function-due.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  connect,
  joins,
  keyDefinition,
  must,
  practice,
  practiceUrl,
  refusal,
  until,
  type Member,
} from '../support/practice-services.ts'

/** For whom a function runs, what it may send in their name, and what becomes of it when its people leave. */
describe.each(['pglite', 'postgres'] as const)('functions and people [%s]', database => {
  let mail: MailServer
  let patchbay: TestPatchbay
  let ada: Member
  let dev: Member
  let bob: Member
  beforeAll(async () => {
    mail = await startMailServer()
    patchbay = await startPatchbay({ database, settings: { PATCHBAY_SMTP_URL: mail.url, PATCHBAY_MAIL_FROM: 'patchbay@example.test' } })
    ada = await administrator(patchbay)
    dev = await joins(patchbay, 'Cleo', 'developer')
    bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await mail.close()
  })

  const save = async (member: Member, path: string, source: string) =>
    must(await member.ask('PUT', `/api/v1/functions/${path.replace('.', '/')}`, { source }), 201)
  const ran = async (ask: Asker, path: string, given: Record<string, unknown> = {}) =>
    must(await ask('POST', `/api/v1/functions/${path.replace('.', '/')}/run`, { arguments: given }), 200).json

  it('C-9 a key that acts for a member runs functions for them: their login, their credentials', async () => {
    await connect(ada, {
      service: 'echo',
      link_name: 'each_own',
      use_login_user_credentials: true,
      credentials: { 'X-Api-Key': 'practice-key' },
    })
    await save(
      ada,
      'standalone.acts',
      `string standalone.acts() { r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: "each_own" ]; return zoho.loginuserid; }`,
    )
    const made = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'bot', connections: ['each_own'], act_as: true }), 201)
    const bot = patchbay.withKey(String(made.json.key), { 'patchbay-subject': bob.email })
    const { error } = await ran(bot, 'standalone.acts')
    expect(error).toMatchObject({ code: 'authorization_required' })
    expect(new URL(String(error.connect_url)).searchParams.get('for')).toBe(bob.id)
    must(await bob.ask('POST', '/api/v1/connections/each_own/authorize', { credentials: { 'X-Api-Key': 'practice-key' } }), 200)
    expect(await ran(bot, 'standalone.acts')).toMatchObject({ output: bob.email })
  })

  it('sendmail goes out in the name of the administrator or of whoever runs it, never of others', async () => {
    const source = (from: string) =>
      `void standalone.mails(string to)\n{\n\tsendmail\n\t[\n\t\tfrom: ${from}\n\t\tto: to\n\t\tsubject: "Order"\n\t\tmessage: "<b>Sea</b>"\n\t]\n}`
    await save(dev, 'standalone.mails', source('zoho.adminuserid'))
    const answer = await ran(bob.ask, 'standalone.mails', { to: 'customer@example.test' })
    expect(answer, JSON.stringify(answer)).toMatchObject({ status: 'success', calls: 1 })
    expect(mail.mails.at(-1)).toMatchObject({ to: 'customer@example.test' })
    expect(mail.mails.at(-1)?.text).toMatch(/From: patchbay@example\.test[\s\S]*Reply-To: ada@example\.test/)
    must(await dev.ask('PUT', '/api/v1/functions/standalone/mails', { source: source('"boss@example.test"') }), 200)
    expect((await ran(bob.ask, 'standalone.mails', { to: 'customer@example.test' })).error.message).toContain('administrator')
    expect(mail.mails.filter(one => one.to === 'customer@example.test')).toHaveLength(1)
    mail.refuse = true
    must(await dev.ask('PUT', '/api/v1/functions/standalone/mails', { source: source('zoho.loginuserid') }), 200)
    expect((await ran(bob.ask, 'standalone.mails', { to: 'customer@example.test' })).error).toMatchObject({
      code: 'mail_not_sent',
      line: 3,
    })
  })

  it('U-3 a key that stands in forms joins the fields and the parts a script sends, and its own header gives way to the connection’s (CON-75)', async () => {
    const form = { param_type: 'form', parameters: [{ name: 'api_key', display_name: 'API key' }] }
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'form_key', form)), 201)
    await connect(dev, { service: 'form_key', link_name: 'form_key', credentials: { api_key: 'practice-key' } })
    await connect(dev, { service: 'echo', link_name: 'by_header', credentials: { 'X-Api-Key': 'practice-key' } })
    const echo = `${practiceUrl(patchbay)}/key/echo`
    await save(
      dev,
      'standalone.forms',
      `list standalone.forms()
{
	f = "a file".toFile("a.txt");
	f.setParamName("attachment");
	urlencoded = invokeurl [ url: "${echo}" type: POST parameters: {"a":"1 ü"} connection: "form_key" detailed: true ];
	multipart = invokeurl [ url: "${echo}" type: POST parameters: {"b":"2"} files: f connection: "form_key" detailed: true ];
	header = invokeurl [ url: "${echo}" type: GET headers: {"X-API-Key":"mine","X-Other":"kept"} connection: "by_header" detailed: true ];
	json = invokeurl [ url: "${echo}" type: POST parameters: {"c":3}.toString() headers: {"Content-Type":"application/json"} connection: "by_header" detailed: true ];
	return {urlencoded.get("responseCode"), multipart.get("responseCode"), header.get("responseCode"), json.get("responseCode"), header.get("responseText").contains("kept"), urlencoded.get("responseText"), multipart.get("responseText"), json.get("responseText")};
}`,
    )
    const answer = await ran(bob.ask, 'standalone.forms')
    const [one, two, three, four, kept, urlencoded, multipart, json] = answer.output as [
      number,
      number,
      number,
      number,
      boolean,
      string,
      string,
      string,
    ]
    expect([one, two, three, four, kept], JSON.stringify(answer)).toEqual([200, 200, 200, 200, true])
    expect(String(urlencoded)).toContain('1 ü')
    expect(String(multipart)).toContain('a.txt')
    expect(String(json)).toContain('application/json')
  })

  it('C-3 a called function has its own variables and its own author, whoever calls it', async () => {
    const eve = await joins(patchbay, 'Vera', 'developer')
    const put = (name: string, body: object) => dev.ask('PUT', `/api/v1/functions/variables/${name}`, body)
    await save(
      eve,
      'standalone.inner',
      'string standalone.inner(string write) { if(write != null) { zoho.crm.setOrgVariable("whose", write); } return zoho.crm.getOrgVariable("whose"); }',
    )
    await save(
      dev,
      'standalone.calls_inner',
      'list standalone.calls_inner(string write) { a = zoho.crm.getOrgVariable("whose"); b = standalone.inner(write); return {a, b, zoho.crm.getOrgVariable("whose")}; }',
    )
    must(await put('whose', { value: 'organisation' }), 201)
    must(await put('whose', { value: 'caller', function: 'standalone.calls_inner' }), 201)
    expect(await ran(bob.ask, 'standalone.calls_inner')).toMatchObject({ output: ['caller', 'organisation', 'caller'] })
    must(await put('whose', { value: 'called', function: 'standalone.inner' }), 201)
    expect(await ran(bob.ask, 'standalone.calls_inner', { write: 'new' })).toMatchObject({ output: ['caller', 'new', 'caller'] })
    expect(await ran(bob.ask, 'standalone.inner')).toMatchObject({ output: 'new' })

    await connect(ada, {
      service: 'echo',
      link_name: 'for_cleo',
      access: { members: [dev.id] },
      credentials: { 'X-Api-Key': 'practice-key' },
    })
    const uses = (name: string) =>
      `string standalone.${name}() { n = "for_" + "cleo"; r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: n detailed: true ]; return r.get("responseCode").toString(); }`
    await save(dev, 'standalone.may', uses('may'))
    await save(eve, 'standalone.may_not', uses('may_not'))
    await save(eve, 'standalone.calls_may', 'string standalone.calls_may() { return standalone.may(); }')
    await save(dev, 'standalone.calls_may_not', 'string standalone.calls_may_not() { return standalone.may_not(); }')
    expect(await ran(bob.ask, 'standalone.calls_may')).toMatchObject({ output: '200' })
    expect((await ran(bob.ask, 'standalone.calls_may_not')).error).toMatchObject({ code: 'connection_not_found' })
  })

  it('a file may hold several functions; its own stands anywhere among them', async () => {
    await save(
      dev,
      'standalone.main',
      'string standalone.part(string a) { return a + a; }\nstring standalone.main(string b) { return standalone.part(b) + "!"; }',
    )
    expect(await ran(bob.ask, 'standalone.main', { b: 'x' })).toMatchObject({ output: 'xx!' })
  })

  it('the SDK saves, runs with info as it comes, and reads errors with their place', async () => {
    const key = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'sdk' }), 201).json.key as string
    const { functions } = new Patchbay({ url: patchbay.base, apiKey: key })
    await expect(functions.save('standalone', 'sdk', { source: 'string standalone.sdk() { return x; }' })).rejects.toMatchObject({
      code: 'script_invalid',
      errors: [{ path: 'source', line: 1, column: expect.any(Number) as number }],
    })
    const saved = await functions.save('standalone', 'sdk', { source: 'map standalone.sdk(int n) { info n; info n + 1; return {"n":n}; }' })
    expect(saved).toMatchObject({ revision: 1, warnings: [] })
    const lines: string[] = []
    const run = await functions.runStreaming('standalone', 'sdk', { n: 4 }, line => lines.push(`${line.line}: ${line.text}`))
    expect(run).toMatchObject({ status: 'success', output: { n: 4 }, info: ['4', '5'] })
    expect(lines).toEqual(['1: 4', '1: 5'])
    await expect(functions.runStreaming('standalone', 'sdk', { n: 'x' }, () => {})).rejects.toMatchObject({ code: 'validation_failed' })
    const names = []
    for await (const one of functions.list({ limit: 2 })) names.push(one.name)
    expect(names).toContain('sdk')
    expect((await functions.runs('standalone', 'sdk')).data[0]).toMatchObject({ id: run.id, door: 'api' })
  })

  it('URL-28 a number of 19 digits stays what it is: in a run, in the log of runs, in variables, in what the SDK hands on', async () => {
    const id = '9007199254740993001'
    await save(dev, 'standalone.ids', 'map standalone.ids(int id, map order) { return {"id":id,"order":order}; }')
    const run = must(await dev.ask('POST', '/api/v1/functions/standalone/ids/run', `{"arguments":{"id":${id},"order":{"id":${id}}}}`), 200)
    expect(run.text).toContain(`"output":{"id":${id},"order":{"id":${id}}}`)
    const logged = must(await dev.ask('GET', `/api/v1/functions/runs/${String(run.json.id)}`), 200)
    expect(logged.text).toContain(`"arguments":{"id":${id},"order":{"id":${id}}},"output":{"id":${id},"order":{"id":${id}}}`)
    expect(logged.json).toMatchObject({ status: 'success', function: 'standalone.ids', info: [] })
    must(await dev.ask('PUT', '/api/v1/functions/variables/long_id', `{"value":${id}}`), 201)
    const key = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'exact' }), 201).json.key as string
    const { functions } = new Patchbay({ url: patchbay.base, apiKey: key })
    const texts: string[] = []
    const onText = (text: string) => void texts.push(text)
    await functions.getRun(String(run.json.id), { onText })
    await functions.variables({ onText })
    expect(texts).toEqual([logged.text, expect.stringContaining(`"value":${id}`)])
    const argumentsText = `{"id":${id},"order":{"id":${id}}}`
    const made = await functions.schedule('standalone', 'ids', { cron: '0 0 1 1 *' }, { argumentsText })
    await functions.editSchedule(made.id, { enabled: false }, { argumentsText: `{"id":${id}}` })
    await functions.schedules('standalone', 'ids', { onText })
    expect(texts[2]).toContain(`"arguments":{"id":${id}}`)
  })

  it('an organisation’s settings are how its scripts write dates, for administrators to change', async () => {
    await save(dev, 'standalone.dates', `string standalone.dates() { return "2026-11-22".toDate().toString(); }`)
    expect(refusal(await dev.ask('PUT', '/api/v1/functions/settings', { date_format: 'yyyy/MM/dd' }))).toBe('forbidden')
    expect(refusal(await ada.ask('PUT', '/api/v1/functions/settings', { time_zone: 'Mars/Base' }))).toBe('validation_failed: time_zone')
    must(await ada.ask('PUT', '/api/v1/functions/settings', { date_format: 'yyyy/MM/dd', time_zone: 'Europe/Berlin' }), 200)
    expect(await ran(bob.ask, 'standalone.dates')).toMatchObject({ output: '2026/11/22' })
  })

  it('F-3 a task without a connection uses the organisation’s default for its namespace, at the origin that is set', async () => {
    await save(dev, 'standalone.api', 'map standalone.api() { return invokeapi [ service: zohocrm path: "key/echo" type: GET ]; }')
    expect((await ran(bob.ask, 'standalone.api')).error.message).toMatch(/default connection|zoho\.crm/)
    await connect(dev, { service: 'echo', link_name: 'crm_default', credentials: { 'X-Api-Key': 'practice-key' } })
    const set = { default_connections: { 'zoho.crm': 'crm_default' }, api_origins: { 'zoho.crm': practiceUrl(patchbay) } }
    must(await ada.ask('PUT', '/api/v1/functions/settings', set), 200)
    const answer = await ran(bob.ask, 'standalone.api')
    expect(answer, JSON.stringify(answer)).toMatchObject({ status: 'success', output: { method: 'GET' } })
    // the default is nobody's way around its access: the author must be allowed to use it
    await save(
      ada,
      'standalone.api_of_ada',
      'map standalone.api_of_ada() { return invokeapi [ service: zohocrm path: "key/echo" type: GET ]; }',
    )
    expect((await ran(bob.ask, 'standalone.api_of_ada')).error).toMatchObject({ code: 'connection_not_found' })
  })

  it('a caller who leaves ends the run, which waits for nothing any more', async () => {
    must(await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'api', kind: 'slow', ms: 8000 }), 200)
    await save(dev, 'standalone.waits', `map standalone.waits() { return invokeurl [ url: "${practiceUrl(patchbay)}/api/echo" ]; }`)
    const key = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'leaves' }), 201).json.key as string
    const leaving = fetch(`${patchbay.base}/api/v1/functions/standalone/waits/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(500),
    })
    await expect(leaving).rejects.toThrow()
    const runs = () => dev.ask('GET', '/api/v1/functions/standalone/waits/runs').then(answer => answer.json.data as { status: string; error: { message: string }; duration_ms: number }[]) // prettier-ignore
    const [run] = await until(runs, all => all.some(one => one.status === 'failure'), 4000)
    expect(run?.error.message).toContain('cancelled')
    expect(run?.duration_ms).toBeLessThan(3000)
  })

  it('another organisation sees none of it', async () => {
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    try {
      expect(must(await ada.ask('GET', '/api/v1/functions'), 200).json.data).toEqual([])
      expect(refusal(await ada.ask('POST', '/api/v1/functions/standalone/main/run', {}))).toBe('function_not_found')
      expect(must(await ada.ask('GET', '/api/v1/functions/runs'), 200).json.data).toEqual([])
    } finally {
      must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    }
  })

  it('when its author leaves a function uses no connection, when its owner leaves nobody calls it from outside; taking over heals both', async () => {
    const eve = await joins(patchbay, 'Eve', 'developer')
    await connect(ada, { service: 'echo', link_name: 'open', access: 'organization', credentials: { 'X-Api-Key': 'practice-key' } })
    const source = `string standalone.left() { r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: "open" detailed: true ]; return r.get("responseCode").toString(); }`
    await save(eve, 'standalone.left', source)
    must(await eve.ask('PUT', '/api/v1/functions/standalone/left/exposure', { api_key: true }), 200)
    const schedule = must(await eve.ask('POST', '/api/v1/functions/standalone/left/schedules', { cron: '0 0 1 1 *' }), 201).json
    const key = must(await ada.ask('POST', '/api/v1/functions/key'), 201).json.key as string
    const outside = () => patchbay.nobody('GET', `/functions/left/actions/execute?auth_type=apikey&zapikey=${key}`)
    expect((await outside()).json).toMatchObject({ code: 'success', details: { output: '200' } })

    must(await ada.ask('DELETE', `/api/v1/members/${eve.id}`), 204)
    expect((await ran(bob.ask, 'standalone.left')).error.message).toContain('no longer a member')
    expect((await outside()).json).toMatchObject({ status: 'error', code: 'owner_inactive' })
    const { id } = await patchbay.broker.db.selectFrom('organizations').select('id').where('slug', '=', 'default').executeTakeFirstOrThrow()
    await runScheduled(patchbay.broker, { organization_id: id, schedule_id: String(schedule.id), due: new Date().toISOString() })
    const runs = must(await ada.ask('GET', '/api/v1/functions/standalone/left/runs?door=schedule'), 200).json.data
    expect(runs).toMatchObject([{ status: 'failure', error: { message: expect.stringContaining('no longer a member') as string } }])

    must(await dev.ask('POST', '/api/v1/functions/standalone/left/take-over'), 200)
    must(await dev.ask('PUT', '/api/v1/functions/standalone/left', { source }), 200)
    expect((await outside()).json).toMatchObject({ code: 'success', details: { output: '200' } })
  })

  it('of saves at the same time from the same version one wins; a function that is deleted while it runs is logged all the same', async () => {
    await save(dev, 'standalone.shared', 'int standalone.shared() { return 0; }')
    const together = await Promise.all(
      [1, 2, 3].map(n =>
        dev.ask(
          'PUT',
          '/api/v1/functions/standalone/shared',
          { source: `int standalone.shared() { return ${n}; }` },
          { 'if-match': '"1"' },
        ),
      ),
    )
    expect(together.map(one => one.status).sort()).toEqual([200, 412, 412])
    const loop = ['a', 'b', 'c'].map(name => `for each ${name} in {1,2,3,4,5,6,7,8,9,10} {`).join(' ')
    await save(dev, 'standalone.gone', `int standalone.gone() { ${loop} v = zoho.crm.getOrgVariable("none"); } } } return 1; }`)
    const running = ran(bob.ask, 'standalone.gone')
    // one that is deleted before it has begun is not there
    await until(
      () => dev.ask('GET', '/api/v1/functions/standalone/gone/runs'),
      one => (one.json.data as unknown[]).length > 0,
    )
    must(await dev.ask('DELETE', '/api/v1/functions/standalone/gone'), 204)
    const { id } = (await running) as { id: string }
    expect(must(await ada.ask('GET', `/api/v1/functions/runs/${id}`), 200).json).toMatchObject({ function: 'standalone.gone' })
  })
})
