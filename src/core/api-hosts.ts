import { getDomain, parse } from 'tldts'
import { Problem } from './problem.ts'
import { fill, hostVariablePattern, placeholdersOf } from './template.ts'

/*
 * `api_hosts`: where a credential may be sent (X01). A rule is an exact host, `host:port`, `*.suffix` (one or more labels in
 * front of the suffix, never the suffix itself), or `*`, which an administrator chooses knowingly. Rules may hold `{variable}`
 * placeholders until a connection fills them. Everything is compared in the ASCII form that the WHATWG URL parser gives.
 */

interface Rule {
  /** Lower-case ASCII, placeholders as written; the text to store. */
  readonly text: string
}

/** Longest name of DNS (RFC 1035 §2.3.4), a colon and a port; the wildcard's two characters. */
const longestRule = 2 + 253 + 6

const marker = (index: number) => `zq${index}qz`

/** The host as a URL would spell it, or null when no URL can have it. */
function asciiHost(host: string): string | null {
  if (!URL.canParse(`https://${host}/`)) return null
  const url = new URL(`https://${host}/`)
  return url.host === url.hostname && url.pathname === '/' && url.username === '' ? url.hostname : null
}

const isAddress = (hostname: string): boolean => parse(hostname).isIp === true

/** True for `com`, `co.uk`, `github.io`: anybody can register something below it, so a wildcard there is a wildcard for everybody. */
const isPublicSuffix = (name: string): boolean =>
  getDomain(name.replace(/\.$/, ''), { allowPrivateDomains: true, validateHostname: false }) === null

