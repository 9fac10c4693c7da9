import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Edit, Mutant } from '../test/attacks/attack.ts'
import { defences } from '../test/attacks/defences/index.ts'
import { stopPostgresServer } from '../test/support/postgres-server.ts'

/**
 * Shows that every defence has a test which fails without it: each mutant of test/attacks/defences is applied to a copy of the sources,
 * and its test must fail there. First the same tests must pass without one. The working tree is only read.
 * Usage: npm run prove [-- X01 X05 …] [-- --list] [-- --only "part of what a mutant does"]
 */

const root = fileURLToPath(new URL('../', import.meta.url))

/** A mutant may make a server hang. Its tests have time limits of their own, which count as failures; this is for what ignores them. */
const mostMs = 300_000

/** Not copied: without dist/ tests run the sources, so that no program of theirs is an old one. */
const leftOut = new Set(['node_modules', '.git', 'data', 'coverage', 'screenshots', 'bench'])

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})

interface Row extends Mutant {
  readonly id: string
}

const unknown = positionals.filter(id => !defences.some(one => one.id === id))
if (unknown.length > 0) stop(`There is no ${unknown.join(', ')}; there are ${defences.map(one => one.id).join(', ')}.`)

const rows: readonly Row[] = defences
  .filter(one => positionals.length === 0 || positionals.includes(one.id))
  .flatMap(one => one.mutants.map(mutant => ({ ...mutant, id: one.id })))
  .filter(row => row.what.includes(flags.only))

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function stop(sentence: string): never {
  process.stderr.write(`${sentence}\n`)
  process.exit(2)
}

/** All that this writes, and the tests write that it runs. */
let folder: string | null = null
const temporaryOf = (of: string) => join(of, 'tmp')
/** Ends the tests that run just now. */
let endTests: () => void = () => {}

/** What tests that were cut short have left running: their PostgreSQL, which belongs to no process group but its own. */
async function stopServers(): Promise<void> {
  if (folder === null) return
  for (const run of readdirSync(temporaryOf(folder))) {
    const pid = join(temporaryOf(folder), run, 'postgres.pid')
    if (existsSync(pid)) await stopPostgresServer(Number(readFileSync(pid, 'utf8')))
  }
}

async function tidyUp(): Promise<void> {
  endTests()
  await stopServers()
  if (folder !== null) rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  folder = null
}

let judged = 0
let interrupted = false
/** A terminal signals every process, and npm and tsx pass it on: the first one counts. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    process.stderr.write(
      `Interrupted: ${judged} of ${rows.length} mutants were judged, and nothing follows from the others. The copy is removed; the working tree was only read.\n`,
    )
    void tidyUp().finally(() => process.exit(130))
  })

/** A copy of everything that tests need, in a folder of its own. */
function copyOfTheSources(): string {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-prove-'))
  // PostgreSQL runs as another user, below the folder for temporary files
  chmodSync(folder, 0o711)
  mkdirSync(temporaryOf(folder), { mode: 0o711 })
  const copy = join(folder, 'sources')
  mkdirSync(copy)
  for (const entry of readdirSync(root))
    if (!leftOut.has(entry) && !/^dist(-\d+)?$/.test(entry)) cpSync(join(root, entry), join(copy, entry), { recursive: true })
  // package by package, since caches below node_modules belong to one tree
  mkdirSync(join(copy, 'node_modules'))
  for (const entry of readdirSync(join(root, 'node_modules')))
    if (!entry.startsWith('.vite')) symlinkSync(join(root, 'node_modules', entry), join(copy, 'node_modules', entry))
  return copy
}

