import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/*
 * What kind of address is this (X03)? Only `public` may be called; everything else needs the operator's exception.
 * The tables are IANA's special-purpose registries (RFC 6890) and what clouds have put elsewhere. ipaddr.js parses, matches, and
 * has the last word: what it does not call unicast is refused even when no row here names it.
 */

type Kind =
  | 'metadata'
  | 'loopback'
  | 'unspecified'
  | 'private'
  | 'link_local'
  | 'carrier_grade_nat'
  | 'multicast'
  | 'broadcast'
  | 'documentation'
  | 'benchmarking'
  | 'discard'
  | 'tunnel'
  | 'reserved'

/** `embeds_…`: an IPv6 address that a translator or tunnel turns into an IPv4 address of that kind. `invalid`: not an address as the system writes one. */
export type Verdict = 'public' | Kind | `embeds_${Kind}` | 'invalid'

type Row = readonly [cidr: string, kind: Kind]

/** First match wins. */
const ipv4Rows: readonly Row[] = [
  ['169.254.169.254/32', 'metadata'], // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
  ['169.254.169.253/32', 'metadata'], // AWS: the VPC's resolver
  ['169.254.170.2/32', 'metadata'], // AWS: credentials of ECS tasks
  ['169.254.170.23/32', 'metadata'], // AWS: credentials of EKS pods
  ['169.254.0.23/32', 'metadata'], // Tencent
  ['169.254.42.42/32', 'metadata'], // Scaleway
  ['100.100.100.200/32', 'metadata'], // Alibaba
  ['192.0.0.192/32', 'metadata'], // Oracle
  ['168.63.129.16/32', 'metadata'], // Azure: ordinary unicast everywhere else
  ['0.0.0.0/8', 'unspecified'], // RFC 791; Linux connects 0.0.0.0 to itself
  ['10.0.0.0/8', 'private'], // RFC 1918
  ['100.64.0.0/10', 'carrier_grade_nat'], // RFC 6598
  ['127.0.0.0/8', 'loopback'], // RFC 1122
  ['169.254.0.0/16', 'link_local'], // RFC 3927
  ['172.16.0.0/12', 'private'], // RFC 1918
  ['192.0.0.0/24', 'reserved'], // RFC 6890: protocol assignments
  ['192.0.2.0/24', 'documentation'], // RFC 5737
  ['192.31.196.0/24', 'reserved'], // RFC 7535: AS112
  ['192.52.193.0/24', 'tunnel'], // RFC 7450: AMT
  ['192.88.99.0/24', 'tunnel'], // RFC 7526: 6to4 relays
  ['192.168.0.0/16', 'private'], // RFC 1918
  ['192.175.48.0/24', 'reserved'], // RFC 7534: AS112
  ['198.18.0.0/15', 'benchmarking'], // RFC 2544
  ['198.51.100.0/24', 'documentation'], // RFC 5737
  ['203.0.113.0/24', 'documentation'], // RFC 5737
  ['224.0.0.0/4', 'multicast'], // RFC 1112
  ['255.255.255.255/32', 'broadcast'], // RFC 919
  ['240.0.0.0/4', 'reserved'], // RFC 1112
]

const ipv6Rows: readonly Row[] = [
  ['fd00:ec2::/32', 'metadata'], // AWS: fd00:ec2::254 and ::23 (EKS), ::253 (resolver)
  ['fd20:ce::254/128', 'metadata'], // Google
  ['fd00:c1::a9fe:a9fe/128', 'metadata'], // Oracle
  ['fd00:42::42/128', 'metadata'], // Scaleway
  ['::/128', 'unspecified'], // RFC 4291
  ['::1/128', 'loopback'], // RFC 4291
  ['100::/64', 'discard'], // RFC 6666
  ['fc00::/7', 'private'], // RFC 4193
  ['fe80::/10', 'link_local'], // RFC 4291
  ['fec0::/10', 'private'], // RFC 3879: site-local, deprecated but still routed by some
  ['ff00::/8', 'multicast'], // RFC 4291
  ['2001::/32', 'tunnel'], // RFC 4380: Teredo
  ['2001:2::/48', 'benchmarking'], // RFC 5180
  ['2001:3::/32', 'tunnel'], // RFC 7450: AMT
  ['2001::/23', 'reserved'], // RFC 2928: protocol assignments, ORCHID, drone ids
  ['2001:db8::/32', 'documentation'], // RFC 3849
  ['2002::/16', 'tunnel'], // RFC 3056: 6to4
  ['2620:4f:8000::/48', 'reserved'], // RFC 7534: AS112
  ['3fff::/20', 'documentation'], // RFC 9637
]

