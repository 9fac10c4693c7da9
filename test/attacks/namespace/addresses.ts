/*
 * Hosts of URLs that lead inside, by what is there, and their neighbours that do not. Spellings are for the WHATWG parser, which knows
 * one, two, three and four parts, octal, hexadecimal, percent-encoding, and whatever Unicode maps to digits and dots (UTS #46).
 */

/** IPv4 addresses, and the ways in which IPv6 holds one of them (RFC 4291, 6052, 6145, 8215, 3056, 4380, 5214). */
export function embeddingsOf(address: string): Readonly<Record<string, string>> {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const group = (high: number, low: number) => (high * 256 + low).toString(16)
  const [high, low] = [group(a, b), group(c, d)]
  const [inverseHigh, inverseLow] = [group(a ^ 255, b ^ 255), group(c ^ 255, d ^ 255)]
  return {
    mapped: `::ffff:${high}:${low}`,
    compatible: `::${high}:${low}`,
    translated: `::ffff:0:${high}:${low}`,
    nat64: `64:ff9b::${high}:${low}`,
    local_nat64: `64:ff9b:1::${high}:${low}`,
    '6to4': `2002:${high}:${low}::1`,
    teredo_server: `2001:0:${high}:${low}:8000:63bf:a247:e2e2`,
    teredo_client: `2001:0:5db8:d822:8000:63bf:${inverseHigh}:${inverseLow}`,
    isatap: `2606:4700::5efe:${high}:${low}`,
    isatap_global: `2606:4700::200:5efe:${high}:${low}`,
  }
}

/** In brackets, as a URL's host. The last two look like any other address of the internet to a router, and to us until we look inside. */
const embedded = (address: string): string[] => Object.values(embeddingsOf(address)).map(one => `[${one}]`)

/** By what Patchbay calls what is there. */
export const refusedHosts: Readonly<Record<string, readonly string[]>> = {
  loopback: [
    ...['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '127.8.4.2', '2130706433', '2147483646', '0x7f000001', '0x7f.0.0.1'],
    ...['0x7F.1', '0x7f.0x0.0x0.0x1', '127.0x1', '0177.0.0.1', '0177.0.1', '0177.0x0.1', '017700000001', '127.000.000.001'],
    ...['127.0.0.1.', '127.0.0.1%2e', '%31%32%37.0.0.1', '%2531%25', '127%2E1'].filter(host => !host.includes('%25')),
    ...['①②⑦.⓪.⓪.①', '127。0。0。1', '127｡0｡0｡1', '127．0．0．1', '１２７.0.0.1', '𝟏𝟐𝟕.𝟎.𝟎.𝟏', '127.0.0.1\u00AD', '1\u200B27.0.0.1'],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::0001]', '[0::1]', '[::0.0.0.1]'],
  ],
  unspecified: ['0', '0.0.0.0', '0x', '0.1.2.3', '00000', '0.0', '0x0.0', '[::]', '[0:0::0]', '[::0.0.0.0]'],
  private: [
    ...['10.0.0.1', '10.255.255.255', '10.1', '0xa000001', '012.0.0.1', '172.16.0.1', '172.31.255.255', '172.16.1', '192.168.0.1'],
    ...['192.168.255.255', '0300.0250.0.1', '3232235521', '[fc00::1]', '[fd12:3456:789a::1]', '[fec0::1]'],
  ],
  carrier_grade_nat: ['100.64.0.1', '100.127.255.255', '0x64400001'],
  link_local: ['169.254.0.1', '169.254.255.255', '[fe80::1]', '[febf::1]'],
  metadata: [
    // every cloud, and ECS, EKS, Tencent, Scaleway
    ...[
      '169.254.169.254',
      '0xa9fea9fe',
      '2852039166',
      '0251.0376.0251.0376',
      '169.254.43518',
      '0xa9.0xfe.0xa9.0xfe',
      '１６９。254.169.254',
    ],
    ...['169.254.170.2', '169.254.170.23', '169.254.169.253', '169.254.0.23', '169.254.42.42'],
    // Alibaba, Oracle, Azure; the last is ordinary unicast to everybody else
    ...['100.100.100.200', '192.0.0.192', '168.63.129.16', '0xa83f8110'],
    // AWS, EKS, Google, Oracle, Scaleway
    ...['[fd00:ec2::254]', '[fd00:0ec2:0::0254]', '[fd00:ec2::23]', '[fd20:ce::254]', '[fd00:c1::a9fe:a9fe]', '[fd00:42::42]'],
  ],
  embeds_loopback: [
    ...embedded('127.0.0.1'),
    ...embedded('127.31.4.1'),
    '[::ffff:127.0.0.1]',
    '[::FFFF:7F00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
  ],
  embeds_unspecified: embedded('0.0.0.0').filter(host => host !== '[::0:0]'),
  embeds_private: [
    ...embedded('10.0.0.1'),
    ...embedded('172.20.10.1'),
    ...embedded('192.168.1.1'),
    '[::ffff:10.0.0.1]',
    '[::FFFF:10.0.0.1]',
  ],
  embeds_metadata: [
    ...embedded('169.254.169.254'),
    ...embedded('168.63.129.16'),
    ...embedded('100.100.100.200'),
    '[::ffff:169.254.169.254]',
  ],
  embeds_carrier_grade_nat: embedded('100.64.0.1'),
  reserved: [
    '192.0.0.1',
    '192.31.196.1',
    '192.175.48.1',
    '240.0.0.1',
    '250.1.2.3',
    '[5f00::1]',
    '[2001:10::1]',
    '[4000::1]',
    '[e000::1]',
    '[2620:4f:8000::1]',
  ],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '[2001:db8::1]', '[3fff::1]', '[3fff:fff::1]'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '[2001:2::1]'],
  tunnel: [
    '192.88.99.1',
    '192.52.193.1',
    '[2002:5db8:d822::1]',
    '[2001:0:5db8:d822:8000:63bf:d1cf:deb2]',
    '[2606:4700::5efe:93.184.216.34]',
  ],
  multicast: ['224.0.0.1', '239.255.255.255', '[ff02::1]', '[ff0e::1]'],
  broadcast: ['255.255.255.255', '0xffffffff', '4294967295'],
  discard: ['[100::1]'],
}

