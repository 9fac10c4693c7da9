import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../deluge/failure.ts'
import type { HostAnswer, Surroundings } from '../deluge/host.ts'
import { defaultLimits, type Limits } from '../deluge/limits.ts'
import type { Value } from '../deluge/value.ts'
import type { Finished, Job } from './messages.ts'
import { createSandbox, type AsyncHost } from './sandbox.ts'

const surroundings: Surroundings = {
  timeZone: 'America/Los_Angeles',
  dateFormat: 'dd-MMM-yyyy',
  loginUser: null,
  adminUser: null,
  appName: '',
  appUri: '',
  ipAddress: null,
  precedence: 'usual',
  profile: 'crm',
}

let count = 0
const jobOf = (
  body: string,
  options: { organizationId?: string; principalId?: string; limits?: Partial<Limits>; values?: Record<string, Value> } = {},
): Job => {
  const { organizationId = 'org', principalId = 'person', limits = {}, values = {} } = options
  const parameters = Object.keys(values).join(', string ')
  const source = `any standalone.tested(${parameters && `string ${parameters}`}) {\n${body}\n}`
  return {
    asker: { organizationId, principalId },
    function: { id: `f${count++}`, revision: 1, namespace: 'standalone', name: 'tested', source },
    arguments: new Map(Object.entries(values)),
    limits: { ...defaultLimits, ...limits },
    surroundings,
    replies: false,
  }
}

const unavailable = (): never => {
  throw new Failure('not in this test', 'call')
}

const hostWith = (methods: Partial<AsyncHost> = {}): AsyncHost => ({
  send: unavailable,
  mail: unavailable,
  functionNamed: () => null,
  variable: () => null,
  setVariable: unavailable,
  defaultConnection: () => null,
  apiOrigin: () => 'https://api.example',
  info: () => undefined,
  ...methods,
})

const answer = (text: string): HostAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/plain' },
  body: new TextEncoder().encode(text),
})
const call = 'return invokeurl [ url: "https://api.example/x" type: GET ];'
const endless =
  'for each a in "1,2,3,4,5,6,7,8,9,10".toList() { for each b in list { for each c in list { for each d in list { x = 1; } } } } return "done";'
const forLong = `list = List(); for each i in "${Array.from({ length: 400 }, (_, i) => i).join(',')}".toList() { list.add(i); } ${endless}`

const given = ({ written }: Finished): unknown => written && JSON.parse(Buffer.from(written.json).toString())

const faults: unknown[] = []
const sandboxWith = (options: { threads?: number; waitMs?: number; waiting?: number; idleMs?: number } = {}) => {
  const sandbox = createSandbox({ threads: 2, onFault: error => faults.push(error), ...options })
  onTestFinished(() => sandbox.close())
  return sandbox
}

const shared = createSandbox({ threads: 2, onFault: error => faults.push(error) })
afterAll(() => shared.close())

describe('a run', () => {
  it('gives what the function returns, exactly', async () => {
    const result = await shared.run(jobOf('return {"id": 1234567890123456789, "name": name};', { values: { name: 'Ada' } }), hostWith())
    expect(result.error).toBeNull()
    expect(Buffer.from(result.written?.json ?? []).toString()).toBe('{"id":1234567890123456789,"name":"Ada"}')
  })

  it('prints as it goes, with the line', async () => {
    const lines: [string, number][] = []
    await shared.run(jobOf('info "a";\ninfo 1 + 1;\nreturn "";'), hostWith({ info: (line, at) => lines.push([line, at]) }))
    expect(lines).toEqual([
      ['a', 2],
      ['2', 3],
    ])
  })

  it('sleeps until the host has answered, and others run meanwhile', async () => {
    let release: (text: string) => void = () => undefined
    const waiting = new Promise<HostAnswer>(resolve => (release = text => resolve(answer(text))))
    const sleeping = shared.run(jobOf(call), hostWith({ send: () => waiting }))
    expect(given(await shared.run(jobOf('return "quick";'), hostWith()))).toBe('quick')
    release('late')
    expect(given(await sleeping)).toBe('late')
  })

  it('tells the script why a call failed, and keeps the facts for its caller', async () => {
    const refuse = () => {
      throw new Failure('UnAuthenticated Connections', 'call', { connect_url: 'https://patchbay.example/connect' })
    }
    const caught = await shared.run(jobOf(`try { ${call} } catch (e) { return e.message; }`), hostWith({ send: refuse }))
    expect(given(caught)).toContain('UnAuthenticated Connections')
    const failed = await shared.run(jobOf(call), hostWith({ send: refuse }))
    expect(failed.error).toMatchObject({ kind: 'call', line: 2, facts: { connect_url: 'https://patchbay.example/connect' } })
  })

  it('does not show a script a fault of ours', async () => {
    const before = faults.length
    const broken = () => Promise.reject(new Error('password=hunter2'))
    const result = await shared.run(jobOf(call), hostWith({ send: broken }))
    expect(JSON.stringify(result.error)).not.toContain('hunter2')
    expect(faults.length).toBe(before + 1)
  })

  it('calls functions that the host knows, once compiled', async () => {
    let asked = 0
    const functionNamed = () => {
      asked++
      return { id: 'other', revision: 3, source: 'int standalone.twice(int n) { return n * 2; }' }
    }
    const job = jobOf('return standalone.twice(standalone.twice(5)).toString();')
    expect(given(await shared.run(job, hostWith({ functionNamed })))).toBe('20')
    expect(asked).toBe(1)
  })
})

