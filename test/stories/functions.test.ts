import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, joins, keyDefinition, must, oauth2Service, practiceUrl, refusal, until, type Member } from '../support/practice-services.ts' // prettier-ignore

const hello = 'string standalone.hello(string name, int times)\n{\n\tinfo "for " + name;\n\treturn "Hello " + name + " x" + times;\n}'

describe.each(['pglite', 'postgres'] as const)('functions [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let dev: Member
  let bob: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database, settings: { PATCHBAY_FUNCTION_SECONDS: '3', PATCHBAY_FUNCTION_STATEMENTS: '2000' } })
    ada = await administrator(patchbay)
    dev = await joins(patchbay, 'Cleo', 'developer')
    bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const put = (member: { ask: Asker }, path: string, source: string) =>
    member.ask('PUT', `/api/v1/functions/${path.replace('.', '/')}`, { source })
  const save = async (member: Member, path: string, source: string) => {
    const answer = await put(member, path, source)
    expect([200, 201], answer.text.slice(0, 1500)).toContain(answer.status)
    return answer
  }
  const run = (member: { ask: Asker }, path: string, given: Record<string, unknown> = {}): Promise<Answer> =>
    member.ask('POST', `/api/v1/functions/${path.replace('.', '/')}/run`, { arguments: given })
  const ran = async (member: { ask: Asker }, path: string, given: Record<string, unknown> = {}) =>
    must(await run(member, path, given), 200).json
  const echoUrl = () => `${practiceUrl(patchbay)}/key/echo`

  it('F-1 a function is created, run with arguments by name and type, and its runs are logged with info, output and statements', async () => {
    const made = must(await dev.ask('POST', '/api/v1/functions', { source: hello, description: 'Greets' }), 201)
    expect(made.json).toMatchObject({
      namespace: 'standalone',
      name: 'hello',
      revision: 1,
      author: { name: 'Cleo' },
      owner: { name: 'Cleo' },
    })
    expect(made.json.signature.parameters).toEqual([
      { name: 'name', type: 'string' },
      { name: 'times', type: 'int' },
    ])
    const answer = await ran(bob, 'standalone.hello', { name: 'Ada', times: '3' })
    expect(answer).toMatchObject({ status: 'success', output: 'Hello Ada x3', info: ['for Ada'], error: null })
    expect(answer.statements).toBeGreaterThan(1)
    const listed = must(await dev.ask('GET', '/api/v1/functions/standalone/hello/runs'), 200).json
    expect(listed.data[0]).toMatchObject({ id: answer.id, status: 'success', door: 'editor', user: { name: 'Bob' } })
    const one = must(await bob.ask('GET', `/api/v1/functions/runs/${answer.id}`), 200).json
    expect(one).toMatchObject({ arguments: { name: 'Ada', times: 3 }, info: ['for Ada'], output: 'Hello Ada x3' })
    // names are case-insensitive, in the path as in the language
    expect(await ran(bob, 'Standalone.HELLO', { name: 'B', times: 1 })).toMatchObject({ output: 'Hello B x1' })
  })

  it('F-1 errors of a script are refused with line, column, a sentence and a suggestion, and nothing is saved', async () => {
    const answer = must(await put(dev, 'standalone.broken', 'string standalone.broken()\n{\n\tx = ;\n\treturn y;\n}'), 422)
    expect(answer.json.code).toBe('script_invalid')
    expect(answer.json.errors.length).toBeGreaterThan(0)
    expect(answer.json.errors[0]).toMatchObject({ line: 3, column: expect.any(Number), message: expect.any(String) })
    expect(refusal(await dev.ask('GET', '/api/v1/functions/standalone/broken'))).toBe('function_not_found')
    const checked = must(await dev.ask('POST', '/api/v1/functions/check', { source: 'x = ;' }), 200).json
    expect(checked.errors[0]).toMatchObject({ line: 1 })
    expect(must(await put(dev, 'standalone.other', hello), 422).json.errors[0]).toMatchObject({
      line: 1,
      message: expect.stringContaining('standalone.hello'),
    })
  })

  it('F-1 a save is live at once, keeps a version, notices a change in between, and can be restored', async () => {
    await save(dev, 'standalone.versioned', 'string standalone.versioned() { return "one"; }')
    const second = await save(ada, 'standalone.versioned', 'string standalone.versioned() { return "two"; }')
    expect(second.json).toMatchObject({ revision: 2, author: { id: ada.id }, owner: { id: dev.id } })
    expect(await ran(bob, 'standalone.versioned')).toMatchObject({ output: 'two' })
    const stale = await dev.ask('PUT', '/api/v1/functions/standalone/versioned', { source: 'return 1;' }, { 'if-match': '"1"' })
    expect(refusal(stale)).toBe('precondition_failed')
    const history = must(await dev.ask('GET', '/api/v1/functions/standalone/versioned/versions'), 200).json
    expect(history.data.map((one: { revision: number; live: boolean }) => [one.revision, one.live])).toEqual([
      [2, true],
      [1, false],
    ])
    must(await dev.ask('POST', '/api/v1/functions/standalone/versioned/restore', { revision: 1 }), 200)
    expect(await ran(bob, 'standalone.versioned')).toMatchObject({ output: 'one' })
  })

  it('roles: everybody runs, developers and administrators write, and a source is not for everybody', async () => {
    expect(refusal(await put(bob, 'standalone.mine', 'return 1;'))).toBe('forbidden')
    expect(refusal(await bob.ask('POST', '/api/v1/functions', { source: hello }))).toBe('forbidden')
    expect(refusal(await bob.ask('DELETE', '/api/v1/functions/standalone/hello'))).toBe('forbidden')
    expect(refusal(await bob.ask('GET', '/api/v1/functions/variables'))).toBe('forbidden')
    expect(must(await bob.ask('GET', '/api/v1/functions/standalone/hello'), 200).json.source).toBeNull()
    expect(must(await dev.ask('GET', '/api/v1/functions/standalone/hello'), 200).json.source).toBe(hello)
    const others = must(await bob.ask('GET', '/api/v1/functions/runs'), 200).json.data
    expect(others.every((one: { user: { name: string } }) => one.user.name === 'Bob')).toBe(true)
  })

  it('functions call each other; one that others call is deleted only by force', async () => {
    await save(dev, 'standalone.inner', 'string standalone.inner(string a) { return a + "!"; }')
    await save(dev, 'standalone.outer', 'string standalone.outer() { return standalone.inner("x") + "?"; }')
    expect(await ran(bob, 'standalone.outer')).toMatchObject({ output: 'x!?' })
    const refused = await dev.ask('DELETE', '/api/v1/functions/standalone/inner')
    expect(refused.json).toMatchObject({ code: 'function_in_use', functions: ['standalone.outer'] })
    must(await dev.ask('DELETE', '/api/v1/functions/standalone/inner?force=true'), 204)
    expect((await ran(bob, 'standalone.outer')).error).toMatchObject({ line: 1 })
  })

  it('F-4 a run over its limits ends with a sentence and the line, and the next one works', async () => {
    const loop =
      'string standalone.loop()\n{\n\tl = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20};\n\tfor each a in l { for each b in l { for each c in l { x = 1; } } }\n\treturn "";\n}'
    await save(dev, 'standalone.loop', loop)
    const answer = await ran(bob, 'standalone.loop')
    expect(answer).toMatchObject({ status: 'failure', error: { kind: 'limit', line: 4, message: expect.stringContaining('statement') } })
    expect(await ran(bob, 'standalone.hello', { name: 'x', times: 1 })).toMatchObject({ status: 'success' })
  })

  it('arguments that are not of their types, or not declared, are named', async () => {
    expect(refusal(await run(bob, 'standalone.hello', { name: 'x', times: 'many', more: 1 }))).toBe(
      'validation_failed: arguments.times arguments.more',
    )
    await save(dev, 'standalone.long', 'int standalone.long(int id) { return id + 1; }')
    const exact = await bob.ask('POST', '/api/v1/functions/standalone/long/run', '{"arguments":{"id":1234567890123456789}}')
    expect(exact.text).toContain('"output":1234567890123456790,')
  })

  it('the log masks what is declared as a password', async () => {
    await save(dev, 'standalone.login', 'string standalone.login(string user, password pin) { return pin.length().toString(); }')
    const { id } = await ran(bob, 'standalone.login', { user: 'ada', pin: 'pin-5309-secret' })
    const text = must(await bob.ask('GET', `/api/v1/functions/runs/${id}`), 200).text
    expect(text).toContain('"pin":"********"')
    expect(text).not.toContain('pin-5309')
  })

  describe('connections', () => {
    const fetching = (name: string, connection: string) =>
      `map standalone.${name}()\n{\n\tresponse = invokeurl\n\t[\n\t\turl: "${practiceUrl(patchbay)}/key/echo"\n\t\ttype: GET\n\t\tconnection: "${connection}"\n\t];\n\treturn response;\n}`

    it('U-3 C-3 an owner’s connection works for whoever runs a function that somebody wrote who may use it', async () => {
      await connect(dev, { service: 'echo', link_name: 'devs_own', credentials: { 'X-Api-Key': 'practice-key' } })
      await save(dev, 'standalone.fetches', fetching('fetches', 'devs_own'))
      const answer = await ran(bob, 'standalone.fetches')
      expect(answer, JSON.stringify(answer)).toMatchObject({ status: 'success', calls: 1, output: { method: 'GET' } })
      expect(refusal(await bob.ask('POST', '/api/v1/invoke', { connection: 'devs_own', url: echoUrl() }))).toBe('connection_not_found')
      const uses = must(await dev.ask('GET', '/api/v1/connections/devs_own/uses'), 200).json
      expect(uses.functions).toEqual([{ namespace: 'standalone', name: 'fetches', author: 'Cleo' }])
      const log = must(await ada.ask('GET', '/api/v1/invocations?connection=devs_own'), 200).json.data
      expect(log.find((one: { door: string }) => one.door === 'function')).toMatchObject({ user: { name: 'Bob' }, status: 200 })
    })

    it('C-3 nobody saves a function with a connection they may not use, and a saved one stops when its author may not any more', async () => {
      await connect(ada, { service: 'echo', link_name: 'adas', credentials: { 'X-Api-Key': 'practice-key' } })
      const refused = must(await put(dev, 'standalone.steals', fetching('steals', 'adas')), 422)
      expect(refused.json.errors[0]).toMatchObject({ line: 7, message: expect.stringContaining('adas') })
      must(await ada.ask('PATCH', '/api/v1/connections/adas', { access: 'organization' }), 200)
      await save(dev, 'standalone.steals', fetching('steals', 'adas'))
      expect(await ran(bob, 'standalone.steals')).toMatchObject({ status: 'success' })
      must(await ada.ask('PATCH', '/api/v1/connections/adas', { access: 'private' }), 200)
      expect((await ran(bob, 'standalone.steals')).error).toMatchObject({
        message: expect.stringContaining('Connection Name was not found'),
        code: 'connection_not_found',
      })
      // the dynamic name is judged at run time alone
      await save(
        dev,
        'standalone.sneaks',
        `map standalone.sneaks(string c) { r = invokeurl [ url: "${echoUrl()}" type: GET connection: c ]; return r; }`,
      )
      expect((await ran(ada, 'standalone.sneaks', { c: 'adas' })).error).toMatchObject({ code: 'connection_not_found' })
    })

    it('CON-73 a name that does not exist is a warning when saved and fails the run, catchably', async () => {
      const saved = await save(dev, 'standalone.missing', fetching('missing', 'no_such_one'))
      expect(saved.json.warnings.map((one: { message: string }) => one.message).join()).toContain('no_such_one')
      const answer = await ran(bob, 'standalone.missing')
      const message = 'Connection Name was not found: no_such_one. Create a connection with this link name'
      expect(answer.error).toMatchObject({ message: expect.stringContaining(message) as string, kind: 'call', line: 3 })
      await save(dev, 'standalone.catches', `string standalone.catches() { try { r = invokeurl [ url: "${echoUrl()}" connection: "no_such_one" ]; } catch (e) { return "caught " + e.message; } return ""; }`) // prettier-ignore
      expect((await ran(bob, 'standalone.catches')).output).toContain('caught Connection Name was not found')
    })

    it('CON-74 with the login user’s credentials each runs with their own, or is shown where to connect; never another’s', async () => {
      await connect(dev, {
        service: 'echo',
        link_name: 'each_own',
        use_login_user_credentials: true,
        credentials: { 'X-Api-Key': 'practice-key' },
      })
      await save(dev, 'standalone.each', fetching('each', 'each_own'))
      expect(await ran(dev, 'standalone.each')).toMatchObject({ status: 'success' })
      const { error } = await ran(bob, 'standalone.each')
      expect(error).toMatchObject({
        message: expect.stringContaining('UnAuthenticated Connections'),
        code: 'authorization_required',
        connection: 'each_own',
      })
      expect(new URL(error.connect_url).searchParams.get('for')).toBe(bob.id)
      must(await bob.ask('POST', '/api/v1/connections/each_own/authorize', { credentials: { 'X-Api-Key': 'practice-key' } }), 200)
      expect(await ran(bob, 'standalone.each')).toMatchObject({ status: 'success' })
    })

    it('a key limited to connections runs functions, which then use those alone; one that may only invoke runs them too', async () => {
      const limited = must(
        await dev.ask('POST', '/api/v1/api-keys', { name: 'limited', connections: ['each_own'], invoke_only: true }),
        201,
      ).json.key
      const ask = { ask: patchbay.withKey(limited) }
      expect(await ran(ask, 'standalone.each')).toMatchObject({ status: 'success' })
      expect((await ran(ask, 'standalone.fetches')).error).toMatchObject({ code: 'connection_not_found' })
      expect(refusal(await put(ask, 'standalone.each', 'return 1;'))).toBe('forbidden')
      const { id } = await ran(ask, 'standalone.each')
      expect(must(await dev.ask('GET', `/api/v1/functions/runs/${id}`), 200).json).toMatchObject({
        door: 'api',
        key_id: expect.any(String),
      })
    })
  })

  describe('variables', () => {
    it('F-5 typed variables are read by scripts; a secret comes back to nobody', async () => {
      const secret = 'sk-live-9f31-keep'
      must(await dev.ask('PUT', '/api/v1/functions/variables/api_secret', { value: secret, secret: true }), 201)
      must(await dev.ask('PUT', '/api/v1/functions/variables/big', '{"value":12345678901234567890}'), 201)
      await save(
        dev,
        'standalone.vars',
        'map standalone.vars() { m = Map(); m.put("s", zoho.crm.getOrgVariable("api_secret").length()); m.put("b", zoho.crm.getOrgVariable("big")); return m; }',
      )
      const answer = must(await run(bob, 'standalone.vars'), 200)
      expect(answer.text).toContain(`"s":${secret.length},"b":12345678901234567890`)
      const shown = must(await dev.ask('GET', '/api/v1/functions/variables'), 200)
      expect(shown.text).not.toContain('live-9f31')
      expect(shown.text).toContain('"value":12345678901234567890')
      expect(shown.json.data[0]).toMatchObject({ name: 'api_secret', secret: true, value: null, has_value: true, type: 'text' })
      expect(refusal(await dev.ask('PUT', '/api/v1/functions/variables/api_secret', { secret: false }))).toBe('validation_failed: secret')
      const { rows } = await patchbay.broker.db
        .selectFrom('function_variables')
        .selectAll()
        .execute()
        .then(rows => ({ rows }))
      expect(JSON.stringify(rows)).not.toContain('live-9f31')
      must(await dev.ask('PUT', '/api/v1/functions/variables/big?function=standalone.vars', { value: 7 }), 201)
      expect((await ran(bob, 'standalone.vars')).output).toMatchObject({ b: 7 })
      must(await dev.ask('DELETE', '/api/v1/functions/variables/big?function=standalone.vars'), 204)
      expect(refusal(await dev.ask('GET', '/api/v1/functions/variables/big?function=standalone.vars'))).toBe('variable_not_found')
    })
  })

  it('info arrives while the function runs when the caller asks for a stream', async () => {
    const answer = await dev.ask(
      'POST',
      '/api/v1/functions/standalone/hello/run',
      { arguments: { name: 'S', times: 1 } },
      { accept: 'text/event-stream' },
    )
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    expect(answer.text).toMatch(/^event: info\ndata: \{"text":"for S","line":3\}\n\nevent: result\ndata: \{"id":".*"output":"Hello S x1"/)
  })

  it('a plan says which connections, scopes and hosts a folder of scripts needs, and what is there', async () => {
    const service = await oauth2Service(patchbay, 'ledger', {
      rest: { scopes: [{ name: 'mail.read' }, { name: 'mail.send' }, { name: 'labels' }] },
    })
    expect(service['link_name']).toBe('ledger')
    const files = [
      { path: 'a.dg', source: `r = invokeurl [ url: "${practiceUrl(patchbay)}/api/labels" type: GET connection: "books" ];\ninfo r;` },
      { path: 'b.dg', source: `r = invokeurl [ url: "${echoUrl()}" type: GET connection: "devs_own" ];\ninsert into Form [ a = 1 ];` },
      { path: 'c.dg', source: 'x = ;' },
    ]
    const plan = must(await dev.ask('POST', '/api/v1/functions/plan', files), 200).json
    const byName = Object.fromEntries(plan.connections.map((one: { link_name: string }) => [one.link_name, one]))
    expect(byName.devs_own).toMatchObject({ status: 'connected', ready: true, steps: [] })
    expect(byName.books).toMatchObject({ status: 'missing', ready: false, used_in: [{ path: 'a.dg', line: 1 }] })
    expect(plan.hosts[0].host).toBe(new URL(practiceUrl(patchbay)).host)
    expect(plan.unavailable[0]).toMatchObject({ used_in: [{ path: 'b.dg', line: 2 }] })
    expect(plan.files[2].errors[0]).toMatchObject({ line: 1 })
    expect(plan.ready).toBe(false)
  })

  it('FN-2 FN-4 nothing is exposed until somebody opens it, and a new key ends the one before', async () => {
    const key = must(await ada.ask('POST', '/api/v1/functions/key'), 201).json.key as string
    const at = (path: string) => `/functions/${path}/actions/execute?auth_type=apikey&zapikey=${key}`
    expect((await patchbay.nobody('GET', at('hello'))).status).toBe(404)
    expect(refusal(await dev.ask('POST', '/api/v1/functions/key'))).toBe('forbidden')
    const opened = must(await dev.ask('PUT', '/api/v1/functions/standalone/hello/exposure', { api_key: true }), 200).json
    expect(opened.url).toBe(patchbay.base + at('hello'))
    // FN-5, FN-7
    const answer = must(await patchbay.nobody('GET', `${at('hello')}&name=Zed&times=2`), 200)
    expect(answer.json).toEqual({
      code: 'success',
      details: { output: 'Hello Zed x2', output_type: 'string', id: expect.any(String) },
      message: 'function executed successfully',
    })
    const form = await patchbay.nobody('POST', at('hello'), 'name=Form&times=1', { 'content-type': 'application/x-www-form-urlencoded' })
    expect(form.json.details.output).toBe('Hello Form x1')
    const map = await patchbay.nobody('GET', `${at('hello')}&arguments=${encodeURIComponent('{"name":"Map","times":3}')}`)
    expect(map.json.details.output).toBe('Hello Map x3')
    expect((await patchbay.nobody('GET', at('hello').replace(key, `${key}x`))).status).toBe(401)
    expect((await patchbay.nobody('GET', `${at('hello')}&times=no`)).json).toMatchObject({ status: 'error', code: 'validation_failed' })
    // FN-4: a new key ends the old one
    must(await ada.ask('POST', '/api/v1/functions/key'), 201)
    expect((await patchbay.nobody('GET', at('hello'))).status).toBe(401)
  })

  it('a schedule runs as the owner without a login user; what was missed is said and not run', async () => {
    await save(dev, 'schedule.nightly', 'void schedule.nightly(string what) { info what + " " + zoho.loginuserid; }')
    const refused = await dev.ask('POST', '/api/v1/functions/schedule/nightly/schedules', { cron: '99 * * * *' })
    expect(refusal(refused)).toBe('validation_failed: cron')
    const made = must(await dev.ask('POST', '/api/v1/functions/schedule/nightly/schedules', { cron: '0 3 * * *', time_zone: 'Europe/Berlin', arguments: { what: 'tidied' } }), 201).json // prettier-ignore
    expect(new Date(made.next_run).getTime()).toBeGreaterThan(Date.now())
    const due = (minutes: number) =>
      patchbay.broker.db.updateTable('function_schedules').set({ next_run: new Date(Date.now() - minutes * 60_000) }).where('id', '=', made.id).execute() // prettier-ignore
    const { sendDueSchedules } = await import('../../src/broker/function-due.ts')
    const runs = async () => must(await dev.ask('GET', '/api/v1/functions/schedule/nightly/runs'), 200).json.data as { id: string; status: string; error: { message: string } | null }[] // prettier-ignore
    await due(1)
    await sendDueSchedules(patchbay.broker)
    const [first] = await until(runs, all => all.length === 1 && all[0]?.status !== 'running')
    expect(must(await dev.ask('GET', `/api/v1/functions/runs/${first?.id ?? ''}`), 200).json).toMatchObject({
      status: 'success',
      door: 'schedule',
      user: { name: 'Cleo' },
      on_behalf_of: null,
      info: ['tidied null'],
    })
    await due(3 * 24 * 60)
    await sendDueSchedules(patchbay.broker)
    const all = await until(runs, list => list.length === 2)
    expect(all.find(one => one.status === 'missed')?.error?.message).toMatch(/^[34] runs were missed/)
    const [shown] = must(await dev.ask('GET', '/api/v1/functions/schedules'), 200).json.data
    expect(shown.missed).toBeGreaterThanOrEqual(3)
    expect(new Date(shown.next_run).getTime()).toBeGreaterThan(Date.now())
  })
})
