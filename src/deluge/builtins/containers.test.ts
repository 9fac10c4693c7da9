import { describe, expect, it } from 'vitest'
import type { Host, Surroundings } from '../host.ts'
import { defaultLimits, meterOf, type Limits } from '../limits.ts'
import { Failure } from '../failure.ts'
import { decimal, emptyMap, fileOf, listOf, mapOf, openContainer, type Collection, type Value } from '../value.ts'
import { collection } from './collection.ts'
import type { Builtins, Context } from './define.ts'
import { identityOf } from './identity.ts'
import { list } from './list.ts'
import { map } from './map.ts'

const surroundings: Surroundings = {
  timeZone: 'Asia/Kolkata',
  dateFormat: 'dd-MMM-yyyy',
  loginUser: null,
  adminUser: null,
  appName: '',
  appUri: '',
  ipAddress: null,
  precedence: 'usual',
  profile: 'crm',
}
const noHost: Host = {
  send: () => {
    throw new Error('these built-ins ask nobody')
  },
  mail: () => undefined,
  functionNamed: () => null,
  variable: () => null,
  setVariable: () => undefined,
  defaultConnection: () => null,
  apiOrigin: () => '',
}
const contextOf = (limits: Partial<Limits> = {}): Context => ({
  surroundings,
  host: noHost,
  meter: meterOf(
    { ...defaultLimits, ...limits },
    () => 0,
    () => false,
    () => 0,
  ),
  chance: { now: () => 0, random: () => 0 },
  from: '',
})

function call(table: Builtins, name: string, values: readonly unknown[], context = contextOf()): Value {
  const row = table[name]
  if (row === undefined) throw new Error(`no row ${name}`)
  return (row.run as (context: Context, ...values: readonly unknown[]) => Value)(context, ...values)
}

const collectionOf = (content: Collection['content']): Collection => ({ kind: 'collection', content })
const full = /A list or map may have 3 elements at most/

describe('containers do not grow past their limit', () => {
  const small = () => contextOf({ items: 3 })
  const three = () => listOf([1, 2, 3])
  const threeKeys = () => mapOf([...'abc'].map(key => [key, 1] as const))

  it.each<[string, () => unknown]>([
    ['list.add', () => call(list, 'add', [three(), 4], small())],
    ['list.addAll', () => call(list, 'addAll', [listOf([1, 2]), listOf([3, 4])], small())],
    ['list.insert', () => call(list, 'insert', [three(), 0, 4], small())],
    ['map.put', () => call(map, 'put', [threeKeys(), 'd', 1], small())],
    ['map.putAll', () => call(map, 'putAll', [threeKeys(), mapOf([['d', 1]])], small())],
    ['collection.insert of an element', () => call(collection, 'insert', [collectionOf(three()), 4], small())],
    ['collection.insert of a key', () => call(collection, 'insert', [collectionOf(threeKeys()), 'd', 1], small())],
    ['collection.insertAll', () => call(collection, 'insertAll', [collectionOf(listOf([1, 2])), collectionOf(listOf([3, 4]))], small())],
    ['collection.update', () => call(collection, 'update', [collectionOf(threeKeys()), 'd', 1], small())],
  ])('%s', (_, act) => {
    expect(act).toThrow(full)
  })

  it('fills up to it', () => {
    const two = listOf([1, 2])
    call(list, 'add', [two, 3], small())
    expect(two.items).toEqual([1, 2, 3])
  })

  it('counts copies against memory', () => {
    const context = contextOf({ memory: 1000 })
    const reachable = listOf(Array.from({ length: 200 }, () => 1))
    expect(() => call(list, 'subList', [reachable, 0, 200], context)).toThrow(/holds more than its limit/)
    expect(() => call(list, 'sort', [reachable], contextOf({ memory: 1000 }))).toThrow(/holds more than its limit/)
  })
})

describe('what counts as the same element', () => {
  const { meter } = contextOf()
  const same = (left: Value, right: Value) => identityOf(meter, left) === identityOf(meter, right)

  it('keeps text and numbers apart, and NUMBER and DECIMAL together', () => {
    expect(same('1', 1)).toBe(false)
    expect(same(1, decimal(1))).toBe(true)
    expect(same(9007199254740993n, decimal('9007199254740993'))).toBe(true)
    expect(same(9007199254740993n, 9007199254740992)).toBe(false)
    expect(same(decimal('0.1'), '0.1')).toBe(false)
    expect(same(true, 'true')).toBe(false)
    expect(same(null, 'null')).toBe(false)
  })

  it('compares containers by content, maps in any order', () => {
    const one = mapOf([
      ['a', 1],
      ['b', listOf(['x', null])],
    ])
    const other = mapOf([
      ['b', listOf(['x', null])],
      ['a', 1],
    ])
    expect(same(one, other)).toBe(true)
    expect(same(listOf(['1']), listOf([1]))).toBe(false)
    expect(same(listOf(['a,b']), listOf(['a', 'b']))).toBe(false)
    expect(same(listOf([]), openContainer())).toBe(true)
    expect(same(listOf([]), emptyMap())).toBe(false)
  })

  it('cannot be taken in by a text that looks like what it writes', () => {
    const text = identityOf(meter, listOf([1]))
    expect(typeof text).toBe('string')
    expect(same(text as string, listOf([1]))).toBe(false)
  })

  it('takes files as themselves', () => {
    const file = fileOf('a.txt', new Uint8Array([1]))
    expect(same(file, file)).toBe(true)
    expect(same(file, fileOf('a.txt', new Uint8Array([1])))).toBe(false)
  })

  it('ends at a list that holds itself', () => {
    const endless = listOf([])
    endless.items.push(endless)
    expect(() => identityOf(meter, endless)).toThrow(/nested 200 deep/)
  })

  it('ends at a list whose parts are shared over and over', () => {
    let doubled = listOf([1])
    for (let n = 0; n < 60; n += 1) doubled = listOf([doubled, doubled])
    const tight = contextOf({ text: 10_000 })
    expect(() => call(list, 'distinct', [listOf([doubled])], tight)).toThrow(Failure)
  })
})

