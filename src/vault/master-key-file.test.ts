import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, assert, beforeEach, test } from 'vitest'
import { loadMasterKeys, parseMasterKeys, type MasterKeySources } from './master-key-file.ts'
import { MasterKeyRefused } from './master-key.ts'

const fixed = (name: string) => createHash('sha256').update(name).digest('base64')
const idOf = (text: string) => parseMasterKeys(text, 'It')[0]?.id

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'master-key-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

const development = (changes: Partial<MasterKeySources> = {}): MasterKeySources => ({
  keyText: undefined,
  keyFile: undefined,
  dataDir: join(directory, 'data'),
  production: false,
  allowCreate: true,
  ...changes,
})

/** Refused with a sentence that matches, and the directory is as it was. */
function refusedWithoutATrace(sources: MasterKeySources, says: RegExp): void {
  const snapshot = () => readdirSync(directory).map(name => [name, statSync(join(directory, name)).mtimeMs])
  const before = snapshot()
  try {
    loadMasterKeys(sources)
  } catch (error) {
    assert.instanceOf(error, MasterKeyRefused)
    assert.match(error.message, says)
    assert.deepEqual(snapshot(), before)
    return
  }
  assert.fail('it was accepted')
}

test('in development, an empty database gets a key beside its directory that only its owner reads', () => {
  const first = loadMasterKeys(development())
  const file = join(directory, 'data.key')
  assert.deepEqual([first.created, first.file, first.warnings.length], [true, file, 0])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['data.key'])

  const second = loadMasterKeys(development({ production: true, allowCreate: false }))
  assert.isFalse(second.created)
  assert.equal(second.masterKeys[0]?.id, first.masterKeys[0]?.id)
})

test('a trailing slash of the data directory does not move its key into it', () => {
  assert.equal(loadMasterKeys(development({ dataDir: `${directory}/data/` })).file, join(directory, 'data.key'))
})

test('no key is made in production, nor for a database that holds something', () => {
  refusedWithoutATrace(development({ production: true }), /in production none is made/)
  refusedWithoutATrace(development({ allowCreate: false }), /Put the key file back/)
})

test('a named file is never created', () => {
  refusedWithoutATrace(development({ keyFile: join(directory, 'absent.key') }), /absent\.key cannot be read \(ENOENT\)/)
})

test('a bad key file is refused and left as it is, also in development', () => {
  const file = join(directory, 'data.key')
  for (const [content, says] of [
    ['', /is empty/],
    ['# only a comment\n', /is empty/],
    [Buffer.alloc(32).toString('base64'), /all zeros/],
    [`${fixed('new')}\n${fixed('old').slice(0, 40)}\n`, /line 2, is too short/],
    [`${fixed('same')}\n${fixed('same')}\n`, /same key twice/],
    [Array.from({ length: 17 }, (_, i) => fixed(String(i))).join('\n'), /more than 16/],
    ['A'.repeat(70_000), /too long/],
  ] as const) {
    writeFileSync(file, content, { mode: 0o600 })
    refusedWithoutATrace(development(), says)
    assert.equal(readFileSync(file, 'utf8'), content)
  }
})

test('a file without an end is not read to its end', () => {
  refusedWithoutATrace(development({ keyFile: '/dev/zero' }), /too long/)
})

test('a link that leads nowhere is refused, not filled', () => {
  symlinkSync(join(directory, 'nowhere'), join(directory, 'data.key'))
  assert.throws(() => loadMasterKeys(development()), /cannot be read/)
  assert.deepEqual(readdirSync(directory), ['data.key'])
})

test('a file that others can read is used, with a warning that says how to close it', () => {
  const file = join(directory, 'data.key')
  writeFileSync(file, fixed('a'))
  for (const [mode, warnings] of [
    [0o600, 0],
    [0o400, 0],
    [0o640, 1],
    [0o604, 1],
    [0o620, 1],
  ] as const) {
    chmodSync(file, mode)
    assert.equal(loadMasterKeys(development()).warnings.length, warnings, mode.toString(8))
  }
  assert.include(loadMasterKeys(development()).warnings[0] ?? '', `chmod 600 ${file}`)
})

test('the text comes before the named file, and that before the file beside the data', () => {
  writeFileSync(join(directory, 'data.key'), fixed('beside'), { mode: 0o600 })
  writeFileSync(join(directory, 'named.key'), fixed('named'), { mode: 0o600 })
  const named = { keyFile: join(directory, 'named.key') }
  const used = (changes: Partial<MasterKeySources>) => loadMasterKeys(development(changes)).masterKeys[0]?.id
  assert.equal(used({ ...named, keyText: fixed('text') }), idOf(fixed('text')))
  assert.equal(used(named), idOf(fixed('named')))
  assert.equal(used({}), idOf(fixed('beside')))
  assert.lengthOf(loadMasterKeys(development({ keyText: fixed('text') })).warnings, 1)
  refusedWithoutATrace(development({ ...named, keyText: '' }), /setting is empty/)
})

test('several lines are several keys, the first one first, comments and line endings aside', () => {
  const keys = parseMasterKeys(`\uFEFF# rotated in November\r\n\r\n${fixed('new')} # since then\r\n${fixed('old')}\r\n`, 'It')
  assert.deepEqual(
    keys.map(key => key.id),
    [idOf(fixed('new')), idOf(fixed('old'))],
  )
})

test('processes that start for the first time at once agree on one key', async () => {
  const source = fileURLToPath(new URL('master-key-file.ts', import.meta.url))
  const code = `import(${JSON.stringify(source)}).then(m => { const l = m.loadMasterKeys({ dataDir: ${JSON.stringify(join(directory, 'data'))}, production: false, allowCreate: true }); console.log(l.masterKeys[0].id, l.created) })`
  const runs = await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', code])))
  const answers = runs.map(run => run.stdout.trim().split(' '))
  assert.equal(new Set(answers.map(([id]) => id)).size, 1)
  assert.equal(answers.filter(([, created]) => created === 'true').length, 1)
  assert.deepEqual(readdirSync(directory), ['data.key'])
})