interface TestReport {
  readonly testResults: readonly {
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

interface Outcome {
  readonly passed: readonly string[]
  /** Title and first line of what it says. */
  readonly failed: readonly (readonly [title: string, why: string])[]
  /** Why there is nothing to judge: the file cannot be loaded, or its set-up failed, or it never ended. */
  readonly broken: string
}

const oneLine = (text: string) =>
  text
    // eslint-disable-next-line no-control-regex -- colours of the terminal
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .trim()
    .split('\n')[0]!
    .slice(0, 160)

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

const patternOf = (row: Row) => {
  const other = row.on === 'postgres' ? 'pglite' : 'postgres'
  return `^(?!.*\\[${other}\\]).*${escaped(row.name)}`
}

/** Runs the tests of one file whose titles match, with at most one failure when that is all that is asked. */
async function runTests(copy: string, file: string, pattern: string, firstFailureIsEnough: boolean): Promise<Outcome> {
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const { CI: _, ...own } = process.env
  const env = { ...own, TMPDIR: temporaryOf(join(copy, '..')) }
  const more = firstFailureIsEnough ? ['--bail=1'] : []
  const child = spawn(
    process.execPath,
    [vitest, 'run', file, '-t', pattern, '--reporter=json', `--outputFile=${report}`, '--retry=0', ...more],
    {
      cwd: copy,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // a group of its own: whatever a test started ends with it
      detached: true,
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said = `${said}${String(chunk)}`.slice(-4000)))
  let late = false
  const endGroup = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // nobody is left in it
    }
  }
  const timer = setTimeout(() => {
    late = true
    endGroup()
  }, mostMs)
  endTests = endGroup
  await new Promise(resolve => child.once('close', resolve))
  endTests = () => {}
  clearTimeout(timer)
  // a mutant may be one that leaves processes behind
  endGroup()
  // whoever was interrupted says nothing more
  if (interrupted) await new Promise(() => {})
  await stopServers()
  if (late) return { passed: [], failed: [], broken: `it did not end within ${mostMs / 1000} s` }
  let read: TestReport
  try {
    read = JSON.parse(readFileSync(report, 'utf8')) as TestReport
  } catch {
    return { passed: [], failed: [], broken: `there is no report: ${oneLine(said) || 'the tests ended without a word'}` }
  }
  const results = read.testResults.flatMap(one => one.assertionResults)
  const of = (status: string) => results.filter(one => one.status === status)
  const outside = read.testResults.find(one => one.status === 'failed')
  return {
    passed: of('passed').map(one => one.fullName),
    failed: of('failed').map(one => [one.fullName, oneLine(one.failureMessages?.[0] ?? '')] as const),
    broken:
      of('failed').length > 0
        ? ''
        : outside !== undefined
          ? `the file or its set-up fails, no test of it: ${oneLine(outside.message) || 'run it to see why'}`
          : of('passed').length === 0
            ? 'no test has that name'
            : '',
  }
}

/** Does the edits in the copy, and gives back the function that undoes them. */
function apply(copy: string, edits: readonly Edit[]): () => void {
  const before = new Map(edits.map(({ file }) => [file, readFileSync(join(copy, file), 'utf8')]))
  const undo = () => {
    for (const [file, text] of before) writeFileSync(join(copy, file), text)
  }
  for (const { file, find, replace } of edits) {
    const pieces = readFileSync(join(copy, file), 'utf8').split(find)
    if (pieces.length !== 2) {
      undo()
      throw new Error(`it cannot be made: ${file} has ${pieces.length - 1} places that read ${JSON.stringify(find)}`)
    }
    writeFileSync(join(copy, file), pieces.join(replace))
  }
  return undo
}

const testOf = (row: Row) => `${row.test} ${patternOf(row)}`
const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`

/** Why a failure would prove nothing: the tests that do not pass without a mutant. Each runs alone, as it will with one. */
async function control(copy: string): Promise<Map<string, string>> {
  const wrong = new Map<string, string>()
  for (const row of new Map(rows.map(one => [testOf(one), one])).values()) {
    const started = Date.now()
    const { passed, failed, broken } = await runTests(copy, row.test, patternOf(row), true)
    const why = failed[0] ? `"${failed[0][0]}" fails without it as well: ${failed[0][1]}` : broken
    if (why !== '') wrong.set(testOf(row), why)
    say(`control  ${row.test} "${row.name}": ${why || `${passed.length} passed`} (${seconds(started)})`)
  }
  return wrong
}

async function outcomeOf(copy: string, row: Row): Promise<Outcome> {
  try {
    const undo = apply(copy, [row, ...(row.also ?? [])])
    const outcome = await runTests(copy, row.test, patternOf(row), true)
    undo()
    return outcome
  } catch (error) {
    return { passed: [], failed: [], broken: error instanceof Error ? error.message : String(error) }
  }
}

async function prove(): Promise<number> {
  const copy = copyOfTheSources()
  try {
    const wrong = await control(copy)
    const survivors: string[] = []
    for (const row of rows) {
      const started = Date.now()
      const { failed, broken } = wrong.has(testOf(row)) ? { failed: [], broken: wrong.get(testOf(row)) } : await outcomeOf(copy, row)
      judged++
      if (failed[0]) {
        say(`killed   ${row.id} ${row.what} (${seconds(started)}): ${failed[0][1]}`)
        continue
      }
      const verdict = broken || 'every test passes with it'
      survivors.push(row.what)
      say(`SURVIVED ${row.id} ${row.what} (${row.test} "${row.name}"): ${verdict}`)
    }
    say(`${rows.length} mutants, ${rows.length - survivors.length} killed`)
    return survivors.length === 0 ? 0 : 1
  } finally {
    await tidyUp()
  }
}

if (flags.list) for (const row of rows) say(`${row.id} ${row.what}: ${row.file} → ${row.test} "${row.name}"`)
else if (rows.length === 0) stop('No mutant is meant by that.')
else process.exitCode = await prove()
