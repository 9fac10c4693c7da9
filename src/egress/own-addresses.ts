import { networkInterfaces } from 'node:os'
import { reachedAddress, sameAddress } from './addresses.ts'

/** Asking takes a tenth of a millisecond, and a millisecond where there are many interfaces; they change when a machine is set up. */
const rememberedMs = 10_000

let addresses: readonly string[] = []
let readAt = -Infinity

/** Whether an address is one of this machine's interfaces. Forwarded addresses of a cloud are not: their machines do not know them. */
export function isOfThisMachine(address: string): boolean {
  const now = performance.now()
  if (now - readAt > rememberedMs) {
    addresses = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(one => one.address))
    readAt = now
  }
  const reached = reachedAddress(address)
  return addresses.some(one => sameAddress(one, reached))
}

const usualPorts: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80', 'postgres:': '5432', 'postgresql:': '5432' }

/** `host:port` of each URL that names a host; of nothing else, such as a socket file. */
export const hostsAndPorts = (urls: readonly (string | null)[]): string[] =>
  urls.flatMap(text => {
    if (text === null || !URL.canParse(text)) return []
    const { hostname, port, protocol } = new URL(text)
    return hostname === '' ? [] : [`${hostname.replace(/^\[|\]$/g, '').toLowerCase()}:${port || (usualPorts[protocol] ?? '')}`]
  })
