import { Script } from 'node:vm'
import { newQuickJSWASMModule, RELEASE_SYNC } from 'quickjs-emscripten'
import { defaultLimits } from '../src/deluge/limits.ts'
import { parse } from '../src/deluge/parse.ts'
import { compile, run } from '../src/deluge/run.ts'
import { environmentOf } from '../test/deluge/environment.ts'
import { measureStart, mostMs, type StartFigures } from './function-start.ts'
import { median } from './report.ts'

export interface DelugeFigures {
  readonly programs: Readonly<Record<string, ProgramFigures>>
  /** Milliseconds to parse a script of so many statements. */
  readonly parse: { readonly statements: number; readonly ms: number }
  readonly start: StartFigures
}

export interface ProgramFigures {
  /** Statements of Deluge a second, in millions. */
  readonly statements_per_us: number
  /** Time of QuickJS, and of Node itself, for the same program, as a multiple of ours; medians of the rounds' own. */
  readonly quickjs_ratio: number
  readonly node_ratio: number
}

interface Pair {
  readonly deluge: string
  readonly javascript: string
}

const rounds = 5
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at).join(',')

/** The same program twice. The JavaScript is written as people write it: a Map for a map, an array for a list. */
const programs: Readonly<Record<string, Pair>> = {
  arithmetic: {
    deluge: `
      total = 0;
      for each a in {${numbers(500)}} {
        for each b in {${numbers(1000)}} {
          total = total + a * b % 7;
          if (total > 100000) { total = total - 100000; }
        }
      }
      return total;`,
    javascript: `
      let total = 0
      for (const a of [${numbers(500)}]) {
        for (const b of [${numbers(1000)}]) {
          total = total + a * b % 7
          if (total > 100000) { total = total - 100000 }
        }
      }
      return total`,
  },
  text: {
    deluge: `
      count = 0;
      for each a in {${numbers(200)}} {
        line = "";
        for each b in {${numbers(500)}} {
          part = "n" + b + ":" + a;
          if (part.contains("7:1")) { count = count + 1; }
          line = line + part.toUpperCase();
        }
        count = count + line.length();
      }
      return count;`,
    javascript: `
      let count = 0
      for (const a of [${numbers(200)}]) {
        let line = ''
        for (const b of [${numbers(500)}]) {
          const part = 'n' + b + ':' + a
          if (part.includes('7:1')) { count = count + 1 }
          line = line + part.toUpperCase()
        }
        count = count + line.length
      }
      return count`,
  },
  map: {
    deluge: `
      seen = Map();
      names = List();
      for each b in {${numbers(500)}} { names.add("key" + b); }
      for each name in names { seen.put(name, 0); }
      for each a in {${numbers(200)}} {
        for each name in names {
          if (seen.containsKey(name)) { seen.put(name, seen.get(name) + a); }
        }
      }
      return seen.get("key7");`,
    javascript: `
      const seen = new Map()
      const names = []
      for (const b of [${numbers(500)}]) { names.push('key' + b) }
      for (const name of names) { seen.set(name, 0) }
      for (const a of [${numbers(200)}]) {
        for (const name of names) {
          if (seen.has(name)) { seen.set(name, seen.get(name) + a) }
        }
      }
      return seen.get('key7')`,
  },
}

/** Milliseconds of one go, and what it gave. */
type Go = () => { readonly ms: number; readonly gave: unknown }

function timed(work: () => unknown): ReturnType<Go> {
  const began = performance.now()
  const gave = work()
  return { ms: performance.now() - began, gave }
}

function ours(source: string): { go: Go; statements: () => number } {
  const limits = { ...defaultLimits, statements: Number.MAX_SAFE_INTEGER }
  const environment = environmentOf({ limits })
  const program = compile(source, environment.surroundings)
  let statements = 0
  const go = () =>
    timed(() => {
      const result = run(program, { arguments: new Map() }, environment)
      if (result.error) throw new Error(result.error.message)
      statements = result.statements
      return result.output
    })
  return { go, statements: () => statements }
}

type Engine = Awaited<ReturnType<typeof newQuickJSWASMModule>>

