import { describe, expect, it } from 'vitest'
import { classifyAddress } from './addresses.ts'
import { assertTransport, parseDestination } from './policy.ts'

describe('text becomes a URL once', () => {
  it.each([
    ['https://api.good.test/x?y=1#z', 'https://api.good.test/x?y=1'],
    ['HTTPS://API.GOOD.TEST:443/x', 'https://api.good.test/x'],
    ['http://good.test', 'http://good.test/'],
    ['HtTpS://good.test?q', 'https://good.test/?q'],
    ['https://good.test/@x', 'https://good.test/@x'],
    ['https://good.test/?to=a@b', 'https://good.test/?to=a@b'],
    ['https://ⓐpi.good.test/ü', 'https://api.good.test/%C3%BC'],
    ['https://good.test/v1/%2e%2e/admin', 'https://good.test/admin'],
    ['https://[::1]:9001/', 'https://[::1]:9001/'],
  ])('%s', (text, href) => {
    expect(parseDestination(text).href).toBe(href)
  })

  it.each([
    '',
    '/x',
    '//evil.test/x',
    'good.test/x',
    'https:x',
    'https:/x',
    'https:///x',
    'https://',
    'https://?x',
    'https://#x',
    'https:\\\\good.test',
    'https://user:pw@api.good.test/',
    'https://user@api.good.test/',
    'https://@api.good.test/',
    'https://:@api.good.test/',
    'https://api.good.test@evil.test/',
    'https://evil.test\\@api.good.test',
    'https://api.good.test%2f@evil.test/',
    'http://good.test:80@10.0.0.1',
    'https://256.256.256.256/',
    'https://1.2.3.4.5/',
    'https://08.8.8.8/',
    'https://[::1/',
    'https://[fe80::1%25eth0]/',
    'https://127.0.0.1%00.example.com/',
    'https://exa mple.com/',
    'https://exam\tple.com/',
    'https://good.test/a\r\nHost: evil.test',
    'https://good.test/\u007f',
    'https://good.test/\u0000',
    ' https://good.test/',
    'https://a.test\\..\\',
    'https://good.test:0/',
    'https://good.test:65536/',
    'https://good.test:x/',
    'file:///etc/passwd',
    'ftp://good.test/',
    'gopher://good.test/',
    'data:text/plain,x',
    'blob:https://good.test/x',
    'javascript:alert(1)',
    'ws://good.test/',
    'jar:https://good.test/!x',
    'unix:/run/x',
    'http+unix://x/',
    'https://good.test/' + 'a'.repeat(8192),
    'https://good.test/' + 'ü'.repeat(2000),
  ])('refuses %j', text => {
    expect(() => parseDestination(text)).toThrow(
      expect.objectContaining({ code: 'invalid_url', message: expect.stringMatching(/\.$/) as unknown }),
    )
  })

  it('keeps a credential in a refused URL out of the message', () => {
    expect(() => parseDestination('https://user:CANARY@x.test/')).not.toThrow('CANARY')
  })

  it.each([
    ...[
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '017700000001',
      '127.000.000.001',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
    ],
    ...['１２７.0.0.1', '127.0.0.1\u00AD', '0x7F.1', '0', '0x', '00000', '[::0001]', '[::FFFF:10.0.0.1]', '0300.0250.0.1'],
  ])('the host %s is the address it stands for, and that one is refused', host => {
    expect(classifyAddress(parseDestination(`https://${host}/`).hostname.replace(/^\[|\]$/g, ''))).not.toMatch(/^(public|invalid)$/)
  })
})

describe('plain http', () => {
  const listed = ['good.test', 'port.test:8080', '[::1]:9001', 'default.test:80']
  it.each([
    'https://anything.test/',
    'http://good.test/',
    'http://good.test:81/',
    'http://port.test:8080/',
    'http://[::1]:9001/',
    'http://default.test/',
  ])('%s may be called', url => {
    expect(() => assertTransport(new URL(url), listed)).not.toThrow()
  })
  it.each([
    'http://evil.test/',
    'http://a.good.test/',
    'http://port.test/',
    'http://port.test:8081/',
    'http://good.test./',
    'ftp://good.test/',
  ])('%s may not', url => {
    const { host } = new URL(url)
    expect(() => assertTransport(new URL(url), listed)).toThrow(
      expect.objectContaining({ code: 'destination_not_allowed', facts: expect.objectContaining({ host }) as unknown }),
    )
  })
})