function read(rule: string): Rule | string {
  if (rule === '*') return { text: '*' }
  if (rule === '') return 'Name a host, such as api.example.com.'
  if (rule.length > longestRule) return `A host has at most ${longestRule} characters.`
  if (rule.includes('://')) return 'Leave out the scheme: write api.example.com, not https://api.example.com.'
  if (/[/?#]/.test(rule)) return 'Leave out the path: a rule names a host, and at most a port.'
  if (rule.includes('@')) return 'A host has no user name in it.'

  const names = placeholdersOf(rule)
  let index = 0
  const plain = rule.toLowerCase().replace(/\{[^{}]*\}/g, whole => (placeholdersOf(whole).length ? marker(index++) : whole))
  if (index !== names.length) return 'A variable is written in lower case: {domain}.'
  const wildcard = plain.startsWith('*.')
  const bare = wildcard ? plain.slice(2) : plain
  if (/[\0-\x20\x7f\\%*{}|^`<>"]/.test(bare))
    return 'Only letters, digits, dots and hyphens stand in a host; an asterisk stands alone or as "*." in front.'

  const port = /^(?:\[[^\]]*\]|[^:[\]]*):([^\]]*)$/.exec(bare)?.[1] ?? null
  if (port !== null && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) return 'A port is a number from 1 to 65535.'
  const host = asciiHost(port === null ? bare : bare.slice(0, -port.length - 1))
  if (host === null) return 'This is not the name or address of a host.'
  if (wildcard) {
    if (port !== null) return 'A wildcard cannot name a port. List the hosts with this port one by one.'
    if (isAddress(host)) return 'A wildcard needs a name, not an address.'
    if (isPublicSuffix(host)) return `Anybody can have a host under ${rule.slice(2)}: name the domain of the service, as in *.example.com.`
  }

  const ascii = (wildcard ? '*.' : '') + host + (port === null ? '' : `:${port}`)
  // A placeholder inside a label that becomes punycode cannot be found again.
  if (/(?:^|\.)xn--[^.]*zq\d/.test(ascii)) return 'Write the part of a host that holds a variable in ASCII.'
  return { text: names.reduce((text, name, i) => text.replace(marker(i), () => `{${name}}`), ascii) }
}

/** A sentence that says what is wrong with an `api_hosts` rule; null when it is allowed. Upper case and non-ASCII names are fine. */
export function hostRuleProblem(rule: string): string | null {
  const result = read(rule)
  return typeof result === 'string' ? result : null
}

/** Lower case, IDN as ASCII, addresses as a URL writes them. A rule that is not allowed comes back as it was. */
export function normaliseHostRule(rule: string): string {
  const result = read(rule)
  return typeof result === 'string' ? rule : result.text
}

/**
 * A rule with a connection's variables in place. The values are held to DNS labels, and the whole is judged again:
 * `*.{domain}` must not become `*.co.uk`.
 * @throws Problem validation_failed when a variable is missing or makes a rule that is not allowed.
 */
export function fillHostRule(rule: string, variables: Readonly<Record<string, string>>): string {
  const names = placeholdersOf(rule)
  if (names.length === 0) return rule
  const errors = names
    .filter(name => !Object.hasOwn(variables, name) || !hostVariablePattern.test(variables[name] ?? ''))
    .map(name => ({ path: `variables.${name}`, message: 'Give the part of the host name: lower-case letters, digits, hyphens.' }))
  if (errors.length) throw new Problem('validation_failed', {}, { errors })
  const filled = fill(rule, variables)
  const problem = hostRuleProblem(filled)
  if (problem) throw new Problem('validation_failed', {}, { errors: [{ path: `variables.${names[0] ?? ''}`, message: problem }] })
  return normaliseHostRule(filled)
}

interface Compiled {
  readonly everything: boolean
  /** Hosts whose rule names no port: they match the scheme's own. */
  readonly hosts: ReadonlySet<string>
  readonly hostsAndPorts: ReadonlySet<string>
  /** With the leading dot, so that `evilgood.test` does not end in `.good.test`. */
  readonly suffixes: readonly string[]
}

/** A service's rules are one array as long as its row is cached, so each array is read once. */
const compiled = new WeakMap<readonly string[], Compiled>()

function compile(rules: readonly string[]): Compiled {
  const exact = rules.filter(rule => !rule.startsWith('*')).map(normaliseHostRule)
  const namesPort = (rule: string) => /:\d+$/.test(rule)
  const result: Compiled = {
    everything: rules.includes('*'),
    hosts: new Set(exact.filter(rule => !namesPort(rule))),
    hostsAndPorts: new Set(exact.filter(namesPort)),
    suffixes: rules.filter(rule => rule.startsWith('*.')).map(rule => normaliseHostRule(rule).slice(1)),
  }
  compiled.set(rules, result)
  return result
}

/**
 * May a credential with these rules be sent to this URL? Says nothing about the scheme: that is the egress policy's.
 * The array must not be changed after its first use here.
 */
export function hostAllowed(url: URL, rules: readonly string[]): boolean {
  const { everything, hosts, hostsAndPorts, suffixes } = compiled.get(rules) ?? compile(rules)
  if (everything) return true
  const { hostname, port } = url
  if (port === '' && hosts.has(hostname)) return true
  if (hostsAndPorts.size > 0 && hostsAndPorts.has(`${hostname}:${port || (url.protocol === 'https:' ? '443' : '80')}`)) return true
  return port === '' && suffixes.some(suffix => hostname.length > suffix.length && hostname.endsWith(suffix))
}

/**
 * The rules of an OAuth service that names none, from its access-token and authorize URLs: `example.com` and `*.example.com` of
 * each registrable domain, and a port that is not the scheme's own. Where there is no such domain (an address, `localhost`, a host
 * that is itself a public suffix), the host and port as they are; where a `{variable}` stands in the host as well, because
 * `*.example.com` would be every customer's host. URLs that do not parse are left out.
 */
export function deriveHosts(urls: readonly string[]): string[] {
  const rules = new Set<string>()
  for (const text of urls) {
    const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#\\]+)/i.exec(text) ?? []
    if (authority === '*' || authority.startsWith('*.') || hostRuleProblem(authority) !== null) continue
    const rule = normaliseHostRule(authority).replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '')
    const host = rule.replace(/:\d+$/, '')
    const domain = host.includes('{') || isAddress(host) ? null : getDomain(host, { allowPrivateDomains: true, validateHostname: false })
    if (domain !== null) rules.add(domain).add(`*.${domain}`)
    if (domain === null || rule !== host) rules.add(rule)
  }
  return [...rules]
}
