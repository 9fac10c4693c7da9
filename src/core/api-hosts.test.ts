import { describe, expect, it } from 'vitest'
import { deriveHosts, fillHostRule, hostAllowed, hostRuleProblem, normaliseHostRule } from './api-hosts.ts'

describe('what may be an api_hosts rule', () => {
  it.each([
    'api.good.test',
    'api.good.test:8443',
    'API.Good.Test',
    'api.good.test.',
    '*.good.test',
    '*.zoho.com.au',
    '*.myaccount.github.io',
    '*',
    'localhost:4410',
    '127.0.0.1:9001',
    '[::1]:9001',
    '[::1]',
    'bücher.example',
    '*.bücher.example',
    '{domain}.example.com',
    'desk.zoho.{dc}',
    '*.{domain}.example.com',
    'api-{region}.example.com:8443',
    '{host}',
  ])('%s', rule => {
    expect(hostRuleProblem(rule)).toBeNull()
  })

  it.each([
    [''],
    ['*.test'],
    ['*.co.uk'],
    ['*.CO.uk'],
    ['*.co.uk.'],
    ['*.github.io'],
    ['*.s3.amazonaws.com'],
    ['*.localhost'],
    ['*.{dc}'],
    ['**'],
    ['*.'],
    ['*good.test'],
    ['api.*.test'],
    ['*.*.good.test'],
    ['*.127.0.0.1'],
    ['*.1'],
    ['*.[::1]'],
    ['*.good.test:8443'],
    ['https://api.good.test'],
    ['api.good.test/v1'],
    ['api.good.test?x'],
    ['api.good.test#x'],
    ['user@api.good.test'],
    ['api.good.test:'],
    ['api.good.test:0'],
    ['api.good.test:65536'],
    ['api.good.test:80a'],
    ['api.good.test:{port}'],
    ['api good.test'],
    [' api.good.test'],
    ['api\\good.test'],
    ['api%2egood.test'],
    ['api.good.test\n'],
    ['::1'],
    ['[::1'],
    ['[fe80::1%eth0]'],
    ['256.256.256.256'],
    ['{Domain}.example.com'],
    ['{}.example.com'],
    ['{a.example.com'],
    ['bü{domain}.example.com'],
    ['a'.repeat(300) + '.test'],
  ])('refuses %s with a sentence', rule => {
    expect(hostRuleProblem(rule)).toMatch(/^[A-Z].*\.$/)
  })
})

