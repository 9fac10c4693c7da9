import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../deluge/failure.ts'
import type { HostAnswer, Surroundings } from '../deluge/host.ts'
import { defaultLimits, type Limits } from '../deluge/limits.ts'
import type { Value } from '../deluge/value.ts'
import type { Job } from './messages.ts'
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
const jobOf = (body: string, options: { organizationId?: string; limits?: Partial<Limits>; values?: Record<string, Value> } = {}): Job => {
  const { organizationId = 'org', limits = {}, values = {} } = options
  const parameters = Object.keys(values).join(', string ')
  const source = `string standalone.tested(${parameters && `string ${parameters}`}) {\n${body}\n}`
  return {
    organizationId,
    function: { id: `f${count++}`, revision: 1, namespace: 'standalone', name: 'tested', source },
    arguments: new Map(Object.entries(values)),
    limits: { ...defaultLimits, ...limits },
    surroundings,
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
    expect(result.output).toMatchObject({
      kind: 'map',
      entries: new Map<string, Value>([
        ['id', 1234567890123456789n],
        ['name', 'Ada'],
      ]),
    })
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
    expect((await shared.run(jobOf('return "quick";'), hostWith())).output).toBe('quick')
    release('late')
    expect((await sleeping).output).toBe('late')
  })

  it('tells the script why a call failed, and keeps the facts for its caller', async () => {
    const refuse = () => {
      throw new Failure('UnAuthenticated Connections', 'call', { connect_url: 'https://patchbay.example/connect' })
    }
    const caught = await shared.run(jobOf(`try { ${call} } catch (e) { return e.message; }`), hostWith({ send: refuse }))
    expect(caught.output).toContain('UnAuthenticated Connections')
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
    expect((await shared.run(job, hostWith({ functionNamed }))).output).toBe('20')
    expect(asked).toBe(1)
  })
})

describe('limits', () => {
  it('ends a script that runs for ever, with its line, and the thread runs the next one', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    const result = await sandbox.run(jobOf(forLong, { limits: { statements: 50_000 } }), hostWith())
    expect(result.error).toMatchObject({ kind: 'limit', line: 2 })
    expect(result.error?.message).toContain('Number of statement execution limit exceed')
    expect((await sandbox.run(jobOf('return "next";'), hostWith())).output).toBe('next')
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
    expect((await second).output).toBe('mine')
  })

  it('is cancelled while it computes and while it waits', async () => {
    for (const [script, host] of [
      [forLong, hostWith()],
      [call, hostWith({ send: () => new Promise(() => undefined) })],
    ] as const) {
      const ending = new AbortController()
      const run = shared.run(jobOf(script, { limits: { statements: 2_000_000_000 } }), host, ending.signal)
      setTimeout(() => ending.abort(), 100)
      expect((await run).error).toMatchObject({ kind: 'cancelled' })
    }
  })

  it('ends a thread that looks at no clock, and goes on with another', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    const heavy = `t = "ab".repeat(2000000); ${'t = t.reverse(); '.repeat(400)} return "";`
    const result = await sandbox.run(jobOf(heavy, { limits: { milliseconds: 1, memory: 2 ** 40 } }), hostWith())
    expect(result.error).toMatchObject({ kind: 'limit' })
    expect((await sandbox.run(jobOf('return "next";'), hostWith())).output).toBe('next')
  }, 60_000)
})

describe('threads', () => {
  it('are shared by turns: who asks for much does not hold up the others', async () => {
    const sandbox = sandboxWith({ threads: 1 })
    const order: string[] = []
    const runs = ['greedy', 'greedy', 'greedy', 'greedy', 'modest'].map(organizationId =>
      sandbox
        .run(jobOf(call, { organizationId }), hostWith({ send: () => new Promise(resolve => setTimeout(resolve, 20, answer('x'))) }))
        .then(() => order.push(organizationId)),
    )
    await Promise.all(runs)
    expect(order.indexOf('modest')).toBeLessThan(3)
  })

  it('are not waited for without end', async () => {
    const sandbox = sandboxWith({ threads: 1, waitMs: 100 })
    const long = sandbox.run(jobOf(call), hostWith({ send: () => new Promise(resolve => setTimeout(resolve, 1500, answer('x'))) }))
    await expect(sandbox.run(jobOf('return "";'), hostWith())).rejects.toMatchObject({ code: 'functions_busy' })
    expect((await long).output).toBe('x')
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
    organizationId: 'o',
    precedence: 'usual',
    known: null,
  })
  expect(checked.errors).toMatchObject([{ line: 1, message: expect.stringContaining("'missing'") as string }])
  expect(checked.signature).toMatchObject({ namespace: 'standalone', name: 'f' })
})