describe('what a function gives', () => {
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

  it('leaves its thread as text; for a public call its reply does, too', async () => {
    const replied = async (body: string) => (await shared.run({ ...jobOf(body), replies: true }, hostWith())).written
    const plain = await replied('return {"a":{1,2.50}};')
    expect(text(plain?.json)).toBe('{"a":[1,2.5]}')
    expect(plain?.reply?.kind === 'output' && text(plain.reply.text)).toBe('"{\\"a\\":[1,2.5]}"')
    const own = await replied(
      'r = Map(); r.put("status_code", 201); r.put("headers", {"X-A":1}); r.put("body", {"é":true}); return {"crmAPIResponse":r};',
    )
    expect(own?.reply).toMatchObject({
      kind: 'own',
      status: '201',
      headers: [['X-A', '1']],
      bodyType: 'json',
      contentType: null,
      file: null,
    })
    expect(own?.reply?.kind === 'own' && text(own.reply.body)).toBe('{"é":true}')
    expect((await shared.run(jobOf('return "x";'), hostWith())).written?.reply).toBeNull()
  })

  it('holds up nobody on this side while it is written', async () => {
    const maps =
      'l = List(); for each i in "x,".repeat(60000).toList() { l.add({"id":1234567890,"name":"Ada","tags":{"a","b"}}); } return l;'
    await shared.run(jobOf('return "";'), hostWith())
    const began = performance.eventLoopUtilization()
    const { written, error } = await shared.run(jobOf(maps), hostWith())
    const { utilization } = performance.eventLoopUtilization(began)
    expect(error).toBeNull()
    expect(written?.json.byteLength).toBeGreaterThan(2_500_000)
    // a quarter, were it a value that is copied here; and more, were it written here
    expect(utilization).toBeLessThan(0.05)
  })
})

describe('limits', () => {
  it('ends a script that runs for ever, with its line, and the thread runs the next one', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    const result = await sandbox.run(jobOf(forLong, { limits: { statements: 50_000 } }), hostWith())
    expect(result.error).toMatchObject({ kind: 'limit', line: 2 })
    expect(result.error?.message).toContain('Number of statement execution limit exceed')
    expect(given(await sandbox.run(jobOf('return "next";'), hostWith()))).toBe('next')
  })

  it('ends a script that waits for an answer past its time', async () => {
    const result = await shared.run(jobOf(call, { limits: { milliseconds: 300 } }), hostWith({ send: () => new Promise(() => undefined) }))
    expect(result.error).toMatchObject({ kind: 'limit' })
  })

  it('gives no script the answer that another one stopped waiting for', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    // this side is busy past the script's time: its answer leaves before it hears that the script has given up
    const tooLate = () => {
      const until = performance.now() + 500
      while (performance.now() < until);
      return answer('theirs')
    }
    const first = await sandbox.run(jobOf(call, { limits: { milliseconds: 200 } }), hostWith({ send: tooLate }))
    expect(first.error).toMatchObject({ kind: 'limit' })
    const second = sandbox.run(jobOf(call), hostWith({ send: () => new Promise(resolve => setTimeout(resolve, 50, answer('mine'))) }))
    expect(given(await second)).toBe('mine')
  })

  it('is cancelled while it computes and while it waits', async () => {
    for (const [script, host] of [
      [forLong, hostWith()],
      [call, hostWith({ send: () => new Promise(() => undefined) })],
    ] as const) {
      const ending = new AbortController()
      const run = shared.run(jobOf(script, { limits: { statements: 2_000_000_000 } }), host, { signal: ending.signal })
      setTimeout(() => ending.abort(), 100)
      expect((await run).error).toMatchObject({ kind: 'cancelled' })
    }
  })

  it('ends a thread that looks at no clock, and goes on with another', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    const heavy = `t = "ab".repeat(2000000); ${'t = t.reverse(); '.repeat(400)} return "";`
    const result = await sandbox.run(jobOf(heavy, { limits: { milliseconds: 1, memory: 2 ** 40 } }), hostWith())
    expect(result.error).toMatchObject({ kind: 'limit' })
    expect(given(await sandbox.run(jobOf('return "next";'), hostWith()))).toBe('next')
  }, 60_000)
})