/** Where IPv6 hides an IPv4 address. `offset` is the byte it starts at; `inverted` as Teredo writes its client's. */
interface Embedding {
  readonly cidr: string
  readonly offset: number
  readonly inverted?: true
  /** A translator that is in use today: with a public address inside, the whole is public (DNS64 answers with these). */
  readonly usable?: true
}

const embeddings: readonly Embedding[] = [
  { cidr: '::ffff:0:0/96', offset: 12, usable: true }, // RFC 4291 §2.5.5.2: mapped
  { cidr: '64:ff9b::/96', offset: 12, usable: true }, // RFC 6052: NAT64
  { cidr: '64:ff9b:1::/48', offset: 12 }, // RFC 8215: NAT64 of the local network, for its private addresses
  { cidr: '::/96', offset: 12 }, // RFC 4291 §2.5.5.1: compatible, deprecated
  { cidr: '::ffff:0:0:0/96', offset: 12 }, // RFC 6145: translated
  { cidr: '2002::/16', offset: 2 }, // RFC 3056: 6to4
  { cidr: '2001::/32', offset: 4 }, // RFC 4380: Teredo's server
  { cidr: '2001::/32', offset: 12, inverted: true }, // RFC 4380: Teredo's client
]

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

const rangesOf = <T extends { readonly cidr: string }>(rows: readonly T[]) =>
  rows.map(row => ({ ...row, range: ipaddr.parseCIDR(row.cidr) }))
const ipv4Ranges = rangesOf(ipv4Rows.map(([cidr, kind]) => ({ cidr, kind })))
const ipv6Ranges = rangesOf(ipv6Rows.map(([cidr, kind]) => ({ cidr, kind })))
const embeddingRanges = rangesOf(embeddings)

/** IANA has handed out nothing of global unicast outside of this block (RFC 4291 §2.4). */
const globalUnicast: Range = ipaddr.parseCIDR('2000::/3')

const within = (address: ipaddr.IPv4 | ipaddr.IPv6, [range, bits]: Range): boolean =>
  address.kind() === range.kind() && (address as ipaddr.IPv6).match(range, bits)

function classifyIpv4(address: ipaddr.IPv4): 'public' | Kind {
  const row = ipv4Ranges.find(({ range }) => within(address, range))
  return row ? row.kind : address.range() === 'unicast' ? 'public' : 'reserved'
}

const ipv4At = (bytes: readonly number[], offset: number, inverted = false): ipaddr.IPv4 =>
  new ipaddr.IPv4(bytes.slice(offset, offset + 4).map(byte => (inverted ? byte ^ 0xff : byte)))