function quickjs(engine: Engine, source: string): { go: Go; end: () => void } {
  const context = engine.newContext()
  context.unwrapResult(context.evalCode(`const work = () => { ${source} }`)).dispose()
  const go = () =>
    timed(() => {
      const handle = context.unwrapResult(context.evalCode('work()'))
      const gave: unknown = context.dump(handle)
      handle.dispose()
      return gave
    })
  return { go, end: () => context.dispose() }
}

const node = (source: string): Go => {
  const work = new Script(`(() => { ${source} })`).runInThisContext() as () => unknown
  return () => timed(work)
}

function measureProgram(engine: Engine, name: string, { deluge, javascript }: Pair): ProgramFigures {
  const mine = ours(deluge)
  const quick = quickjs(engine, javascript)
  const plain = node(javascript)
  const perMicrosecond: number[] = []
  const ratios: { quick: number; plain: number }[] = []
  // the first round compiles the code and is not counted
  for (let round = 0; round <= rounds; round += 1) {
    const results = { mine: mine.go(), quick: quick.go(), plain: plain() }
    if (results.mine.gave !== results.plain.gave || results.quick.gave !== results.plain.gave) {
      throw new Error(`${name}: the programs gave ${JSON.stringify(Object.values(results).map(one => one.gave))}.`)
    }
    if (round === 0) continue
    perMicrosecond.push(mine.statements() / results.mine.ms / 1000)
    ratios.push({ quick: results.quick.ms / results.mine.ms, plain: results.plain.ms / results.mine.ms })
  }
  quick.end()
  const rounded = (values: readonly number[]) => Number(median(values).toFixed(2))
  return {
    statements_per_us: rounded(perMicrosecond),
    quickjs_ratio: rounded(ratios.map(one => one.quick)),
    node_ratio: rounded(ratios.map(one => one.plain)),
  }
}

const statementsOfAGroup = 7
const groups = Math.ceil(20_000 / statementsOfAGroup)

/** What scripts consist of, over and over: every statement another kind, names and numbers changing. */
function longScript(): string {
  const lines: string[] = []
  for (let at = 0; at < groups; at += 1) {
    const n = String(at)
    lines.push(
      `row${n} = response.get("data").get(${n}).get("Name"); //`,
      `if (row${n} != null && !row${n}.contains("x ${n}")) { info "row " + row${n} + " of " + ${n}; }`,
      `total = ifnull(total, 0) + (row${n}.len() * 2 - ${n}.5) / 3;`,
      `payload.put("field_${n}", {"id": 5437000000${n}, "l": {1, "two"}, "on": '15-Mar-2019'});`,
      `for each item in row${n} { names.add(item.get("name").trim()); }`,
    )
  }
  return lines.join('\n')
}

function measureParse(): DelugeFigures['parse'] {
  const script = longScript()
  const times: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const { ms, gave } = timed(() => parse(script).errors.length)
    if (gave !== 0) throw new Error('The long script has errors.')
    if (round > 0) times.push(ms)
  }
  return { statements: groups * statementsOfAGroup, ms: Math.round(median(times)) }
}

/** How fast scripts run against the same programs in QuickJS and in Node, each round one after the other, and how fast they are read. */
export async function measureDeluge(): Promise<DelugeFigures> {
  const engine = await newQuickJSWASMModule(RELEASE_SYNC)
  const measured = Object.entries(programs).map(([name, pair]) => [name, measureProgram(engine, name, pair)] as const)
  return { programs: Object.fromEntries(measured), parse: measureParse(), start: await measureStart() }
}

export function sayDeluge({ programs: measured, parse: parsed, start }: DelugeFigures): void {
  for (const [name, { statements_per_us, quickjs_ratio, node_ratio }] of Object.entries(measured)) {
    process.stdout.write(
      `Deluge, ${name}: ${statements_per_us} million statements a second, ${quickjs_ratio} × QuickJS, ${node_ratio} × Node itself.\n`,
    )
  }
  const perSecond = Math.round(parsed.statements / parsed.ms)
  process.stdout.write(`Deluge: ${parsed.statements} statements parsed in ${parsed.ms} ms, ${perSecond} thousand a second.\n`)
  process.stdout.write(
    `Deluge: a warm function is at its first statement in ${start.p50_ms} ms (p50), ${start.p95_ms} ms (p95); the aim is ${mostMs} ms.\n`,
  )
}
