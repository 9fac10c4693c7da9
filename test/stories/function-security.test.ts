import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { administrator, connect, joins, keyDefinition, must, practiceUrl, refusal, type Member } from '../support/practice-services.ts'

describe.each(['pglite'] as const)('probe [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let dev: Member
  let bob: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    dev = await joins(patchbay, 'Cleo', 'developer')
    bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  const save = (m: Member, name: string, source: string) => m.ask('PUT', `/api/v1/functions/standalone/${name}`, { source })
  const run = (ask: Asker, name: string, given: Record<string, unknown> | string = {}) =>
    ask('POST', `/api/v1/functions/standalone/${name}/run`, typeof given === 'string' ? given : { arguments: given })
  const show = (what: string, a: { status: number; text: string }) => console.log(what, a.status, a.text.slice(0, 500))

  it('probes', async () => {
    const tries: [string, string][] = [
      ['cyc', 'list standalone.cyc() { l = List(); l.add(l); return l; }'],
      ['cycm', 'map standalone.cycm() { m = Map(); m.put("a", m); return m; }'],
      ['dag', 'list standalone.dag() { l = List(); l.add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"); for each i in {1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10} { n = List(); n.add(l); n.add(l); l = n; } return l; }'],
      ['ctor', 'string standalone.ctor(constructor x, toString y, __proto__ z, hasOwnProperty w) { return x + "|" + y + "|" + z + "|" + w; }'],
      ['proto', 'map standalone.proto(map m) { m.put("__proto__", {"x":1}); n = Map(); n.put("constructor", 1); m.put("n", n); return m; }'],
      ['ssrf', `list standalone.ssrf() { r = List(); for each u in {"http://169.254.169.254/latest","http://localhost:5432/","http://[::1]:22/","http://0x7f000001/","http://[::ffff:127.0.0.1]/","${patchbay.base}/api/v1/me","http://0.0.0.0/","https://user:pw@127.0.0.1/"} { try { x = invokeurl [ url: u ]; r.add("REACHED " + x); } catch (e) { r.add(e.message); } } return r; }`],
      ['pw', 'string standalone.pw(map crmAPIRequest, password secret) { return secret.length(); }'],
      ['infos', 'void standalone.infos() { for each i in "a".rightPad(20000,"b").toList("") { info i; info "x".leftPad(500); info i; info i; info i;} }'],
    ]
    for (const [name, source] of tries) {
      const s = await save(dev, name, source)
      if (s.status !== 201) { show(`SAVE ${name}`, s); continue }
      const given = name === 'ctor' ? { x: 'X', y: 2 } : name === 'proto' ? '{"arguments":{"m":{"__proto__":{"a":1}}}}' : name === 'pw' ? { secret: 'S3CRETVALUE', crmAPIRequest: { a: 'S3CRETVALUE' } } : {}
      const began = performance.now()
      const a = await run(bob.ask, name, given)
      show(`RUN ${name} ${Math.round(performance.now() - began)}ms`, a)
    }
    // deep
    const deep = 'list standalone.deep() { l = List(); for each i in "a".rightPad(60000,"b").toList("") { n = List(); n.add(l); l = n; } return l; }'
    show('save deep', await save(dev, 'deep', deep))
    const began = performance.now()
    show('run deep', await run(bob.ask, 'deep'))
    console.log('deep took', performance.now() - began)
    const runs = must(await ada.ask('GET', '/api/v1/functions/runs?limit=100'), 200).json.data as { function: string; id: string }[]
    console.log('logged', runs.map(r => r.function).join(' '))
    const pw = runs.find(r => r.function === 'standalone.pw')
    show('pw log', await ada.ask('GET', `/api/v1/functions/runs/${pw?.id}`))
    // source oracle
    show('oracle', await bob.ask('GET', '/api/v1/functions?q=S3CRETVALUE'))
    show('oracle2', await bob.ask('GET', '/api/v1/functions?q=crmAPIRequest'))
    // schedule password
    show('sched', await dev.ask('POST', '/api/v1/functions/standalone/pw/schedules', { cron: '0 0 1 1 *', arguments: { secret: 'SCHEDSECRET' } }))
    show('sched by bob', await bob.ask('GET', '/api/v1/functions/schedules'))
    // cursors
    const bad = Buffer.from(JSON.stringify(['nope', 'nope'])).toString('base64url')
    show('cursor', await bob.ask('GET', `/api/v1/functions/runs?cursor=${bad}`))
    const bad2 = Buffer.from(JSON.stringify(['99999999999999999999'])).toString('base64url')
    show('cursor versions', await dev.ask('GET', `/api/v1/functions/standalone/pw/versions?cursor=${bad2}`))
    // exposed reply
    must(await save(dev, 'reply', 'map standalone.reply(map crmAPIRequest) { h = crmAPIRequest.get("params"); r = Map(); r.put("status_code", h.get("s").toLong()); r.put("headers", {"X-Accel-Redirect":"/etc","NEL":"{}","Report-To":"{}","Reporting-Endpoints":"a","X-A":"a\\r\\nSet-Cookie: x=1","Refresh":"0","Connection":"x","Set-Cookie":"a=1"}); r.put("Content-Type","text/html"); r.put("body","<script>alert(1)</script>"); return {"crmAPIResponse":r}; }'), 201)
    const { api_key_url } = must(await dev.ask('PUT', '/api/v1/functions/standalone/reply/exposure', { api_key: true }), 200).json
    for (const s of [200, 204, 304, 205, 302, 101, 599]) {
      const a = await patchbay.nobody('GET', `${String(api_key_url)}&s=${s}`)
      console.log('reply', s, a.status, JSON.stringify(Object.fromEntries(a.headers)), a.text.slice(0, 200))
    }
    must(await save(dev, 'cyc2', 'map standalone.cyc2() { m = Map(); m.put("a", m); r = Map(); r.put("body", m); return {"crmAPIResponse":r}; }'), 201)
    const u = must(await dev.ask('PUT', '/api/v1/functions/standalone/cyc2/exposure', { api_key: true }), 200).json.api_key_url
    show('pub cyc', await patchbay.nobody('GET', String(u)))
    show('pub head', await patchbay.nobody('GET', String(u).replace('cyc2', '__proto__')))
    // deletion while running
    must(await ada.ask('PUT', '/api/v1/functions/standalone/slow', { source: `void standalone.slow() { x = invokeurl [ url: "${practiceUrl(patchbay)}/slow?ms=1500" ]; y = invokeurl [ url: "${practiceUrl(patchbay)}/practice/slow/1500" ]; for each i in "a".rightPad(60000,"b").toList("") { z = i; } }` }), 201)
    const running = run(bob.ask, 'slow')
    show('delete', await dev.ask('DELETE', '/api/v1/functions/standalone/slow'))
    show('slow', await running)
    show('runs after', await ada.ask('GET', '/api/v1/functions/runs?limit=3'))
    console.log(patchbay.logged.filter(l => /"level":(50|60|40)|fail|fault/i.test(l)).map(l => l.slice(0, 400)).join('\n'))
    void connect; void refusal
  }, 200_000)
})
