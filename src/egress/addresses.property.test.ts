import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { embeddingsOf } from '../../test/attacks/namespace/addresses.ts'
import { addressAllowed, classifyAddress } from './addresses.ts'
import { parseDestination } from './policy.ts'

/** Networks that nobody may call (IANA's special-purpose registry and the addresses of clouds), written down apart from the product's table. */
const special: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['168.63.129.16', 32], ['169.254.0.0', 16], ['172.16.0.0', 12],
  ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.31.196.0', 24], ['192.52.193.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16],
  ['192.175.48.0', 24], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
] // prettier-ignore

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const bytesOf = (value: number): [number, number, number, number] => [
  Math.floor(value / 2 ** 24),
  Math.floor(value / 2 ** 16) % 256,
  Math.floor(value / 2 ** 8) % 256,
  value % 256,
]
const dotted = (value: number): string => bytesOf(value).join('.')
const isSpecial = (value: number): boolean =>
  special.some(([network, bits]) => Math.floor(value / 2 ** (32 - bits)) === Math.floor(numberOf(network) / 2 ** (32 - bits)))

const anySpecial = fc
  .constantFrom(...special)
  .chain(([network, bits]) => fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map(offset => numberOf(network) + offset))
const anyIpv4 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const anyPublic = anyIpv4.filter(value => !isSpecial(value))

const octal = (value: number) => `0${value.toString(8)}`
const hex = (value: number) => `0x${value.toString(16)}`
/** Other digits and dots that UTS #46 maps to ours. */
const fullWidth = (text: string) => text.replace(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit))).replaceAll('.', '。')
const doubleStruck = (text: string) => text.replace(/\d/g, digit => String.fromCodePoint(0x1d7d8 + Number(digit))).replaceAll('.', '｡')
const percent = (text: string) => [...text].map(one => `%${one.charCodeAt(0).toString(16)}`).join('')

/** Every way in which a URL may write an IPv4 address (WHATWG URL §3.5 and what its host parser does before). */
const spellings: Readonly<Record<string, (value: number) => string>> = {
  dotted,
  'one number': String,
  'one number, hexadecimal': hex,
  'one number, octal': octal,
  'two parts': value => `${bytesOf(value)[0]}.${value % 2 ** 24}`,
  'three parts': value => `${bytesOf(value)[0]}.${bytesOf(value)[1]}.${value % 2 ** 16}`,
  'octal parts': value => bytesOf(value).map(octal).join('.'),
  'octal parts with more zeros': value => bytesOf(value).map(part => `000${part.toString(8)}`).join('.'), // prettier-ignore
  'hexadecimal parts': value => bytesOf(value).map(hex).join('.'),
  'parts of each kind': value => bytesOf(value).map((part, i) => [String, hex, octal, String][i]?.(part)).join('.'), // prettier-ignore
  'a final dot': value => `${dotted(value)}.`,
  'full width': value => fullWidth(dotted(value)),
  'double-struck': value => doubleStruck(dotted(value)),
  'soft hyphens': value => dotted(value).split('').join('\u00AD'),
  'percent-encoded': value => percent(dotted(value)),
}

const hostOf = (host: string): string => parseDestination(`https://${host}/`).hostname.replace(/^\[|\]$/g, '')
const runs = { numRuns: 400 }

describe('any address, in any spelling', () => {
  it.each(Object.entries(spellings))('IPv4 as %s: special ones are refused, and the same address is judged', (_, spell) => {
    fc.assert(
      fc.property(anySpecial, value => {
        const host = hostOf(spell(value))
        expect(host).toBe(dotted(value))
        expect(classifyAddress(host)).not.toMatch(/^(?:public|invalid)$/)
        expect(addressAllowed(host, 443, [])).toBe(false)
      }),
      runs,
    )
  })

  it.each(Object.keys(embeddingsOf('0.0.0.0')))('IPv4 inside IPv6 as %s: special ones are refused', embedding => {
    fc.assert(
      fc.property(anySpecial, value => {
        const host = hostOf(`[${embeddingsOf(dotted(value))[embedding] ?? ''}]`)
        expect(classifyAddress(host)).not.toMatch(/^(?:public|invalid)$/)
        expect(addressAllowed(host, 443, [])).toBe(false)
      }),
      runs,
    )
  })

  it('IPv4 inside IPv6: a public one only where a translator is in use today', () => {
    fc.assert(
      fc.property(anyPublic, value => {
        for (const [embedding, text] of Object.entries(embeddingsOf(dotted(value))))
          expect([embedding, addressAllowed(text, 443, [])]).toEqual([embedding, embedding === 'mapped' || embedding === 'nat64'])
      }),
      runs,
    )
  })

  it('the rest of IPv4 is public', () => {
    fc.assert(
      fc.property(anyPublic, value => {
        expect(classifyAddress(dotted(value))).toBe('public')
      }),
      { numRuns: 2_000 },
    )
  })

  it('IPv6: what the registries have given out is public, and nothing outside of 2000::/3', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    const groups = fc.array(group, { minLength: 7, maxLength: 7 })
    const text = (first: number, rest: readonly number[]) => [first, ...rest].map(one => one.toString(16)).join(':')
    // interface identifiers of ISATAP are a case of their own
    const isIsatap = (rest: readonly number[]) => rest[4] === 0x5efe
    fc.assert(
      fc.property(fc.integer({ min: 0x2400, max: 0x2c0f }).filter(first => first !== 0x2620), groups, (first, rest) => {
        fc.pre(!isIsatap(rest))
        expect(classifyAddress(text(first, rest))).toBe('public')
      }), // prettier-ignore
      runs,
    )
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 0x0065, max: 0x1fff }), fc.integer({ min: 0x4000, max: 0xffff })), groups, (first, rest) => {
        expect(addressAllowed(text(first, rest), 443, [])).toBe(false)
      }),
      runs,
    )
  })

  it('whatever is no address is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4Extended(), fc.domain()), text => {
        fc.pre(!/^\d+\.\d+\.\d+\.\d+$/.test(text))
        expect(addressAllowed(text, 443, [])).toBe(false)
      }),
      runs,
    )
  })
})