describe('threads', () => {
  it.each([
    ['others', { organizationId: 'greedy' }, { organizationId: 'modest' }],
    ['a colleague', { principalId: 'greedy' }, { principalId: 'modest' }],
  ])('are shared by turns: who asks for much does not hold up %s', async (_, greedy, modest) => {
    const sandbox = sandboxWith({ threads: 1 })
    const order: string[] = []
    const runs = [greedy, greedy, greedy, greedy, modest].map(who =>
      sandbox
        .run(jobOf(call, who), hostWith({ send: () => new Promise(resolve => setTimeout(resolve, 20, answer('x'))) }))
        .then(() => order.push(who === modest ? 'modest' : 'greedy')),
    )
    await Promise.all(runs)
    expect(order.indexOf('modest')).toBeLessThan(3)
  })

  it('leave room to wait: one person’s queue is bounded, and so is their organisation’s', async () => {
    const sandbox = sandboxWith({ threads: 1, waiting: 16 })
    let release: (answer: HostAnswer) => void = () => undefined
    const released = new Promise<HostAnswer>(resolve => (release = resolve))
    const refused: string[] = []
    const runs = ['A/ann', 'A/bob', 'B/cleo'].flatMap(who =>
      Array.from({ length: 20 }, async () => {
        const [organizationId = '', principalId = ''] = who.split('/')
        try {
          await sandbox.run(jobOf(call, { organizationId, principalId }), hostWith({ send: () => released }))
        } catch (error) {
          expect(error).toMatchObject({ code: 'functions_busy' })
          refused.push(who)
        }
      }),
    )
    await new Promise(resolve => setTimeout(resolve, 50))
    const count = (who: string) => refused.filter(one => one === who).length
    // one of Ann's has the thread
    expect([count('A/ann'), count('A/bob'), count('B/cleo')]).toEqual([10, 17, 16])
    release(answer('x'))
    await Promise.all(runs)
    expect(refused).toHaveLength(43)
  })

  it('are not waited for without end', async () => {
    const sandbox = sandboxWith({ threads: 1, waitMs: 100 })
    const long = sandbox.run(jobOf(call), hostWith({ send: () => new Promise(resolve => setTimeout(resolve, 1500, answer('x'))) }))
    await expect(sandbox.run(jobOf('return "";'), hostWith())).rejects.toMatchObject({ code: 'functions_busy' })
    expect(given(await long)).toBe('x')
  })

  it('end with the server, and so do their scripts', async () => {
    const sandbox = createSandbox({ threads: 1, onFault: error => faults.push(error) })
    const run = sandbox.run(jobOf(call), hostWith({ send: () => new Promise(() => undefined) }))
    await new Promise(resolve => setTimeout(resolve, 200))
    await sandbox.close()
    expect((await run).error).toMatchObject({ kind: 'cancelled' })
    await expect(sandbox.run(jobOf('return "";'), hostWith())).rejects.toMatchObject({ code: 'functions_busy' })
  })
})

it('checks without running', async () => {
  const checked = await shared.check('string standalone.f() { info missing; return ""; }', {
    asker: { organizationId: 'o', principalId: 'p' },
    precedence: 'usual',
    known: null,
  })
  expect(checked.errors).toMatchObject([{ line: 1, message: expect.stringContaining("'missing'") as string }])
  expect(checked.signature).toMatchObject({ namespace: 'standalone', name: 'f' })
})
