import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { freshPath } from '../../test/support/run-directory.ts'
import { Problem } from '../core/problem.ts'
import { openDatabase } from './database.ts'
import { EngineDied } from './pglite-engine.ts'
import { mayPass, startRefused } from './pglite-refusal.ts'

const ofNode = (code: string, message: string) => Object.assign(new Error(message), { code })

const cases: readonly [why: string, error: Error, sentence: RegExp][] = [
  [
    'no room, to Node',
    ofNode('ENOSPC', 'ENOSPC: no space left on device, write'),
    /^There is no room left .* \/srv\/data: .* Make room there/,
  ],
  [
    'no room, to PostgreSQL',
    new EngineDied('could not write to file "pg_wal/xlogtemp.42": No space left on device'),
    /^There is no room left/,
  ],
  [
    'no room, to a statement',
    new Problem('storage_unavailable', {}, { cause: ofNode('53100', 'x: No space left on device') }),
    /^There is no room/,
  ],
  [
    'another’s folder',
    ofNode('EACCES', "EACCES: permission denied, open '/srv/data.lock'"),
    /^This user may not .* '\/srv\/data\.lock'\. Run Patchbay as/,
  ],
  [
    'another’s file',
    new EngineDied('could not open file "base/5/1259": Permission denied'),
    /^This user may not .* "base\/5\/1259": .* chown/,
  ],
  [
    'a disk with errors',
    new EngineDied('could not fsync file "0001": I/O error'),
    /^The disk of \/srv\/data has errors: .* the system's log/,
  ],
]

test.each(cases)('%s: a sentence says what to do, and that it may pass', (_why, error, sentence) => {
  expect(startRefused('/srv/data', error)).toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(sentence) as string,
  })
  expect(mayPass(error)).toBe(true)
})

test('damage does not pass; what is neither the files’ fault nor the disk’s is handed back as it came', () => {
  const damage = new EngineDied('could not locate a valid checkpoint record at 0/192A5C8')
  expect(startRefused('/srv/data', damage)).toMatchObject({ message: expect.stringMatching(/is damaged: could not locate/) as string })
  expect(mayPass(damage)).toBe(false)
  const fault = new TypeError('nothing is not a function')
  expect(startRefused('/srv/data', fault)).toBe(fault)
})

test('a data directory whose name is a file’s, or leads through one, is refused with a sentence', async () => {
  const file = freshPath('a-file')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'my notes')
  for (const dataDir of [file, `${file}/data`])
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/cannot hold a database: E(NOTDIR|EXIST): .*Set PATCHBAY_DATA_DIR/) as string,
    })
})
