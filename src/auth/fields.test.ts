import { assert, describe, test } from 'vitest'
import type { Problem } from '../core/problem.ts'
import { serviceInput, type ServiceDefinition } from '../core/service.ts'
import { matchesPatterns, valueProblems, variableFields, variableValues } from './fields.ts'

const service = (variables: Record<string, unknown>, more: Record<string, unknown> = {}): ServiceDefinition => {
  const parsed = serviceInput.parse({
    auth_type: 'basic',
    link_name: 'x',
    name: 'X',
    api_hosts: ['x.test'],
    advanced: { variables, ...more },
  })
  return { ...parsed, api_hosts: ['x.test'] }
}
const pathsOf = (act: () => unknown): string[] => {
  try {
    act()
    return []
  } catch (error) {
    return (error as Problem).errors.map(one => one.path)
  }
}

describe('patterns', () => {
  const matchesPattern = (pattern: string, value: string) => matchesPatterns([[pattern, value]])[0]
  test('match the whole value', () => {
    assert.isTrue(matchesPattern('[a-z]+', 'abc'))
    assert.isFalse(matchesPattern('[a-z]+', 'abc1'))
    assert.isFalse(matchesPattern('a|b', 'ac'))
    assert.isFalse(matchesPattern('[a-z]+', 'abc\n'))
    assert.isTrue(matchesPattern('\\p{L}+', 'é'))
  })
  test('that are none are told from values that do not match', () => {
    assert.isNull(matchesPattern('(', 'x'))
    assert.isNull(matchesPattern('x)|(.*', 'anything'))
  })
  test('that backtrack without end are stopped (X15)', () => {
    const from = performance.now()
    assert.isFalse(matchesPattern('(a+)+', 'a'.repeat(60) + '!'))
    // together they have no more time; those that were asked before have their answer
    const many = Array.from({ length: 50 }, () => ['(a+)+', 'a'.repeat(60) + '!'] as const)
    assert.deepEqual(matchesPatterns([['[a-z]+', 'abc'], ['(', 'x'], ...many]), [true, null, ...many.map(() => false)])
    assert.isBelow(performance.now() - from, 1000)
  })
})

test('values: text, not empty, 8 KiB in bytes, no control characters, valid Unicode', () => {
  for (const value of [undefined, null, 7, {}, '', 'x'.repeat(8193), 'é'.repeat(4097), 'a\r\n', '\0', '\x7f', '\ud800'])
    assert.isString(valueProblems([{ value }])[0])
  for (const value of ['x', ' ', 'x'.repeat(8192), 'é'.repeat(4096), '😀', '{x}']) assert.isNull(valueProblems([{ value }])[0])
})

describe('variables', () => {
  const dc = { dc: { label: 'Data centre', choices: ['com', 'eu'] } }
  test('become boxes of the form; captured ones do not', () => {
    const fields = variableFields(service({ ...dc, got: { captured: true } }, { base_url: 'https://{shop}.x.test/' }))
    assert.deepEqual(fields, [
      { name: 'dc', display_name: 'Data centre', secret: false, choices: ['com', 'eu'] },
      { name: 'shop', display_name: 'shop', secret: false },
    ])
  })
  test('fall back to their default, then to the first choice', () => {
    const definition = service({ ...dc, v: { default: '2', choices: ['1', '2'] } })
    assert.deepEqual(variableValues(definition, {}), { dc: 'com', v: '2' })
    assert.deepEqual(variableValues(definition, { dc: 'eu', v: '' }), { dc: 'eu', v: '2' })
  })
  test('that are missing or not a choice are each named', () =>
    assert.deepEqual(
      pathsOf(() => variableValues(service({ ...dc, a: {} }), { dc: 'CN' })),
      ['variables.dc', 'variables.a'],
    ))

  const urls = service({}, { base_url: 'https://{domain}.x.test/v1/{tenant}/' })
  for (const domain of [
    'evil.test/',
    'x.evil.test#',
    'a@evil.test:443/',
    '..',
    'x%2eevil',
    '',
    'x'.repeat(64),
    'Upper',
    'münchen',
    'a\\b',
    'a:1',
    '-a',
    'a?b',
  ])
    test(`${JSON.stringify(domain)} in a host is refused (X13)`, () =>
      assert.deepEqual(
        pathsOf(() => variableValues(urls, { domain, tenant: 't' })),
        ['variables.domain'],
      ))
  for (const tenant of ['..', '.', 'a/b', 'a%2fb', 'a?b', 'a#b', 'a\\b', 'a b', ''])
    test(`${JSON.stringify(tenant)} in a path is refused (X13)`, () =>
      assert.deepEqual(
        pathsOf(() => variableValues(urls, { domain: 'd', tenant })),
        ['variables.tenant'],
      ))
  test('a plain name passes', () =>
    assert.deepEqual(variableValues(urls, { domain: 'acme.eu', tenant: 'T_1.a-~' }), { domain: 'acme.eu', tenant: 'T_1.a-~' }))
})
