import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scriptedHost } from '../../test/support/scripted-host.ts'
import { Failure } from './failure.ts'
import { containerInJson, parseJson } from './json.ts'
import { jsonOf } from './text.ts'
import { bytesOf, listOf, type List, type Value } from './value.ts'

const { context } = scriptedHost()
const { surroundings, meter } = context
const read = (text: string): Value => parseJson(text, meter)
const written = (text: string): string => jsonOf(surroundings, read(text))

describe('reading JSON', () => {
  it('keeps every digit and the order of keys (LEX-8, URL-28)', () => {
    expect(written('{"b":5437000000123456789,"a":-9007199254740993,"10":1,"9":0.10,"1":12345678901234567890.123456789}')).toBe(
      '{"b":5437000000123456789,"a":-9007199254740993,"10":1,"9":0.1,"1":12345678901234567890.123456789}',
    )
    expect(read('[1, 1.0, 9007199254740991, 9007199254740992]')).toMatchObject({
      items: [1, { kind: 'decimal' }, 9007199254740991, 9007199254740992n],
    })
    expect(written('[-0,1e3,1E-2]')).toBe('[0,1000.0,0.01]')
  })

  it('gives back what JSON.stringify wrote', () => {
    const json = fc.jsonValue({ maxDepth: 6 })
    fc.assert(
      fc.property(json, value => {
        expect(JSON.parse(written(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('refuses what JSON.parse refuses, line breaks in texts aside', () => {
    const parts = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'null',
      ' ',
      'nul',
      '\\u00',
      '"\\n"',
      '\u0001',
    ]
    const soup = fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map(all => all.join(''))
    const accepts = (parse: (text: string) => unknown, text: string) => {
      try {
        parse(text)
        return true
      } catch (error) {
        if (!(error instanceof SyntaxError) && !(error instanceof Failure)) throw error
        return false
      }
    }
    fc.assert(
      fc.property(soup, text => {
        expect(accepts(read, text)).toBe(accepts(JSON.parse, text))
      }),
      { numRuns: 5000 },
    )
    expect(read('"a\nb\tc\\"\n"')).toBe('a\nb\tc"\n')
    expect(() => read('{"a":1} x')).toThrow('Invalid JSON Format String')
  })

  it('goes two hundred deep', () => {
    expect(() => read('['.repeat(200) + ']'.repeat(200))).not.toThrow()
    expect(() => read('['.repeat(202) + ']'.repeat(202))).toThrow('Invalid JSON Format String')
  })

  it('takes names of JavaScript as keys', () => {
    expect(written('{"__proto__":{"a":1},"constructor":2}')).toBe('{"__proto__":{"a":1},"constructor":2}')
  })

  it('tells a map or list from any other text', () => {
    expect(containerInJson(' [1]', meter)).toMatchObject({ kind: 'list' })
    for (const text of ['5', '"x"', '{broken', '', '[1] x']) expect(containerInJson(text, meter)).toBeNull()
  })
})

describe('the estimate of memory', () => {
  it('counts what is shared once, and needs no stack', () => {
    const shared = listOf(['x'.repeat(1000)])
    const once = bytesOf(listOf([shared]), new Set())
    expect(bytesOf(listOf([shared, shared]), new Set())).toBeLessThan(once + 100)
    let deep: List = listOf([])
    for (let depth = 0; depth < 200_000; depth += 1) deep = listOf([deep])
    expect(bytesOf(deep, new Set())).toBeGreaterThan(200_000 * 64)
  })
})
