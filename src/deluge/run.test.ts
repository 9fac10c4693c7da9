import { describe, expect, it } from 'vitest'
import { environmentOf, hostWith } from '../../test/deluge/environment.ts'
import { scriptedHost, type ScriptedHost } from '../../test/support/scripted-host.ts'
import { Failure } from './failure.ts'
import { defaultLimits } from './limits.ts'
import { compile, run, type Asked, type Environment } from './run.ts'
import { mapOf } from './value.ts'

const { surroundings } = scriptedHost().context
const nothing: Asked = { arguments: new Map() }

const runScript = (source: string, changes: Partial<Environment> = {}, asked = nothing) =>
  run(compile(source, surroundings), asked, environmentOf(changes))

const invoke = (path: string) => `x = invokeurl [ url: "https://api.example.com/${path}" ];`
const askedBy = ({ requests }: ScriptedHost) => requests.map(({ url, from }) => `${from} ${new URL(url).pathname}`)

describe('what a run tells', () => {
  it('output, its type, statements and calls', () => {
    const { host } = scriptedHost([{ body: 'x' }]).context
    expect(runScript(`${invoke('a')} y = 2; return {"a": y};`, { host })).toMatchObject({
      output: mapOf([['a', 2]]),
      outputType: 'map',
      error: null,
      statements: 3,
      calls: 1,
    })
    expect(runScript('x = 1;')).toMatchObject({ output: null, outputType: 'void', statements: 1, calls: 0 })
    expect(runScript('return null;')).toMatchObject({ output: null, outputType: 'null' })
    expect(runScript('return;')).toMatchObject({ output: null, outputType: 'void' })
  })

  it('how it failed, with the facts of the host, and the lines written until then', () => {
    const lines: [string, number][] = []
    const { host } = scriptedHost([new Failure('Authorise first.', 'call', { connect_url: 'https://x/connect/1' })]).context
    const result = runScript(`info "one";\n${invoke('a')}\ninfo "two";`, { host, info: (line, at) => lines.push([line, at]) })
    expect(lines).toEqual([['one', 1]])
    expect(result).toMatchObject({
      output: null,
      outputType: 'void',
      error: { message: 'Authorise first.', line: 2, kind: 'call', facts: { connect_url: 'https://x/connect/1' } },
    })
  })

  it.each([
    ['return "abc".size();', "TEXT can not be cast to 'MAP', which has the function 'size'. TEXT has length()"],
    ['return size("abc");', "TEXT can not be cast to 'MAP', which has the function 'size'. TEXT has length()"],
    ['return {1,2}.len();', "LIST can not be cast to 'TEXT', which has the function 'len'. LIST has size()"],
    ['m = {"a":1}; m.add("b");', "MAP can not be cast to 'LIST', which has the function 'add'. MAP has put(key, value)"],
    ['return "a".sort();', "TEXT can not be cast to 'LIST', which has the function 'sort'"],
  ])('what the value has instead of a function of other kinds: %s', (source, message) => {
    expect(runScript(source).error?.message).toBe(message)
  })

  it('that we failed, where a host or a built-in throws what is no failure, without what it says', () => {
    const { host } = scriptedHost([new TypeError('token abc is not iterable')]).context
    const { error } = runScript(`try {\n${invoke('a')} } catch (e) { x = 1; }`, { host })
    expect(error).toEqual({
      message: 'This line made the interpreter fail (TypeError): please report it.',
      line: 2,
      kind: 'failed',
      facts: {},
    })
  })

  it('what is wrong with the source, before anything runs', () => {
    const lines: string[] = []
    const result = runScript('info "one";\ninfo (1;', { info: line => lines.push(line) })
    expect(lines).toEqual([])
    expect(result).toMatchObject({ error: { line: 2, kind: 'failed' }, statements: 0 })
  })
})