describe('lists', () => {
  it('sort stably, and not at all when types are mixed', () => {
    const items = [decimal(2), 1, decimal('1.0')]
    const numbers = listOf([...items])
    call(list, 'sort', [numbers])
    expect(numbers.items).toEqual([items[1], items[2], items[0]])
    call(list, 'sort', [numbers, false])
    expect(numbers.items).toEqual([items[0], items[1], items[2]])
    const mixed = listOf([2, 'a', 1])
    expect(call(list, 'sort', [mixed])).toBeNull()
    expect(mixed.items).toEqual([2, 'a', 1])
    expect(call(list, 'sort', [listOf([2, null])])).toBeNull()
    expect(call(list, 'sort', [listOf([listOf([]), listOf([])])])).toBeNull()
  })

  it('give a sorted copy, not the list itself', () => {
    const numbers = listOf([2, 1])
    const sorted = call(list, 'sort', [numbers])
    call(list, 'add', [numbers, 0])
    expect(sorted).toEqual(listOf([1, 2]))
  })

  it('of a type convert what every way in adds (LEX-13)', () => {
    const texts = listOf([], 'text')
    call(list, 'add', [texts, 1])
    call(list, 'addAll', [texts, listOf([true, decimal(3)])])
    call(list, 'insert', [texts, 0, { kind: 'date', ms: Date.parse('2019-01-01T00:00:00+05:30'), hasTime: false }])
    call(list, 'add', [texts, null])
    expect(texts.items).toEqual(['01-Jan-2019', '1', 'true', '3.0', null])
    const numbers = listOf([], 'number')
    call(list, 'addAll', [numbers, listOf(['12345678901234567890', decimal('99.9')])])
    expect(numbers.items).toEqual([12345678901234567890n, 99])
    const decimals = listOf([], 'decimal')
    call(list, 'add', [decimals, 12345678901234567890n])
    expect(decimals.items).toEqual([decimal('12345678901234567890')])
    expect(call(list, 'subList', [numbers, 0, 1])).toEqual(listOf([12345678901234567890n], 'number'))
  })
})

describe('maps and collections', () => {
  it('keep keys of other types as they were put, and find them by their text', () => {
    const keyed = emptyMap()
    call(map, 'put', [keyed, 1, 'one'])
    call(map, 'put', [keyed, listOf([1, 2]), 'list'])
    const copy = emptyMap()
    call(map, 'putAll', [copy, keyed])
    expect(call(map, 'keys', [copy])).toEqual(listOf([1, listOf([1, 2])]))
    expect(call(map, 'get', [copy, '1,2'])).toBe('list')
    call(map, 'clear', [copy])
    call(map, 'put', [copy, '1', 'text'])
    expect(call(map, 'keys', [copy])).toEqual(listOf(['1']))
  })

  it('hold __proto__ as any other key', () => {
    const keyed = emptyMap()
    call(map, 'put', [keyed, '__proto__', mapOf([['polluted', true]])])
    expect(call(map, 'containKey', [keyed, 'polluted'])).toBe(false)
    expect(call(map, 'get', [keyed, 'constructor'])).toBeNull()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('become what the first element makes of them when empty', () => {
    const open = collectionOf(openContainer())
    call(collection, 'insert', [open, 'a'])
    expect(open.content).toMatchObject(listOf(['a']))
    expect(() => call(collection, 'insert', [open, 'k', 'v'])).toThrow(/has indexes/)
    call(collection, 'clear', [open])
    call(collection, 'insertAll', [open, collectionOf(mapOf([['k', 'v']]))])
    expect(() => call(collection, 'insert', [open, 'a'])).toThrow(/has keys/)
    // a map is an element, too; only `insert("k":v)` says that there are keys
    call(collection, 'clear', [open])
    call(collection, 'insert', [open, mapOf([['k', 'v']])])
    expect(open.content).toMatchObject(listOf([mapOf([['k', 'v']])]))
  })

  it('leave a collection alone when one of several indexes is not there', () => {
    const indexed = collectionOf(listOf(['a', 'b']))
    expect(() => call(collection, 'deleteKeys', [indexed, listOf([0, 5])])).toThrow(/Given index 5 is greater than the list size/)
    expect(indexed.content).toEqual(listOf(['a', 'b']))
  })
})