/** Neighbours of the above, and one that is spelt oddly: somebody's public hosts, which may be called. */
export const publicHosts = [
  ...['9.255.255.255', '11.0.0.1', '126.255.255.254', '128.0.0.1', '172.15.255.255', '172.32.0.1', '169.253.0.1', '169.255.0.1'],
  ...['100.63.255.255', '100.128.0.1', '192.0.1.1', '192.167.255.255', '192.169.0.1', '198.17.0.1', '198.20.0.1', '223.255.255.255'],
  ...['168.63.129.15', '168.63.129.17', '0x5db8d822', '[2606:4700::1111]', '[2a00:1450:4001::5e]', '[2620:4f:8001::1]', '[2003::1]'],
] as const

/** The address that a URL with this host means, without brackets. */
export const addressOf = (host: string): string => new URL(`https://${host}/`).hostname.replace(/^\[|\]$/g, '')

/** Not URLs of anything: nobody may guess what was meant. */
export const notUrls: readonly string[] = [
  ...['https://256.256.256.256/', 'https://1.2.3.4.5/', 'https://08.8.8.8/', 'https://0x100000000/', 'https://[::1/'],
  ...['https://[fe80::1%25eth0]/', 'https://[fe80::1%eth0]/', 'https://[::ffff:127.0.0.256]/', 'https://[1::2::3]/', 'https://[]/'],
  ...[
    'https://127.0.0.1%00.example.com/',
    'https://exa mple.com/',
    'https:///x',
    'https:/x',
    'https:x',
    'https://',
    'https://:443/',
    '//127.0.0.1/',
  ],
  ...[
    'https://good.test:80@10.0.0.1/',
    'https://10.0.0.1:443#@good.test'.replace('#', '%23'),
    'https://good.test@[::1]/',
    'https://@10.0.0.1/',
  ],
  ...[
    'https://exam\tple.com/',
    'https://127.0.\n0.1/',
    'https://good.test/\r\nHost: 10.0.0.1',
    'https://good.test\\@10.0.0.1/',
    'https://10.0.0.1\\.good.test/',
  ],
  ...[
    'https://good.test:0/',
    'https://good.test:65536/',
    'https://good.test:443:80/',
    'https://good.test%2f@10.0.0.1/',
    ' https://10.0.0.1/',
  ],
  ...[
    'file:///etc/passwd',
    'ftp://10.0.0.1/',
    'gopher://127.0.0.1:5432/_',
    'data:text/plain,x',
    'blob:https://good.test/x',
    'javascript:1',
  ],
  ...[
    'ws://10.0.0.1/',
    'wss://10.0.0.1/',
    'jar:https://10.0.0.1/!x',
    'unix:/run/x',
    'http+unix://%2Frun%2Fx/',
    'dict://127.0.0.1:5432/',
    'about:blank',
  ],
]
