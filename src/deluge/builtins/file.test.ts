import { zipSync } from 'fflate'
import { assert, describe, test } from 'vitest'
import { scriptedHost } from '../../../test/support/scripted-host.ts'
import { Failure } from '../failure.ts'
import { fileOf, type File, type Value } from '../value.ts'
import { file } from './file.ts'

const calling = (name: 'extract' | 'setFileType') => file[name]?.run as unknown as (...values: unknown[]) => Value
const extract = (bytes: Uint8Array, limits = {}) => calling('extract')(scriptedHost([], { limits }).context, fileOf('a.zip', bytes))

describe('extract', () => {
  test('leaves a bomb alone that holds more than the memory of the run', () => {
    const bomb = zipSync({ a: new Uint8Array(2_000_000), b: new Uint8Array(2_000_000) }, { level: 9 })
    assert.isBelow(bomb.length, 50_000)
    assert.throws(() => extract(bomb, { memory: 3_000_000 }), Failure, 'more than the memory')
  })

  test('expands no entry beyond the size it gave itself', () => {
    const lie = zipSync({ a: new Uint8Array(2_000_000) })
    const directory = Buffer.from(lie.buffer, lie.byteOffset).lastIndexOf('PK\u0001\u0002', undefined, 'latin1')
    Buffer.from(lie.buffer, lie.byteOffset).writeUInt32LE(1000, directory + 24)
    let size = 0
    try {
      const found = extract(lie, { memory: 1_000_000 }) as { content: { entries: Map<string, File> } }
      size = found.content.entries.get('a')?.bytes.buffer.byteLength ?? 0
    } catch (error) {
      assert.instanceOf(error, Failure)
    }
    assert.isAtMost(size, 1000)
  })

  test('refuses more entries than a list may have, and damaged archives', () => {
    const many = zipSync(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${String(i)}`, new Uint8Array()])))
    assert.throws(() => extract(many, { items: 10 }), Failure, 'too many entries')
    const whole = zipSync({ a: Buffer.from('hello hello hello hello') })
    assert.throws(() => extract(whole.subarray(0, whole.length - 30)), Failure, 'cannot be read')
  })

  test('leaves out an entry called __proto__, which changes nothing', () => {
    const named = Buffer.from(zipSync({ aaaaaaaaa: Buffer.from('x'), b: Buffer.from('y') }))
    const { content } = extract(Buffer.from(named.toString('latin1').replaceAll('aaaaaaaaa', '__proto__'), 'latin1')) as {
      content: { entries: Map<string, File> }
    }
    assert.deepEqual([...content.entries.keys()], ['b'])
    assert.isUndefined(({} as Record<string, unknown>)['length'])
  })
})

test('a type cannot bring a header with it', () => {
  const { context } = scriptedHost()
  assert.throws(() => calling('setFileType')(context, fileOf('a', Buffer.from('')), 'text/plain\r\nX: y'), Failure, 'not a type')
})