describe('one spelling for each rule', () => {
  it.each([
    ['API.Good.Test:443', 'api.good.test:443'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['ⓐpi.good.test', 'api.good.test'],
    ['127.1:80', '127.0.0.1:80'],
    ['[0:0:0:0:0:0:0:1]:9001', '[::1]:9001'],
    ['{domain}.Example.com', '{domain}.example.com'],
    ['*.{a}-{b}.Example.com', '*.{a}-{b}.example.com'],
    ['*', '*'],
    ['https://left.alone/', 'https://left.alone/'],
  ])('%s becomes %s', (rule, spelled) => {
    expect(normaliseHostRule(rule)).toBe(spelled)
    expect(normaliseHostRule(spelled)).toBe(spelled)
  })
})

describe('filling in variables', () => {
  it('puts labels in place', () => {
    expect(fillHostRule('{domain}.example.com', { domain: 'acme' })).toBe('acme.example.com')
    expect(fillHostRule('desk.zoho.{dc}', { dc: 'com.au' })).toBe('desk.zoho.com.au')
    expect(fillHostRule('api.example.com', {})).toBe('api.example.com')
  })
  it.each(['evil.test/', 'x.evil.test#', 'a@evil.test:443', '..', 'x%2eevil', '', 'a'.repeat(64), 'ACME', 'bücher', '*', '-a', 'a\n'])(
    'refuses the value %j',
    domain => {
      expect(() => fillHostRule('{domain}.example.com', { domain })).toThrow(expect.objectContaining({ code: 'validation_failed' }))
    },
  )
  it('refuses a missing value, and inherited ones', () => {
    expect(() => fillHostRule('{domain}.example.com', {})).toThrow(expect.objectContaining({ code: 'validation_failed' }))
    expect(() => fillHostRule('{constructor}.example.com', {})).toThrow(expect.objectContaining({ code: 'validation_failed' }))
  })
  it('judges the whole again: a wildcard does not become one over a public suffix', () => {
    expect(hostRuleProblem('*.good.{dc}')).toBeNull()
    expect(() => fillHostRule('*.co.{dc}', { dc: 'uk' })).toThrow(expect.objectContaining({ code: 'validation_failed' }))
  })
})

describe('is the host of a URL among the rules (X01)', () => {
  const rules = ['api.good.test', 'other.test:8443', '*.wild.test', '[::1]:9001', 'dot.test.', 'PORT.test:443', '{x}.unfilled.test']
  it.each([
    'https://api.good.test/',
    'HTTPS://API.GOOD.TEST:443/x',
    'https://ⓐpi.good.test/x',
    'http://api.good.test/',
    'https://other.test:8443/',
    'https://a.wild.test/',
    'https://a.b.wild.test/',
    'http://[::1]:9001/',
    'http://[0:0:0:0:0:0:0:1]:9001/',
    'https://dot.test./',
    'https://port.test/',
  ])('%s is', url => {
    expect(hostAllowed(new URL(url), rules)).toBe(true)
  })
  it.each([
    'https://evil.test/',
    'https://api.good.test.evil.test/',
    'https://evilapi.good.test/',
    'https://good.test/',
    'https://x.api.good.test/',
    'https://api.good.test:8443/',
    'https://api.good.test./',
    'http://api.good.test:443/',
    'https://other.test/',
    'https://wild.test/',
    'https://evilwild.test/',
    'https://.wild.test/',
    'https://a.wild.test:8443/',
    'https://a.wild.test./',
    'https://api.good.test@evil.test/',
    'https://evil.test#@api.good.test',
    'https://evil.test\\@api.good.test',
    'http://[::1]/',
    'http://port.test/',
    'https://dot.test/',
    'https://a.unfilled.test/',
  ])('%s is not', url => {
    expect(hostAllowed(new URL(url), rules)).toBe(false)
  })
  it('lets everything through only with the asterisk alone', () => {
    expect(hostAllowed(new URL('http://evil.test:81/'), ['*'])).toBe(true)
    expect(hostAllowed(new URL('http://evil.test/'), [])).toBe(false)
  })
  it('keeps two lists apart', () => {
    const [one, two] = [['a.test'], ['b.test']]
    const url = new URL('https://a.test/')
    expect([hostAllowed(url, one), hostAllowed(url, two), hostAllowed(url, one)]).toEqual([true, false, true])
  })
})

describe('hosts derived from the URLs of an OAuth service', () => {
  it.each([
    [
      ['https://accounts.zoho.com/oauth/v2/token', 'https://accounts.zoho.com/oauth/v2/auth'],
      ['zoho.com', '*.zoho.com'],
    ],
    [
      ['https://a.example.co.uk/token', 'https://b.example.org/authorize'],
      ['example.co.uk', '*.example.co.uk', 'example.org', '*.example.org'],
    ],
    [
      ['http://127.0.0.1:4410/token', 'http://localhost:4410/authorize', 'http://[::1]:80/x'],
      ['127.0.0.1:4410', 'localhost:4410', '[::1]'],
    ],
    [['https://acme.github.io/token'], ['acme.github.io', '*.acme.github.io']],
    [
      ['https://github.io/token', 'https://s3.amazonaws.com/'],
      ['github.io', 's3.amazonaws.com'],
    ],
    [['https://auth.example.com:8443/token'], ['example.com', '*.example.com', 'auth.example.com:8443']],
    [
      ['https://{shop}.example.com/oauth', 'https://accounts.zoho.{dc}/t?x={y}'],
      ['{shop}.example.com', 'accounts.zoho.{dc}'],
    ],
    [['nonsense', '', 'https://', 'ftp://a.example.com/', 'https://*/', 'https://*.example.com/', 'https://u:p@a.example.com/'], []],
  ])('%j gives %j', (urls, hosts) => {
    expect(deriveHosts(urls)).toEqual(hosts)
    for (const host of hosts) expect(hostRuleProblem(host)).toBeNull()
  })
})
