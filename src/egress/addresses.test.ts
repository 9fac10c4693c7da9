import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressAllowed, classifyAddress, parseExceptions, sameAddress, type Verdict } from './addresses.ts'

describe('what kind of address it is (X03)', () => {
  const table: readonly (readonly [string, Verdict])[] = [
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.0.0.1', 'private'],
    ['10.255.255.255', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['100.64.0.1', 'carrier_grade_nat'],
    ['100.127.255.255', 'carrier_grade_nat'],
    ['192.0.0.1', 'reserved'],
    ['192.0.0.192', 'metadata'],
    ['198.18.0.1', 'benchmarking'],
    ['198.19.255.255', 'benchmarking'],
    ['192.88.99.1', 'tunnel'],
    ['169.254.1.1', 'link_local'],
    ['169.254.169.254', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['169.254.170.23', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['192.0.2.1', 'documentation'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['192.31.196.1', 'reserved'],
    ['192.52.193.1', 'tunnel'],
    ['192.175.48.1', 'reserved'],

    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['fc00::1', 'private'],
    ['fd12:3456::1', 'private'],
    ['fec0::1', 'private'],
    ['fe80::1', 'link_local'],
    ['fe80::1%eth0', 'link_local'],
    ['ff02::1', 'multicast'],
    ['fd00:ec2::254', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['100::1', 'discard'],
    ['100:0:0:1::1', 'reserved'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['3fff:fff::1', 'documentation'],
    ['5f00::1', 'reserved'],
    ['2001:2::1', 'benchmarking'],
    ['2001:10::1', 'reserved'],
    ['2001:20::1', 'reserved'],
    ['2001:30::1', 'reserved'],
    ['2620:4f:8000::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['1::1', 'reserved'],
    ['fe00::1', 'reserved'],

    ['::ffff:127.0.0.1', 'embeds_loopback'],
    ['::ffff:7f00:1', 'embeds_loopback'],
    ['::ffff:a9fe:a9fe', 'embeds_metadata'],
    ['::ffff:10.0.0.1', 'embeds_private'],
    ['::ffff:0.0.0.0', 'embeds_unspecified'],
    ['::ffff:a83f:8110', 'embeds_metadata'],
    ['::127.0.0.1', 'embeds_loopback'],
    ['::10.0.0.1', 'embeds_private'],
    ['::8.8.8.8', 'reserved'],
    ['::2', 'embeds_unspecified'],
    ['::ffff:0:127.0.0.1', 'embeds_loopback'],
    ['::ffff:0:808:808', 'reserved'],
    ['64:ff9b::7f00:1', 'embeds_loopback'],
    ['64:ff9b::a00:1', 'embeds_private'],
    ['64:ff9b::a9fe:a9fe', 'embeds_metadata'],
    ['64:ff9b:1::a00:1', 'embeds_private'],
    ['64:ff9b:1::808:808', 'reserved'],
    ['2002:7f00:1::', 'embeds_loopback'],
    ['2002:a00:1::1', 'embeds_private'],
    ['2002:808:808::1', 'tunnel'],
    ['2001:0:7f00:1::', 'embeds_loopback'],
    ['2001:0:808:808:0:0:80ff:fffe', 'embeds_loopback'],
    ['2001:0:808:808:0:0:f7f7:f7f7', 'tunnel'],
    ['2606:4700::5efe:7f00:1', 'embeds_loopback'],
    ['2606:4700::200:5efe:10.0.0.1', 'embeds_private'],
    ['2606:4700::5efe:808:808', 'tunnel'],
    ['fe80::5efe:8.8.8.8', 'link_local'],

    ['', 'invalid'],
    ['localhost', 'invalid'],
    ['127.1', 'invalid'],
    ['0x7f.0.0.1', 'invalid'],
    ['0177.0.0.1', 'invalid'],
    ['2130706433', 'invalid'],
    ['[::1]', 'invalid'],
    ['1.2.3.4.5', 'invalid'],
  ]
  it.each(table)('%s is %s', (address, verdict) => {
    expect(classifyAddress(address)).toBe(verdict)
    expect(addressAllowed(address, 443, [])).toBe(false)
  })

  it.each([
    '172.32.0.1',
    '172.15.255.255',
    '11.0.0.1',
    '9.255.255.255',
    '169.253.0.1',
    '169.255.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '198.17.0.1',
    '198.20.0.1',
    '192.0.1.1',
    '192.88.98.1',
    '168.63.129.15',
    '1.1.1.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450::1',
    '2001:200::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s is public', address => {
    expect(classifyAddress(address)).toBe('public')
    expect(addressAllowed(address, 443, [])).toBe(true)
  })
})

describe('every special IPv4 address, however it is written', () => {
  /** [first octets, bits]: the same registry, written a second time and differently, so that a slip in one is seen. */
  const special: readonly (readonly [number, number])[] = [
    [0x00000000, 8],
    [0x0a000000, 8],
    [0x64400000, 10],
    [0x7f000000, 8],
    [0xa9fe0000, 16],
    [0xac100000, 12],
    [0xc0000000, 24],
    [0xc0000200, 24],
    [0xc0586300, 24],
    [0xc0a80000, 16],
    [0xc6120000, 15],
    [0xc6336400, 24],
    [0xcb007100, 24],
    [0xe0000000, 4],
    [0xf0000000, 4],
    [0xa83f8110, 32],
  ]
  const inRange = ([base, bits]: readonly [number, number]) =>
    fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map(host => (base + host) >>> 0)
  const specialAddress = fc.oneof(...special.map(inRange))
  const octets = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]
  const hex = (n: number, invert = false) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets(invert ? ~n >>> 0 : n)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  }
  const wide = (digits: string) => digits.replace(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit)))

  const spellings: readonly ((n: number) => string)[] = [
    n => octets(n).join('.'),
    n => String(n),
    n => `0x${n.toString(16)}`,
    n => `0${n.toString(8)}`,
    n =>
      octets(n)
        .map(octet => `0x${octet.toString(16)}`)
        .join('.'),
    n =>
      octets(n)
        .map(octet => `0${octet.toString(8)}`)
        .join('.'),
    n => `${n >>> 24}.${n & 0xffffff}`,
    n => `${n >>> 24}.${(n >>> 16) & 255}.${n & 0xffff}`,
    n => wide(octets(n).join('。')),
    n => `${octets(n).join('.')}.`,
  ]
  const embedded: readonly ((n: number) => string)[] = [
    n => `[::ffff:${octets(n).join('.')}]`,
    n => `[::${hex(n)}]`,
    n => `[::ffff:0:${hex(n)}]`,
    n => `[64:ff9b::${hex(n)}]`,
    n => `[64:ff9b:1::${hex(n)}]`,
    n => `[2002:${hex(n)}::1]`,
    n => `[2001:0:${hex(n)}::]`,
    n => `[2001:0:808:808:0:0:${hex(n, true)}]`,
    n => `[2606:4700::5efe:${hex(n)}]`,
    n => `[2606:4700::200:5efe:${hex(n)}]`,
  ]
  it('is refused in every spelling the URL parser takes and every IPv6 form that holds it', () => {
    fc.assert(
      fc.property(specialAddress, fc.constantFrom(...spellings, ...embedded), (n, spell) => {
        const host = new URL(`https://${spell(n)}/`).hostname.replace(/^\[|\]$/g, '')
        expect(addressAllowed(host, 443, [])).toBe(false)
        expect(classifyAddress(host)).not.toMatch(/^(public|invalid)$/)
      }),
      { numRuns: 3000 },
    )
  })
  it('while the rest of the unicast space is public', () => {
    const others = [...special, [0xc01fc400, 24], [0xc034c100, 24], [0xc0af3000, 24]] as const
    const isSpecial = (n: number) => others.some(([base, bits]) => Math.floor(n / 2 ** (32 - bits)) === Math.floor(base / 2 ** (32 - bits)))
    const publicAddress = fc.integer({ min: 0, max: 2 ** 32 - 1 }).filter(n => !isSpecial(n))
    fc.assert(
      fc.property(publicAddress, fc.constantFrom(...spellings), (n, spell) => {
        expect(classifyAddress(new URL(`https://${spell(n)}/`).hostname.replace(/\.$/, ''))).toBe('public')
      }),
      { numRuns: 2000 },
    )
  })
  it('and so is IPv6 that the registries hand out', () => {
    const piece = fc.integer({ min: 1, max: 0xfffd }).map(n => n.toString(16))
    fc.assert(
      fc.property(
        fc.constantFrom('2400', '2606', '2800', '2a00', '2c0f'),
        fc.array(piece, { minLength: 7, maxLength: 7 }),
        (first, rest) => {
          expect(classifyAddress([first, ...rest].join(':'))).toBe('public')
        },
      ),
    )
  })
})

describe('exceptions of the operator', () => {
  const exceptions = parseExceptions(' 127.0.0.1/32:9001, 10.1.0.0/16 ,[::1]/128:9001,fd00::/8,192.168.1.7:80,[fe80::1],fc00::2,')
  it.each([
    ['127.0.0.1', 9001, true],
    ['127.0.0.1', 9002, false],
    ['127.0.0.2', 9001, false],
    ['10.1.255.255', 1, true],
    ['10.2.0.0', 443, false],
    ['::1', 9001, true],
    ['0:0:0:0:0:0:0:1', 9001, true],
    ['::1', 443, false],
    ['::ffff:127.0.0.1', 9001, false],
    ['fdab::1', 443, true],
    ['fcab::1', 443, false],
    ['fc00::2', 443, true],
    ['192.168.1.7', 80, true],
    ['192.168.1.7', 81, false],
    ['fe80::1%eth0', 5, true],
    ['localhost', 9001, false],
    ['8.8.8.8', 443, true],
  ])('%s on port %i: %s', (address, port, allowed) => {
    expect(addressAllowed(address, port, exceptions)).toBe(allowed)
  })
  it('are none by default', () => {
    expect(parseExceptions('')).toEqual([])
    expect(parseExceptions(' , ')).toEqual([])
  })
  it.each([
    'localhost',
    '127.1',
    '127.0.0.1/33',
    '[::1]/129',
    '::1/129',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '[127.0.0.1]',
    '[::1',
    '127.0.0.1/x',
    '10.0.0.0/8/8',
    'a:b',
  ])('refuse %s with a sentence that quotes it', text => {
    expect(() => parseExceptions(`10.0.0.0/8,${text}`)).toThrow(`"${text}"`)
  })
})

it('two spellings of one address are the same, of two families never', () => {
  expect(sameAddress('::1', '0:0:0:0:0:0:0:1')).toBe(true)
  expect(sameAddress('fe80::1%eth0', 'fe80::1')).toBe(true)
  expect(sameAddress('127.0.0.1', '::ffff:127.0.0.1')).toBe(false)
  expect(sameAddress('127.0.0.1', '0.0.0.0')).toBe(false)
  expect(sameAddress('', '127.0.0.1')).toBe(false)
})
