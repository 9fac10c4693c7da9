import { expect, test } from 'vitest'
import type { AuditEntry } from '../../../sdk/index.ts'
import { csvOf } from './csv.ts'

const entry = (change: Partial<AuditEntry>): AuditEntry => ({
  id: '1',
  at: '2026-11-22T03:00:00.000Z',
  actor: { id: 'u1', name: 'Ada' },
  on_behalf_of: null,
  action: 'connection.created',
  object: 'connection:mail',
  details: {},
  outcome: 'done',
  request_id: 'r1',
  ip: '127.0.0.1',
  ...change,
})

const lineOf = (change: Partial<AuditEntry>) => csvOf([entry(change)]).split('\r\n')[1]

test('a name that a spreadsheet would run is told to be text', () => {
  for (const name of ['=cmd()', '+1', '-1', '@sum', '\tx']) expect(lineOf({ actor: { id: 'u1', name } })).toContain(`"'${name}"`)
})

test('quotes, commas and lines stay inside their cell', () => {
  expect(lineOf({ object: 'a "b", c' })).toContain('"a ""b"", c"')
  expect(csvOf([entry({ object: 'a\nb' })])).toContain('"a\nb"')
})

test('what is absent is an empty cell, and details are JSON', () => {
  expect(lineOf({ ip: null, details: { count: 2 } })).toBe(
    '2026-11-22T03:00:00.000Z,Ada,u1,,connection.created,connection:mail,done,,r1,"{""count"":2}"',
  )
})
