import { expect, it } from 'vitest'
import { functions, methods, tables, type Row } from '../../src/deluge/builtins/index.ts'
import { runRow } from '../../src/deluge/dispatch.ts'
import { Failure } from '../../src/deluge/failure.ts'
import { jsonOf } from '../../src/deluge/text.ts'
import { dateTime, decimal, emptyMap, fileOf, listOf, mapOf, openContainer, type Value } from '../../src/deluge/value.ts'
import { scriptedHost } from '../support/scripted-host.ts'

/** One of each kind, and what is odd in each: made anew for every call, since built-ins change them. */
const makers: readonly (() => Value)[] = [
  () => null,
  () => '',
  () => 'Zoho, Creator',
  () => '2019-03-15',
  () => '{"a":[1]}',
  () => '[a-z]+',
  () => true,
  () => 0,
  () => -3,
  () => 7,
  () => 12345678901234567890n,
  () => decimal('2.5'),
  () => decimal('-1e400'),
  () => listOf([]),
  () => listOf([3, 'b', null, decimal('1.5'), listOf([1])]),
  () => listOf(['a', 'b'], 'text'),
  () => mapOf([['a', 1]]),
  () => emptyMap(),
  () => openContainer(),
  () => ({ kind: 'collection', content: listOf([1, 'x']) }),
  () => ({ kind: 'collection', content: mapOf([['k', 1]]) }),
  () => dateTime(Date.UTC(2019, 2, 15)),
  () => dateTime(8.64e15, false),
  () => ({ kind: 'time', seconds: 3600 }),
  () => fileOf('a.csv', new TextEncoder().encode('a,b\n1,2'), 'text/csv'),
  () => fileOf('a.zip', new Uint8Array([80, 75, 3, 4, 0]), 'application/zip'),
  () => ({ kind: 'error', message: 'broken', line: 3 }),
]

const withoutOutside = new Set(Object.values(tables['web data'] ?? {}))
const rows = [...new Set<Row>([...functions.values(), ...[...methods.values()].flatMap(kinds => [...kinds.values()])])].filter(
  row => !withoutOutside.has(row.builtin),
)

/** Every combination of values while that is few, otherwise every so many. */
function* combinations(count: number): Generator<Value[]> {
  const all = makers.length ** count
  const step = Math.max(1, Math.floor(all / 800)) | 1
  for (let at = 0; at < all; at += step) {
    const values: Value[] = []
    for (let place = 0, rest = at; place < count; place += 1, rest = Math.floor(rest / makers.length)) {
      values.push((makers[rest % makers.length] as () => Value)())
    }
    yield values
  }
}

it.each(rows.map(row => [row.name, row] as const))('%s gives a value or a failure, whatever it is given', (_, row) => {
  const { context } = scriptedHost([], { limits: { text: 100_000, items: 10_000 } })
  for (let count = row.least; count <= Math.min(row.most, row.least + 2, 5); count += 1) {
    for (const values of combinations(count)) {
      const given = () => values.map(value => (value === null || typeof value !== 'object' ? String(value) : value.kind)).join(', ')
      try {
        const value = runRow(context, row, values)
        if (value === undefined) expect.fail(`${given()} gave undefined`)
        jsonOf(context.surroundings, value)
      } catch (error) {
        if (!(error instanceof Failure)) expect.fail(`${given()}: ${String(error)}`)
      }
    }
  }
})
