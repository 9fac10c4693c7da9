import { describe, expect, it, vi } from 'vitest'
import { defaultLimits, type Limits } from '../../src/deluge/limits.ts'
import { compile, run, type RunResult } from '../../src/deluge/run.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { environmentOf } from './environment.ts'

const { surroundings } = scriptedHost().context

// Only that it ends is meant: the bounds are wide, so that a busy machine stays within them.
vi.setConfig({ testTimeout: 180_000 })

/** Runs a script and makes sure that it ended in time and that the next one runs as if nothing had been. */
function outlived(source: string, limits: Partial<Limits> = {}, withinMs = 40_000): RunResult {
  const began = performance.now()
  const result = run(compile(source, surroundings), { arguments: new Map() }, environmentOf({ limits: { ...defaultLimits, ...limits } }))
  expect(performance.now() - began).toBeLessThan(withinMs)
  const next = run(compile('x = {1,2}; return x.size() + 1;', surroundings), { arguments: new Map() }, environmentOf())
  expect(next).toMatchObject({ output: 3, error: null, statements: 2 })
  return result
}

const times = (count: number) => `{${Array.from({ length: count }, (_, at) => at).join(',')}}`
const loops = (depth: number, body: string) =>
  `l = ${times(100)}; ${Array.from({ length: depth }, (_, at) => `for each x${at} in l {`).join(' ')} ${body} ${'}'.repeat(depth)}`

describe('a script that does not want to end', () => {
  it('ends at its statements, a hundred million turns from its end', () => {
    const result = outlived(loops(4, 'y = x1;'))
    expect(result).toMatchObject({ statements: 200_000, error: { kind: 'limit', line: 1 } })
    expect(result.error?.message).toBe('Number of statement execution limit exceed')
  })

  it('ends at its time', () => {
    const result = outlived(loops(5, 'y = x1;'), { statements: 1e9, milliseconds: 100 }, 10_000)
    expect(result.error).toMatchObject({ kind: 'limit', message: 'The run took longer than its limit of 0.1 seconds.' })
  })

  it('ends at its time when every statement is slow', () => {
    const slow = 's = "0123456789".repeat(500000); for each i in "1,2,3".repeat(2000) { t = s.toUpperCase().reverse().toLowerCase(); }'
    expect(outlived(slow, { milliseconds: 300 }, 15_000).error).toMatchObject({ kind: 'limit' })
  })

  it('ends when somebody wants it to', () => {
    let asked = 0
    const cancelled = () => (asked += 1) > 3
    const result = run(compile(loops(4, 'y = x1;'), surroundings), { arguments: new Map() }, environmentOf({ cancelled }))
    expect(result.error).toMatchObject({ kind: 'cancelled' })
    expect(result.statements).toBeLessThan(10_000)
  })

  it('does not catch its own end', () => {
    const result = outlived(loops(4, 'try { y = x1; } catch (e) { y = 0; }'))
    expect(result.error).toMatchObject({ kind: 'limit' })
    const large = outlived('try { x = "0123456789".repeat(100000000); } catch (e) { return "caught"; } return "went on";')
    expect(large).toMatchObject({ output: null, error: { kind: 'limit' } })
  })
})

describe('recursion', () => {
  it('of a function ends at its depth', () => {
    const result = outlived('int standalone.f(int n) { return standalone.f(n + 1); } standalone.f(1);')
    expect(result.error).toMatchObject({ kind: 'limit', line: 1 })
  })

  it('through deep expressions ends before the stack does', () => {
    const deep = `${'ifnull(null, '.repeat(150)}standalone.f(1)${')'.repeat(150)}`
    const result = outlived(`int standalone.f(int n) { try { return ${deep}; } catch (e) { return 1; } } return standalone.f(1);`)
    expect(result.error).toMatchObject({ kind: 'limit' })
  })

  it('of two functions of the host ends as well', () => {
    const sources = { f: 'int standalone.f(int n) { return standalone.g(n); }', g: 'int standalone.g(int n) { return standalone.f(n); }' }
    const { host } = scriptedHost().context
    const functionNamed = (_: string, name: string) => ({ id: name, revision: 1, source: sources[name as 'f' | 'g'] })
    const result = run(
      compile('standalone.f(1);', surroundings),
      { arguments: new Map() },
      environmentOf({ host: { ...host, functionNamed } }),
    )
    expect(result.error).toMatchObject({ kind: 'limit', line: 1 })
    expect(result.error?.message.length).toBeLessThan(200)
  })
})

describe('what grows', () => {
  it.each([
    ['a text', 'x = "ab"; for each i in {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30} { x += x; }'],
    ['a text by repeat', 'x = "0123456789".repeat(1000000).repeat(1000000);'],
    ['a text by replacing', 'x = "a".repeat(100000); for each i in "1,2,3,4,5" { x = x.replaceAll("a", "aaaaaaaaaa"); }'],
    ['a list', `l = {1}; for each i in ${times(40)} { l.addAll(l); }`],
    [
      'a map',
      `m = {"a":1}; for each i in ${times(40)} { n = Map(); for each k in m.keys() { n.put(k + "x", 1); } m.putAll(n); n = Map(); for each k in m.keys() { n.put(k + "y" + i, 1); } m.putAll(n); }`,
    ],
    [
      'lists of lists',
      `l = {1}; for each i in ${times(100)} { for each j in ${times(100)} { k = List(); k.addAll(${times(1000)}); l.add(k); } }`,
    ],
  ])('ends: %s', (_, source) => {
    expect(outlived(source).error).toMatchObject({ kind: 'limit' })
  })

  it('ends as text: a list that stands in itself a billion billion times', () => {
    const twice = `l = {1}; for each i in ${times(60)} { k = List(); k.add(l); k.add(l); l = k; }`
    expect(outlived(`${twice} info l;`).error).toMatchObject({ kind: 'limit' })
    expect(outlived(`${twice} m = l; ${twice} info m == l;`).error).not.toBeNull()
    expect(outlived(`${twice} info "a" + l;`).error).not.toBeNull()
    expect(outlived(`${twice} info {l}.contains({l.get(0), l.get(1)});`).statements).toBeGreaterThan(0)
  })

  it('ends as text: a list a hundred thousand deep', () => {
    const deep = `l = {1}; for each i in ${times(1000)} { for each j in ${times(60)} { k = List(); k.add(l); l = k; } }`
    expect(outlived(`${deep} info l;`, { statements: 1e6 }).error).toMatchObject({
      kind: 'failed',
      message: 'A value may be nested 200 deep at most.',
    })
    expect(
      outlived(`${deep} m = {"l": l}; x = "0123456789".repeat(800000); for each i in ${times(20)} { y = x + i; }`, { statements: 1e6 })
        .error,
    ).toBeNull()
  })

  it('is what has no end: itself', () => {
    for (const use of [
      'info l;',
      'm = {"k": l}; info m.toString();',
      'info l == l.get(0);',
      'info l.contains(5);',
      'info l.distinct();',
      'info {l}.sort();',
    ])
      outlived(`l = List(); l.add(l); l.add(l); ${use}`)
  })
})

describe('numbers', () => {
  it.each([
    ['a literal of a million digits', `x = ${'9'.repeat(900_000)};`],
    ['a decimal of a million digits', `x = 0.${'9'.repeat(900_000)}; y = x * x; info y.toString().len();`],
    ['a product that grows', `x = 3; for each i in ${times(1000)} { x = x * x; }`],
    ['JSON of a million digits', `x = ("{\\"a\\":" + "9".repeat(1000000) + "}").toMap();`],
    ['powers', 'x = 9999999.power(9999999);'],
    ['text', 'x = "9".repeat(1000000).toLong();'],
  ])('are bounded: %s', (_, source) => {
    outlived(source)
  })

  it('of a thousand digits at most', () => {
    expect(outlived(`x = ${'9'.repeat(2000)};`).error).toMatchObject({ message: 'A NUMBER may have 1000 digits at most.' })
    expect(outlived(`x = ${'9'.repeat(900)}; y = x * 10;`).error).toBeNull()
  })

  it.each([
    '"1e999999999".toDecimal()',
    '"1e999999999".toLong()',
    '"1e-999999999".toDecimal().round(3)',
    '2.5.power(1000000)',
    '"1e9999".toDecimal().toString("#,##0.00")',
  ])('with exponents end: %s', expression => {
    outlived(`x = ${expression}; info x;`)
  })
})

describe('long sources', () => {
  it('a sum of ten thousand terms', () => {
    const numbers = outlived(`return ${Array.from({ length: 10_000 }, () => '1').join(' + ')};`)
    expect(numbers.output).toBe(10_000)
    const texts = outlived(`x = 1; return (${Array.from({ length: 10_000 }, () => '"a" + x').join(' + ')}).len();`)
    expect(texts.output).toBe(20_000)
    const mixed = outlived(`x = 1; return ${Array.from({ length: 10_000 }, () => 'x - 2 * x').join(' + ')};`)
    expect(mixed.output).toBe(-10_000)
  })

  it('ten thousand conditions', () => {
    expect(outlived(`return ${Array.from({ length: 10_000 }, () => 'true').join(' && ')};`).output).toBe(true)
    expect(outlived(`return ${Array.from({ length: 10_000 }, () => 'false').join(' || ')};`).output).toBe(false)
  })

  it('ten thousand calls in a chain, or comparisons, end one way or the other', () => {
    outlived(`x = "a"${'.trim()'.repeat(10_000)}; info x;`)
    outlived(`x = 1${' == 1'.repeat(10_000)}; info x;`)
    outlived(`x = {"a":1}; y = x${'.a'.repeat(10_000)};`)
    outlived(`x = ${'('.repeat(10_000)}1${')'.repeat(10_000)};`)
    outlived(`x = ${'{'.repeat(10_000)}1${'}'.repeat(10_000)};`)
    outlived(`x = ${'-'.repeat(10_000)}1;`)
    outlived(`${'if (true) {'.repeat(10_000)} x = 1; ${'}'.repeat(10_000)}`)
  })
})

describe('the outside', () => {
  it('is called as often as a run may, not a hundred thousand times', () => {
    const result = outlived(
      `for each i in ${times(1000)} { for each j in ${times(100)} { r = invokeurl [ url: "https://api.example.com/" ]; } }`,
    )
    expect(result).toMatchObject({ calls: 100, error: { kind: 'limit', message: 'A run may make 100 calls at most.' } })
  })
})

describe('names that JavaScript knows', () => {
  it('are data', () => {
    const result = outlived(
      'm = {"__proto__": {"polluted": true}}; m.put("constructor", 1); n = "{\\"__proto__\\":{\\"polluted\\":true}}".toMap(); n.putAll(m); n.__proto__ = 5; return n;',
    )
    expect(result.error).toBeNull()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(outlived('constructor = 1; __proto__ = 2; toString = 3; return constructor + __proto__ + toString;').output).toBe(6)
    expect(outlived('return hasOwnProperty;').error?.message).toBe("Variable 'hasOwnProperty' is not defined")
    expect(outlived('x = {"a":1}; return x.constructor();').error?.message).toBe("Not able to find 'constructor' function")
    expect(outlived('return __proto__(1);').error?.message).toBe("Not able to find '__proto__' function")
    expect(outlived('x = constructor [ url: "a" ];').error).not.toBeNull()
  })
})

describe('deep JSON', () => {
  it('is refused, not read', () => {
    const source = 'x = "[".repeat(100000) + "]".repeat(100000); y = x.toList(); info y;'
    outlived(source)
    expect(outlived('x = ("{\\"a\\":".repeat(100000) + "1" + "}".repeat(100000)).toMap();').error?.message).toBe(
      'Invalid JSON Format String',
    )
  })

  it('of four million empty lists ends at the memory of the run', () => {
    const source = 'x = "[" + "[[],[],[],[],[],[],[],[],[],[]],".repeat(200000) + "[]]"; y = x.toJSONList();'
    expect(outlived(source).error).not.toBeNull()
  })
})