/** RFC 5214 §6.1: ISATAP's interface identifier stands under any prefix. */
const isIsatap = (bytes: readonly number[]): boolean =>
  ((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe

function classifyIpv6(address: ipaddr.IPv6): Verdict {
  const row = ipv6Ranges.find(({ range }) => within(address, range))
  // A tunnel's row says less than what is at its other end.
  if (row && row.kind !== 'tunnel') return row.kind
  const bytes = address.toByteArray()
  for (const { range, offset, inverted, usable } of embeddingRanges) {
    if (!within(address, range)) continue
    const inner = classifyIpv4(ipv4At(bytes, offset, inverted))
    if (inner !== 'public') return `embeds_${inner}`
    if (usable) return 'public'
  }
  if (isIsatap(bytes)) {
    const inner = classifyIpv4(ipv4At(bytes, 12))
    return inner === 'public' ? 'tunnel' : `embeds_${inner}`
  }
  if (row) return row.kind
  return within(address, globalUnicast) && address.range() === 'unicast' ? 'public' : 'reserved'
}

/**
 * Null when the text is not an address as the system writes one; a zone (`%eth0`) is left aside. ipaddr.js reads `::8.8.8.8` as the mapped
 * `::ffff:8.8.8.8`, which is another address: the URL parser writes hexadecimal groups only, and leaves it no choice.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const plain = text.replace(/%.*$/, '')
  if (isIPv4(plain)) return ipaddr.IPv4.parse(plain)
  return isIPv6(plain) ? ipaddr.IPv6.parse(new URL(`http://[${plain}]/`).hostname.slice(1, -1)) : null
}

const classify = (address: ipaddr.IPv4 | ipaddr.IPv6): Verdict =>
  address.kind() === 'ipv4' ? classifyIpv4(address as ipaddr.IPv4) : classifyIpv6(address as ipaddr.IPv6)

/**
 * Names the kind of an address as the system writes it: `10.0.0.1`, `::1`, `fe80::1%eth0`, without brackets. Other spellings
 * (`127.1`, `0x7f000001`) are `invalid`: the URL parser has rewritten them before, and nothing else may bring them.
 */
export function classifyAddress(address: string): Verdict {
  const parsed = parseAddress(address)
  return parsed === null ? 'invalid' : classify(parsed)
}

/** Addresses that the operator opened although they are not public; without a port, every port of them. */
export interface AddressException {
  readonly text: string
  readonly range: Range
  readonly port: number | null
}

const exceptionForm = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/i
const bareIpv6Form = /^([0-9a-f:.]*:[0-9a-f:.]*)(?:\/(\d{1,3}))?$/i

/**
 * Reads a comma-separated list such as `127.0.0.1/32:9001, 10.1.0.0/16, [::1]/128:9001, fd00::/8`. Without a prefix length one address is meant.
 * @throws Error with a sentence about the first entry that is not right.
 */
export function parseExceptions(text: string): AddressException[] {
  const entries = text.split(',').map(entry => entry.trim())
  return entries.filter(Boolean).map(entry => {
    const [, bracketed, ipv4, bits, port] = exceptionForm.exec(entry) ?? []
    const [, bare, bareBits] = bareIpv6Form.exec(entry) ?? []
    const address = bracketed ?? ipv4 ?? bare ?? ''
    const parsed = parseAddress(address)
    const size = parsed?.kind() === 'ipv4' ? 32 : 128
    const prefix = Number(bits ?? bareBits ?? size)
    if (parsed === null || (bracketed !== undefined && size !== 128)) {
      throw new Error(`"${entry}" is not an address or a CIDR with an optional port, such as 127.0.0.1/32:9001 or [::1]/128:9001.`)
    }
    if (prefix > size) throw new Error(`"${entry}" has a prefix longer than ${size} bits.`)
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) throw new Error(`"${entry}" has a port outside 1 to 65535.`)
    return { text: entry, range: [parsed, prefix], port: port === undefined ? null : Number(port) }
  })
}

/** Whether an exception names this address with this port. One for IPv4 does not cover IPv6 spellings of it. */
export function addressListed(address: string, port: number, exceptions: readonly AddressException[]): boolean {
  const parsed = parseAddress(address)
  return parsed !== null && exceptions.some(one => (one.port === null || one.port === port) && within(parsed, one.range))
}

/** May this address be called on this port: it is public, or an exception names it. */
export const addressAllowed = (address: string, port: number, exceptions: readonly AddressException[]): boolean =>
  classifyAddress(address) === 'public' || addressListed(address, port, exceptions)

/** What is called in the end: of an IPv6 address that a translator in use today turns into an IPv4 address, that one. */
export function reachedAddress(address: string): string {
  const parsed = parseAddress(address)
  const found = parsed && embeddingRanges.find(({ range, usable }) => usable && within(parsed, range))
  return found ? ipv4At(parsed.toByteArray(), found.offset).toString() : address
}

/** True when two spellings are the same address of the same family. */
export function sameAddress(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)]
  return a !== null && b !== null && a.kind() === b.kind() && a.toNormalizedString() === b.toNormalizedString()
}