describe('a program', () => {
  it('keeps nothing of a run', () => {
    const program = compile('x = ifnull(input.x, List()); x.add(1); l = {1}; l.add(2); return l.size() + x.size();', surroundings)
    for (let round = 0; round < 3; round += 1) expect(run(program, nothing, environmentOf()).output).toBe(3)
    const given = { arguments: new Map([['x', { kind: 'list' as const, items: [1, 2], of: null }]]) }
    expect(run(program, given, environmentOf()).output).toBe(5)
    expect(run(program, nothing, environmentOf()).output).toBe(3)
  })

  it('reads its quoted dates in the zone of the run', () => {
    const program = compile("return '15-Mar-2019'.unixEpoch();", surroundings)
    const inKolkata = environmentOf({ surroundings: { ...surroundings, timeZone: 'Asia/Kolkata' } })
    expect(run(program, nothing, environmentOf()).output).toBe(Date.parse('2019-03-15T07:00:00Z'))
    expect(run(program, nothing, inKolkata).output).toBe(Date.parse('2019-03-14T18:30:00Z'))
  })

  it('without the function asked for runs what it has: it is that function whatever its header says', () => {
    const asked = { ...nothing, function: { namespace: 'standalone', name: 'new_name' } }
    expect(runScript('int standalone.old_name() { return 5; }', {}, asked).output).toBe(5)
    expect(runScript('return 6;', {}, asked).output).toBe(6)
  })
})

describe('for whom a call is made', () => {
  const functions = {
    'standalone.inner': `void standalone.inner() { ${invoke('inner')} }`,
    'standalone.broken': 'void standalone.broken() { x = 1 / 0; }',
  }

  it('is the function whose line makes it, before, in and after functions that it calls', () => {
    const scripted = scriptedHost()
    const source = `void standalone.outer() {
      ${invoke('before')} standalone.inner(); ${invoke('after')}
      try { standalone.broken(); } catch (e) { ${invoke('caught')} }
    }`
    const asked = { ...nothing, function: { namespace: 'standalone', name: 'outer' } }
    expect(runScript(source, { host: hostWith(scripted, functions) }, asked).error).toBeNull()
    expect(askedBy(scripted)).toEqual([
      'standalone.outer /before',
      'standalone.inner /inner',
      'standalone.outer /after',
      'standalone.outer /caught',
    ])
  })

  it('is nobody for a script outside functions', () => {
    const scripted = scriptedHost()
    runScript(`void standalone.mine() { ${invoke('mine')} } ${invoke('own')} standalone.mine();`, { host: scripted.context.host })
    expect(askedBy(scripted)).toEqual([' /own', ' /mine'])
  })

  it('is never who a header says: a file may name the function of another', () => {
    const scripted = scriptedHost()
    const source = `void standalone.mine() { standalone.inner(); } void standalone.inner() { ${invoke('pretended')} }`
    const host = hostWith(scripted, { ...functions, 'standalone.other': `void standalone.inner() { ${invoke('other')} }` })
    runScript(source, { host }, { ...nothing, function: { namespace: 'standalone', name: 'mine' } })
    runScript('standalone.other();', { host })
    expect(askedBy(scripted)).toEqual(['standalone.mine /pretended', 'standalone.other /other'])
  })
})

describe('functions of the host', () => {
  it('are asked for once a run, and compiled once a revision', () => {
    let revision = 1
    let asked = 0
    const { host } = scriptedHost().context
    const functionNamed = () => {
      asked += 1
      return { id: 'run-test-1', revision, source: `int standalone.f(int x) { return x + ${String(revision)}; }` }
    }
    const source = 'return standalone.f(1) + standalone.f(10);'
    const changes = { host: { ...host, functionNamed } }
    expect(runScript(source, changes).output).toBe(13)
    expect(asked).toBe(1)
    revision = 2
    expect(runScript(source, changes).output).toBe(15)
    expect(asked).toBe(2)
  })

  it('that do not parse fail at the call', () => {
    const host = hostWith(scriptedHost(), { 'standalone.f': 'int standalone.f() {\n return (1; }' })
    const { error } = runScript('x = 1;\nx = standalone.f();', { host })
    expect(error).toMatchObject({ line: 2, kind: 'failed' })
    expect(error?.message).toContain('(in standalone.f, line 2)')
  })

  it('share the limits of the run', () => {
    const host = hostWith(scriptedHost(), {
      'standalone.f': 'void standalone.f(int n) { for each x in {1,2,3,4,5,6,7,8,9,10} { y = x; } }',
    })
    const result = runScript('for each x in {1,2,3,4,5,6,7,8,9,10}\n{\n  standalone.f(x);\n}', {
      host,
      limits: { ...defaultLimits, statements: 50 },
    })
    expect(result).toMatchObject({ statements: 50, error: { kind: 'limit', line: 3 } })
  })
})
