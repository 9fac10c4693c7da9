import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runScheduled, sendDueSchedules } from '../../src/broker/function-due.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { administrator, connect, joins, keyDefinition, must, practiceUrl, refusal, type Member } from '../support/practice-services.ts'

/** What scripts, their callers and their neighbours try that they must not get (X05, X09, X10, X12, X14, X16). */
describe.each(['pglite', 'postgres'] as const)('functions under attack [%s]', database => {
  let listener: ScriptedUpstream
  let patchbay: TestPatchbay
  let ada: Member
  let dev: Member
  let bob: Member
  beforeAll(async () => {
    listener = await startScriptedUpstream()
    patchbay = await startPatchbay({
      database,
      settings: { PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${listener.port},localhost:${listener.port}` },
    })
    ada = await administrator(patchbay)
    dev = await joins(patchbay, 'Cleo', 'developer')
    bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await listener.close()
  })

  const at = (name: string, rest = '') => `/api/v1/functions/standalone/${name}${rest}`
  const save = async (by: Member, name: string, source: string) => {
    const answer = await by.ask('PUT', at(name), { source })
    expect(answer.status, answer.text).toBeLessThan(300)
  }
  const ran = async (ask: Asker, name: string, given: Record<string, unknown> | string = {}) =>
    must(await ask('POST', at(name, '/run'), typeof given === 'string' ? given : { arguments: given }), 200).json
  const opened = async (name: string) => String(must(await dev.ask('PUT', at(name, '/exposure'), { api_key: true }), 200).json.api_key_url)
  const logOf = async (name: string) => {
    const { data } = must(await ada.ask('GET', at(name, '/runs')), 200).json as { data: { id: string }[] }
    return (await Promise.all(data.map(one => ada.ask('GET', `/api/v1/functions/runs/${one.id}`)))).map(one => must(one, 200).json)
  }
  const key = (linkName: string, more: object = {}) =>
    connect(ada, { service: 'echo', link_name: linkName, credentials: { 'X-Api-Key': 'practice-key' }, ...more })
  const calls = (name: string, linkName: string) =>
    `string standalone.${name}() { r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: "${linkName}" detailed: true ]; return r.get("responseCode").toString(); }`

  it('X14 what cannot be written ends the run with a failure that is logged: a list in itself, one part a million times, 30 000 deep', async () => {
    const ten = '{1,2,3,4,5,6,7,8,9,10}'
    const outputs = {
      itself: 'l = List(); l.add(l); return l;',
      itself_map: 'm = Map(); m.put("a", m); return m;',
      reply: 'm = Map(); m.put("a", m); r = Map(); r.put("body", m); return {"crmAPIResponse":r};',
      doubling: `l = List(); l.add("aaaaaaaaaaaaaaaa"); for each i in ${ten} { for each j in {1,2,3} { n = List(); n.add(l); n.add(l); l = n; } } return l;`,
      deep: `l = List(); for each a in ${ten} { for each b in ${ten} { for each c in ${ten} { for each d in ${ten} { for each e in {1,2,3} { n = List(); n.add(l); l = n; } } } } } return l;`,
    }
    for (const [name, body] of Object.entries(outputs)) {
      await save(dev, name, `${body.endsWith('return l;') ? 'list' : 'map'} standalone.${name}() { ${body} }`)
      const answer = await ran(bob.ask, name)
      expect(answer, name).toMatchObject({
        status: 'failure',
        output: null,
        error: { message: expect.stringMatching(/nested|characters/) as string },
      })
      expect(await logOf(name), name).toMatchObject([{ status: 'failure' }])
    }
    expect((await patchbay.nobody('GET', await opened('reply'))).json).toMatchObject({ status: 'error', code: 'function_failed' })
    must(await ada.ask('PUT', '/api/v1/functions/variables/kept', { value: 'v', type: 'text' }), 201)
    await save(dev, 'stores', `void standalone.stores() { l = List(); l.add(l); zoho.crm.setOrgVariable("kept", l); }`)
    expect((await ran(bob.ask, 'stores')).error.message).toMatch(/nested/)
  })

  it('X14 one run cannot ask for variables without end', async () => {
    const ten = '{1,2,3,4,5,6,7,8,9,10}'
    await save(
      dev,
      'asks',
      `void standalone.asks() { for each a in ${ten} { for each b in ${ten} { for each c in ${ten} { for each d in {1,2} { v = zoho.crm.getOrgVariable("none"); } } } } }`,
    )
    expect((await ran(bob.ask, 'asks')).error).toMatchObject({ kind: 'limit', message: expect.stringContaining('1000 times') as string })
  })

  it('X16 __proto__ and constructor are names like others: of types, arguments, maps, functions', async () => {
    await save(dev, 'typed', 'string standalone.typed(constructor x, toString y) { return x + "," + y; }')
    expect(await ran(bob.ask, 'typed', { x: 'X', y: 'Y' })).toMatchObject({ output: 'X,Y' })
    await save(
      dev,
      'proto',
      'map standalone.proto(map m) { n = Map(); n.put("__proto__", {"polluted":true}); n.put("given", m); return n; }',
    )
    const answer = await ada.ask('POST', at('proto', '/run'), '{"arguments":{"m":{"__proto__":{"polluted":1}}}}')
    expect(answer.text).toContain('"output":{"__proto__":{"polluted":true},"given":{"__proto__":{"polluted":1}}}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(refusal(await ada.ask('POST', at('typed', '/run'), '{"arguments":{"__proto__":{"x":1}}}'))).toContain('arguments.__proto__')
    for (const name of ['__proto__', 'constructor']) expect(refusal(await ada.ask('GET', at(name)))).toBe('function_not_found')
    expect(refusal(await ada.ask('PUT', at('a'.repeat(101)), { source: 'x = 1;' }))).toContain('validation_failed')
  })

  it('X10 what is given as a password is stars in every log and list, however it came', async () => {
    const canary = 'pass word/é"9'
    await save(
      dev,
      'login',
      'string standalone.login(map crmAPIRequest, password secret) { info "got " + secret; info crmAPIRequest; throw_here = 1 / (secret.length() - secret.length()); return secret; }',
    )
    const url = await opened('login')
    await patchbay.nobody('GET', `${url}&secret=${encodeURIComponent(canary)}`)
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ secret: canary }),
    })
    await ran(bob.ask, 'login', { secret: canary })
    const scheduled = must(await dev.ask('POST', at('login', '/schedules'), { cron: '0 0 1 1 *', arguments: { secret: canary } }), 201)
    const lists = [scheduled, await bob.ask('GET', '/api/v1/functions/schedules'), await bob.ask('GET', at('login', '/schedules'))]
    expect(scheduled.json.arguments).toEqual({ secret: '********' })

    // shown stars that come back mean: as it was
    const id = String(scheduled.json.id)
    must(await dev.ask('PATCH', `/api/v1/functions/schedules/${id}`, { arguments: { secret: '********' } }), 200)
    const { db } = patchbay.broker
    await db
      .updateTable('function_schedules')
      .set({ next_run: new Date('2020-01-01T00:00:00Z') })
      .where('id', '=', id)
      .execute()
    await sendDueSchedules(patchbay.broker)

    const log = await logOf('login')
    expect(log.map(one => String(one.status)).sort()).toEqual(['failure', 'failure', 'failure', 'missed'])
    const rows = await db.selectFrom('function_runs').selectAll().execute()
    const audit = must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200)
    const seen = [JSON.stringify(log), JSON.stringify(rows), audit.text, ...lists.map(one => one.text), ...patchbay.logged].join('\n')
    expect(seen).toContain('got ********')
    for (const spelling of ['pass word', 'pass%20word', 'pass+word']) expect(seen).not.toContain(spelling)
  })

  it('X10 passwords that are kept for later calls are sealed, shown as stars, and reach the script all the same', async () => {
    const { db } = patchbay.broker
    const stars = '********'
    const held = async () => [
      ...(await db.selectFrom('functions').selectAll().where('name', '=', 'keeps').execute()),
      ...(await db.selectFrom('function_schedules').selectAll().execute()),
    ]
    const assertHidden = async (canary: string) => {
      const seen = [
        JSON.stringify(await held()),
        (await dev.ask('GET', at('keeps', '/exposure'))).text,
        (await dev.ask('GET', at('keeps', '/schedules'))).text,
        (await ada.ask('GET', '/api/v1/audit?limit=100')).text,
        ...patchbay.logged,
      ].join('\n')
      expect(seen).not.toContain(canary)
      expect(seen).not.toContain(Buffer.from(canary).toString('base64'))
    }
    const keeps = (type: string) =>
      save(dev, 'keeps', `string standalone.keeps(${type} token, string shown) { return token.length() + shown; }`)
    const exposure = (mapping: object) => dev.ask('PUT', at('keeps', '/exposure'), { api_key: true, mapping })
    const output = async () =>
      String(
        (await patchbay.nobody('GET', String(must(await dev.ask('GET', at('keeps', '/exposure')), 200).json.api_key_url))).json.details
          .output,
      )

    await keeps('password')
    const first = must(await exposure({ token: { fixed: 'mapped-canary-1' }, shown: { fixed: '!' } }), 200)
    expect(first.json.mapping).toEqual({ token: { fixed: stars }, shown: { fixed: '!' } })
    expect(await output()).toBe('15!')
    await assertHidden('mapped-canary-1')
    // stars are the stored one; another argument's cannot be had by them
    must(await exposure({ token: { fixed: stars }, shown: { fixed: '?' } }), 200)
    expect(await output()).toBe('15?')
    must(await exposure({ shown: { fixed: '?' } }), 200)
    expect(refusal(await exposure({ token: { fixed: stars } }))).toBe('validation_failed: mapping.token')

    const schedules = at('keeps', '/schedules')
    const runAt = { cron: '0 0 1 1 *', arguments: { token: 'scheduled-canary-22', shown: '.' } }
    const made = must(await dev.ask('POST', schedules, runAt), 201).json
    expect(made.arguments).toEqual({ token: stars, shown: '.' })
    must(await dev.ask('PATCH', `/api/v1/functions/schedules/${String(made.id)}`, { arguments: { token: stars, shown: ',' } }), 200)
    expect(refusal(await dev.ask('POST', schedules, { ...runAt, arguments: { token: stars } }))).toBe('validation_failed: arguments.token')
    const { organization_id } = await db
      .selectFrom('functions')
      .select('organization_id')
      .where('name', '=', 'keeps')
      .executeTakeFirstOrThrow()
    const byClock = async () => {
      await runScheduled(patchbay.broker, { organization_id, schedule_id: String(made.id), due: new Date().toISOString() })
      return (await logOf('keeps')).map(one => String(one.output))[0]
    }
    expect(await byClock()).toBe('19,')
    await assertHidden('scheduled-canary-22')

    // what stood there in the open is sealed when its argument becomes a password, and a sealed one never becomes plain
    await keeps('string')
    must(await exposure({ token: { fixed: 'open-canary-333' }, shown: { fixed: '!' } }), 200)
    expect(await byClock()).toBe('19,')
    await assertHidden('scheduled-canary-22')
    const ofSchedule = (values: { arguments?: string; sealed_arguments: Buffer | null }) =>
      db.updateTable('function_schedules').set(values).where('id', '=', String(made.id)).execute()
    await ofSchedule({ arguments: '{"token":"open-canary-4444","shown":","}', sealed_arguments: null })
    await keeps('password')
    expect([await output(), await byClock()]).toEqual(['15!', '16,'])
    await assertHidden('open-canary-333')
    await assertHidden('open-canary-4444')
    // moved to another row it does not open
    const [row] = await db.selectFrom('functions').selectAll().where('name', '=', 'keeps').execute()
    await ofSchedule({ sealed_arguments: row?.sealed_arguments ?? null })
    await byClock()
    expect((await logOf('keeps'))[0]).toMatchObject({ status: 'failure', error: { message: expect.stringContaining('secret') as string } })
  })

  it('X10 a secret variable is read by scripts only', async () => {
    const canary = 'variable-canary-4711'
    const made = must(await dev.ask('PUT', '/api/v1/functions/variables/token', { value: canary, secret: true }), 201)
    await save(dev, 'reads', 'int standalone.reads() { return zoho.crm.getOrgVariable("token").length(); }')
    expect(await ran(bob.ask, 'reads')).toMatchObject({ output: canary.length })
    const retyped = await dev.ask('PUT', '/api/v1/functions/variables/token', { type: 'number' })
    const answers = [
      made,
      retyped,
      await dev.ask('PUT', '/api/v1/functions/variables/token', { secret: false }),
      await dev.ask('GET', '/api/v1/functions/variables'),
      await dev.ask('GET', '/api/v1/functions/variables/token'),
      await ada.ask('GET', '/api/v1/audit?limit=100'),
    ]
    expect(refusal(await bob.ask('GET', '/api/v1/functions/variables'))).toBe('forbidden')
    const rows = await patchbay.broker.db.selectFrom('function_variables').select(['name', 'value', 'description']).execute()
    expect(
      [...answers.map(one => one.text), JSON.stringify(rows), JSON.stringify(await logOf('reads')), ...patchbay.logged].join('\n'),
    ).not.toContain(canary)
  })

  it('X09 who may not read sources does not find out what stands in them by searching, and a made-up cursor is refused', async () => {
    await save(dev, 'holds', '// hard-coded-canary\nint standalone.holds() { return 1; }')
    const search = async (ask: Asker) => (must(await ask('GET', '/api/v1/functions?q=hard-coded-can'), 200).json.data as unknown[]).length
    expect([await search(dev.ask), await search(bob.ask)]).toEqual([1, 0])
    expect(must(await bob.ask('GET', at('holds')), 200).json.source).toBeNull()
    expect(refusal(await bob.ask('GET', at('holds', '/versions')))).toBe('forbidden')
    expect(refusal(await bob.ask('GET', at('holds', '/exposure')))).toBe('forbidden')
    const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
    for (const made of [cursor('never', 'x'), cursor('2026-01-01T00:00:00Z', "'; drop")])
      expect(refusal(await bob.ask('GET', `/api/v1/functions/runs?cursor=${made}`))).toBe('validation_failed: cursor')
    expect(refusal(await dev.ask('GET', at('holds', `/versions?cursor=${cursor('99999999999999999999')}`)))).toBe(
      'validation_failed: cursor',
    )
  })

  it('X12 a reply of the script sets no header that is an order to a proxy, holds for the whole origin, or splits', async () => {
    await save(
      dev,
      'headers',
      `map standalone.headers() { h = Map(); for each name in {"X-Accel-Redirect","X-Sendfile","NEL","Report-To","Reporting-Endpoints","Set-Cookie","Clear-Site-Data","Content-Security-Policy","Connection","Transfer-Encoding","Service-Worker-Allowed"} { h.put(name, "bad"); } h.put("X-Split", "a" + hexToText("0d0a") + "X-Evil: bad"); h.put("X Name: bad", "bad"); h.put("X-Good", "good"); r = Map(); r.put("headers", h); r.put("Content-Type", "text/html"); r.put("body", "<script>alert(1)</script>"); return {"crmAPIResponse":r}; }`,
    )
    const { headers } = await patchbay.nobody('GET', await opened('headers'))
    expect(JSON.stringify([...headers])).not.toContain('bad')
    expect(headers.get('x-good')).toBe('good')
    expect([headers.get('content-security-policy'), headers.get('x-content-type-options')]).toEqual(['sandbox', 'nosniff'])
  })

  it('X05 a connection is the author’s to use: an access that ended, a version of somebody else, a header with another’s name', async () => {
    await key('lent', { access: { members: [dev.id] } })
    await save(dev, 'uses', calls('uses', 'lent'))
    expect(await ran(bob.ask, 'uses')).toMatchObject({ output: '200' })
    const eve = await joins(patchbay, 'Eve', 'developer')
    await save(dev, 'uses', 'int standalone.uses() { return 1; }')
    expect(refusal(await eve.ask('POST', at('uses', '/restore'), { revision: 1 }))).toContain('script_invalid')
    // the name is only known at run time; a function of hers under a header that names Cleo's
    await save(
      eve,
      'hers',
      `string standalone.hers() { n = "le" + "nt"; r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: n ]; return "got it"; } string standalone.uses() { n = "le" + "nt"; r = invokeurl [ url: "${practiceUrl(patchbay)}/key/echo" connection: n ]; return "got it"; }`,
    )
    await save(eve, 'outer', 'string standalone.outer() { return standalone.hers(); }')
    for (const name of ['hers', 'outer']) {
      const answer = await ran(dev.ask, name)
      expect(answer.error, JSON.stringify(answer)).toMatchObject({ code: 'connection_not_found' })
    }
    expect(refusal(await eve.ask('PUT', at('other'), { source: 'int standalone.uses() { return 1; }' }))).toContain('script_invalid')
    must(await dev.ask('POST', at('uses', '/restore'), { revision: 1 }), 200)
    must(await ada.ask('PATCH', '/api/v1/connections/lent', { access: 'private' }), 200)
    expect((await ran(dev.ask, 'uses')).error).toMatchObject({ code: 'connection_not_found' })
    expect((await ran(ada.ask, 'uses')).error).toMatchObject({ code: 'connection_not_found' })
  })

  it('a key limited to connections is limited in functions, too, and one that may only call reads nothing', async () => {
    await key('one')
    await key('two')
    await save(ada, 'first', calls('first', 'one'))
    await save(ada, 'second', calls('second', 'two'))
    const made = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'only one', connections: ['one'] }), 201).json
    const limited = patchbay.withKey(String(made.key))
    expect(await ran(limited, 'first')).toMatchObject({ output: '200' })
    expect((await ran(limited, 'second')).error).toMatchObject({ code: 'connection_not_found' })
    expect((await limited('PUT', at('first'), { source: 'x = 1;' })).status).toBe(403)

    // it writes no functions: it reads none, does not find out by searching, and sees nothing of what schedules give to them
    expect(must(await limited('GET', at('first')), 200).json).toMatchObject({ source: null, name: 'first' })
    expect(must(await ada.ask('GET', at('first')), 200).json.source).toContain('first')
    const found = async (asker: Asker) => must(await asker('GET', '/api/v1/functions?q=invokeurl'), 200).json.data.length as number
    expect(await found(ada.ask)).toBeGreaterThan(0)
    expect(await found(limited)).toBe(0)
    for (const path of [at('first', '/versions'), at('first', '/schedules'), '/api/v1/functions/schedules'])
      expect((await limited('GET', path)).status, path).toBe(403)

    // of the log it sees what it did itself, not what others gave and got
    const theirs = (await ran(ada.ask, 'first')).id as string
    for (const path of ['/api/v1/functions/runs', at('first', '/runs')]) {
      const { data } = must(await limited('GET', path), 200).json as { data: { id: string; key_id: string }[] }
      expect(data.length).toBeGreaterThan(0)
      expect(data.filter(one => one.key_id !== made.id)).toEqual([])
      must(await limited('GET', `/api/v1/functions/runs/${String(data[0]?.id)}`), 200)
    }
    expect(refusal(await limited('GET', `/api/v1/functions/runs/${theirs}`))).toBe('run_not_found')
    must(await ada.ask('GET', `/api/v1/functions/runs/${theirs}`), 200)
  })

  it('X09 another organisation reaches none of it by any way: names, ids, variables, the key of its own', async () => {
    const names = ['uses', 'login']
    const [run] = await logOf('login')
    const [schedule] = must(await dev.ask('GET', '/api/v1/functions/schedules'), 200).json.data as { id: string }[]
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    try {
      for (const name of names)
        for (const [method, rest, body] of [
          ['GET', ''],
          ['DELETE', ''],
          ['GET', '/versions'],
          ['POST', '/restore', { revision: 1 }],
          ['POST', '/take-over'],
          ['GET', '/exposure'],
          ['PUT', '/exposure', { api_key: true }],
          ['GET', '/runs'],
          ['GET', '/schedules'],
          ['POST', '/schedules', { cron: '0 0 1 1 *' }],
          ['POST', '/run', {}],
        ] as const)
          expect(refusal(await ada.ask(method, at(name, rest), body)), `${method} ${rest}`).toBe('function_not_found')
      expect(refusal(await ada.ask('GET', `/api/v1/functions/runs/${String(run?.id)}`))).toBe('run_not_found')
      for (const [method, body] of [['PATCH', { enabled: false }], ['DELETE']] as const)
        expect(refusal(await ada.ask(method, `/api/v1/functions/schedules/${String(schedule?.id)}`, body))).toBe('schedule_not_found')
      for (const method of ['GET', 'DELETE'])
        expect(refusal(await ada.ask(method, '/api/v1/functions/variables/token'))).toBe('variable_not_found')
      expect(must(await ada.ask('GET', '/api/v1/functions/variables'), 200).json.data).toEqual([])
      const own = String(must(await ada.ask('POST', '/api/v1/functions/key'), 201).json.key)
      expect((await patchbay.nobody('GET', `/functions/login/actions/execute?auth_type=apikey&zapikey=${own}`)).json).toMatchObject({
        code: 'function_not_found',
      })
      must(await ada.ask('PUT', at('reads'), { source: 'string standalone.reads() { return zoho.crm.getOrgVariable("token"); }' }), 201)
      expect(await ran(ada.ask, 'reads')).toMatchObject({ output: null })
    } finally {
      must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    }
  })

  it('X03 a call without a connection reaches nothing inside', async () => {
    const { port } = new URL(patchbay.base)
    // listens, and plain http to it is allowed: only its address keeps a script from it
    const open = [`127.0.0.1:${listener.port}`, `localhost:${listener.port}`].map(host => `http://${host}/`)
    const spelled = [`http://0x7f000001:${listener.port}/`, `http://2130706433:${listener.port}/`, `http://127.1:${listener.port}/`]
    const private_ = [
      'https://169.254.169.254/latest',
      'https://localhost:5432/',
      'https://[::1]/',
      'https://0x7f000001/',
      'https://[::ffff:127.0.0.1]/',
      'https://0.0.0.0/',
      'https://10.0.0.1/',
    ]
    const otherwise = ['https://u:p@127.0.0.1/', `http://127.0.0.1:${port}/api/v1/me`, `http://127.0.0.1:${port}@example.com/`]
    await save(
      dev,
      'inside',
      `list standalone.inside(list urls) { r = List(); for each u in urls { try { x = invokeurl [ url: u ]; r.add("reached"); } catch (e) { r.add(e.message); } } return r; }`,
    )
    const said = async (urls: readonly string[]) => (await ran(bob.ask, 'inside', { urls })).output as string[]
    const byAddress = [...open, ...spelled, ...private_]
    // what could not be reached for another reason would prove nothing
    expect(await said(byAddress)).toEqual(
      byAddress.map(() => expect.stringContaining('may not be called: its address is not a public one') as string),
    )
    expect(listener.connections).toBe(0)
    expect(await said(otherwise)).toEqual([
      ...['user name or password', 'only be called over https', 'user name or password'].map(one => expect.stringContaining(one) as string),
    ])
    // the same script reaches what it may
    expect(await said([`${practiceUrl(patchbay)}/open/echo`])).toEqual(['reached'])
  })

  it('who changed what is in the audit log', async () => {
    must(await dev.ask('DELETE', at('inside')), 204)
    const audit = must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200).text
    for (const action of [
      'function.created',
      'function.saved',
      'function.deleted',
      'function.exposed',
      'function_key.made',
      'function.scheduled',
      'function.schedule_changed',
      'function_variable.created',
    ])
      expect(audit).toContain(`"${action}"`)
  })
})
