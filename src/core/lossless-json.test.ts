import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonDocument, memberText, parseLossless, tooDeep } from './lossless-json.ts'

describe('numbers of 16 digits and more (URL-28)', () => {
  it.each([
    ['{"id":1234567890123456789}', { id: '1234567890123456789' }],
    ['[1234567890123456789,-9223372036854775808,15]', ['1234567890123456789', '-9223372036854775808', 15]],
    ['{"a":{"b":[9007199254740993]}}', { a: { b: ['9007199254740993'] } }],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['{"n":0.1234567890123456789}', { n: '0.1234567890123456789' }],
    ['{"n":1234567890123456789e5}', { n: '1234567890123456789e5' }],
    ['{"n":123456789012345,"m":1.5e3}', { n: 123456789012345, m: 1500 }],
  ])('are kept as text: %s', (text, expected) => {
    expect(parseLossless(text)).toEqual(expected)
  })

  it('in a text, a key or behind a backslash are left alone', () => {
    expect(parseLossless('{"1234567890123456789":"1234567890123456789 \\" 1234567890123456789"}')).toEqual({
      '1234567890123456789': '1234567890123456789 " 1234567890123456789',
    })
    expect(parseLossless('{"a":"\\\\","b":1234567890123456789}')).toEqual({ a: '\\', b: '1234567890123456789' })
  })

  it.each(['{"a":01234567890123456789}', '{"a":1234567890123456789', '{"a":1234567890123456789x}', '1234567890123456789 1', '', '{'])(
    'that make no JSON make none here: %s',
    text => {
      expect(() => parseLossless(text)).toThrow(SyntaxError)
    },
  )

  it('of a thousand digits and more are text or refused, never a wrong number', () => {
    const digits = '9'.repeat(1000)
    let parsed: unknown
    try {
      parsed = parseLossless(`{"n":${digits}}`)
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError)
      return
    }
    expect(parsed).toEqual({ n: digits })
  })

  it('all other JSON means what JSON.parse says', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        const plain: unknown = JSON.parse(text)
        const long = /\d{16}/.test(text)
        if (!long) expect(parseLossless(text)).toEqual(plain)
        else expect(() => parseLossless(text)).not.toThrow()
      }),
      { numRuns: 300 },
    )
  })

  it('makes __proto__ a key like others, and no prototype', () => {
    const parsed = parseLossless('{"__proto__":{"polluted":1},"n":1234567890123456789}') as Record<string, unknown>
    expect(Object.keys(parsed)).toEqual(['__proto__', 'n'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('depth (X15)', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

  it('of 100 is allowed, of 101 is not', () => {
    expect(tooDeep(nested(100))).toBe(false)
    expect(tooDeep(nested(101))).toBe(true)
    expect(tooDeep('{"a":'.repeat(101) + '1' + '}'.repeat(101))).toBe(true)
  })

  it('counts what is open at once, not how much there is', () => {
    expect(tooDeep('[' + nested(99) + (',' + nested(99)).repeat(1000) + ']')).toBe(false)
  })

  it('does not count brackets inside texts', () => {
    expect(tooDeep(JSON.stringify('['.repeat(1000) + '\\" {'.repeat(1000)))).toBe(false)
    expect(tooDeep(`["${'\\\\'}", ${nested(98)}]`)).toBe(false)
  })

  it('of five million is judged at once', () => {
    const text = '['.repeat(5_000_000)
    const started = performance.now()
    expect(tooDeep(text)).toBe(true)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('the text of a member', () => {
  it.each([
    ['{"body":{"id":1234567890123456789}}', '{"id":1234567890123456789}'],
    ['{"a":{"body":1},"body":2}', '2'],
    ['{ "body" \n: [1, "]", {"x":"}"}] , "z":1}', '[1, "]", {"x":"}"}]'],
    ['{"body":"te,x\\"t}"}', '"te,x\\"t}"'],
    ['{"body":true}', 'true'],
    ['{"body":-1.50e+03 }', '-1.50e+03'],
    ['{"body":null,"b":1}', 'null'],
    ['{"x":"body","body":{}}', '{}'],
    ['{"x":["body",{"body":9}],"body":1}', '1'],
    ['{"\\u0062ody":7}', '7'],
    ['{"body":1,"body":2}', '2'],
    ['{"bodyx":1}', null],
    ['{}', null],
    ['[{"body":1}]', null],
  ])('%s', (text, expected) => {
    expect(memberText(text, 'body')).toBe(expected)
  })

  it('is what JSON.stringify wrote, whatever else is in the object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (a, value, b) => {
        const object = { ...a, body: value, ...b }
        const text = JSON.stringify(object, null, 1)
        const member = memberText(text, 'body')
        expect(member === null ? null : (JSON.parse(member) as unknown)).toEqual((JSON.parse(text) as Record<string, unknown>)['body'])
      }),
      { numRuns: 300 },
    )
  })
})

describe('a text is a JSON document', () => {
  /** What JSON.parse makes of it, and the depth. */
  const expected = (text: string): boolean => {
    try {
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' && value !== null && !tooDeep(text)
    } catch {
      return false
    }
  }
  const piece = fc.constantFrom(
    ...'{}[],:"\\ \t\n\r\f\u0001\u00a0\ufeff01-+.eEu/bxn',
    'true',
    'null',
    '1.5e3',
    '"a"',
    '\\u00e9',
    '\\ud83',
    '"k":',
    'é',
    '😀',
  )

  it('when it is an object or a list, whatever was changed in it', () => {
    const changed = fc.tuple(fc.json(), fc.nat(), fc.nat(3), piece).map(([json, at, cut, put]) => {
      const i = at % (json.length + 1)
      return json.slice(0, i) + put + json.slice(i + cut)
    })
    const spaced = fc.json().map(json => ` ${JSON.stringify(JSON.parse(json), null, '\t')}\r\n`)
    const texts = fc.oneof(
      fc.json(),
      changed,
      spaced,
      fc.array(piece, { maxLength: 12 }).map(all => all.join('')),
    )
    let documents = 0
    fc.assert(
      fc.property(texts, text => {
        if (expected(text)) documents++
        expect(isJsonDocument(text), text).toBe(expected(text))
      }),
      { numRuns: 5_000 },
    )
    expect(documents).toBeGreaterThan(300)
  })

  it('of at most 100 levels', () => {
    const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)
    expect([isJsonDocument(nested(100)), isJsonDocument(nested(102)), isJsonDocument('['.repeat(1_000_000))]).toEqual([true, false, false])
  })

  it.each([
    '',
    ' ',
    '1',
    '"a"',
    'null',
    '[1] 2',
    '{"a":1}}',
    '[',
    '{"a"',
    '{"a":',
    '["',
    '["\\',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{,}',
    '{a:1}',
    '{"a" 1}',
    '[01]',
    '[1.]',
    '[.5]',
    '[+1]',
    '[tru]',
  ])('never: %j', text => {
    expect([isJsonDocument(text), expected(text)]).toEqual([false, false])
  })
})
