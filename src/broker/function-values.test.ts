import { describe, expect, it } from 'vitest'
import type { FunctionSignature } from '../core/function.ts'
import { Problem } from '../core/problem.ts'
import type { Surroundings } from '../deluge/host.ts'
import { fileOf, type Value } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from '../sandbox/json.ts'
import { loggedArguments } from './function-passwords.ts'
import { argumentsFor } from './function-values.ts'

const surroundings: Surroundings = {
  timeZone: 'Europe/Berlin',
  dateFormat: 'dd-MMM-yyyy',
  loginUser: null,
  adminUser: null,
  appName: '',
  appUri: '',
  ipAddress: null,
  precedence: 'usual',
  profile: 'crm',
}

const signature = (...parameters: (readonly [name: string, type: string | null])[]): FunctionSignature => ({
  namespace: 'standalone',
  name: 'f',
  returns: 'void',
  parameters: parameters.map(([name, type]) => ({ name, type })),
})

const as = (type: string | null, value: Value): string => {
  try {
    const one = argumentsFor(surroundings, signature(['a', type]), new Map([['a', value]]), true).get('a') ?? null
    return jsonTextOf(surroundings, one)
  } catch (error) {
    return error instanceof Problem ? `refused ${error.errors[0]?.path ?? ''}` : String(error)
  }
}

describe('arguments by their declared types (§4.2)', () => {
  it.each<[type: string | null, json: string, expected: string]>([
    ['string', '12', '"12"'],
    ['string', '"x"', '"x"'],
    ['int', '"12"', '12'],
    ['int', '"1234567890123456789"', '1234567890123456789'],
    ['int', '12.0', '12'],
    ['int', '12.5', 'refused arguments.a'],
    ['int', '""', 'null'],
    ['int', 'true', 'refused arguments.a'],
    ['decimal', '"3.10"', '3.1'],
    ['float', '3', '3.0'],
    ['bool', '"TRUE"', 'true'],
    ['boolean', '1', 'refused arguments.a'],
    ['date', '"2026-11-22"', '"22-Nov-2026"'],
    ['date', '"nonsense"', 'refused arguments.a'],
    ['map', '"{\\"k\\":12345678901234567890}"', '{"k":12345678901234567890}'],
    ['map', '[1]', 'refused arguments.a'],
    ['list', '"[1,\\"a\\"]"', '[1,"a"]'],
    ['list', '{"a":1}', 'refused arguments.a'],
    ['file', '"text"', 'refused arguments.a'],
    ['file', '{"filename":"a.txt","content_base64":"aGk="}', '{"filename":"a.txt","content_type":"application/octet-stream","size":2,"content_base64":"aGk="}'], // prettier-ignore
    [null, '{"__proto__":1}', '{"__proto__":1}'],
    ['Deals', '"7"', '"7"'],
    ['int', 'null', 'null'],
  ])('%s given %s is %s', (type, json, expected) => {
    expect(as(type, valueOfJson(json))).toBe(expected)
  })

  it('names are found in any case; without a header everything is passed; what is not declared is refused or left out', () => {
    const given = new Map<string, Value>([['NAME', 'x']])
    expect(argumentsFor(surroundings, signature(['name', 'string']), given, true).get('name')).toBe('x')
    expect(argumentsFor(surroundings, null, given, true).get('NAME')).toBe('x')
    expect(() => argumentsFor(surroundings, signature(), given, true)).toThrow(Problem)
    expect(argumentsFor(surroundings, signature(), given, false).size).toBe(0)
  })

  it('the log holds no password, no bytes of a file, and no more of a text than it keeps', () => {
    const values = new Map<string, Value>([
      ['pin', '1234'],
      ['photo', fileOf('a.png', new Uint8Array(9))],
      ['long', 'x'.repeat(500)],
    ])
    const text = loggedArguments(surroundings, signature(['pin', 'Password'], ['photo', 'file'], ['long', 'string']), values, 100)
    const kept = JSON.parse(text) as Record<string, unknown>
    expect(kept['pin']).toBe('********')
    expect(kept['photo']).toEqual({ filename: 'a.png', size: 9 })
    expect(String(kept['long']).length).toBeLessThan(110)
  })
})
