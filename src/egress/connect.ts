import { lookup, Resolver } from 'node:dns/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { Problem } from '../core/problem.ts'
import { addressAllowed, addressListed, classifyAddress, sameAddress, type AddressException, type Verdict } from './addresses.ts'
import { isOfThisMachine } from './own-addresses.ts'

export interface Answer {
  readonly address: string
  readonly port?: number
}

export interface ConnectOptions {
  readonly allowPrivateAddresses: readonly AddressException[]
  /** Patchbay itself and its database, each `host:port`: called only where their address is an exception. */
  readonly own?: readonly string[]
  /** Instead of DNS. A `port` in the answer is dialled instead of the URL's: tests answer for real host names with it. */
  readonly resolve?: (name: string) => Promise<readonly Answer[]>
  /** `ip` or `ip:port`: asked for A and AAAA instead of the system's resolver. */
  readonly dnsServers?: readonly string[]
  /** PEM: trusted in addition to the certificates that Node ships. */
  readonly extraCa?: string
  /** Milliseconds for TCP and TLS together, all addresses tried; the name has 5 s of its own. */
  readonly connectMs?: number
}

export interface Target {
  /** A name or an address without brackets. */
  readonly hostname: string
  readonly port: number
  readonly secure: boolean
}

const dnsMs = 5_000
/** More answers than any service has; the rest could only keep us busy. */
const mostAnswers = 64

/** As Node's own file streams. Not in the types, but both kinds of socket take it. */
const buffer = { highWaterMark: 65_536 }
const socketOptions = { ...buffer, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'

const shown = ({ hostname, port, secure }: Target): string => {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname
  return port === (secure ? 443 : 80) ? host : `${host}:${port}`
}

function unreachable(target: Target, reason: string, sentence: string, cause?: unknown): Problem {
  const host = shown(target)
  return new Problem('upstream_unreachable', { host, reason, sent: false, detail: `${host} could not be reached: ${sentence}` }, { cause })
}

function refused(target: Target, verdict: Verdict | 'own'): Problem {
  const host = shown(target)
  const why = verdict === 'own' ? 'it is Patchbay itself, or the machine that Patchbay runs on' : 'its address is not a public one'
  const detail = `${host} may not be called: ${why} (${verdict}). The operator can list it in PATCHBAY_ALLOW_PRIVATE_ADDRESSES.`
  // The address itself stays out of the facts: what an internal name resolves to is not the caller's to learn.
  return new Problem('destination_not_allowed', { host, verdict, detail })
}

const systemLookup = (name: string): Promise<readonly Answer[]> => lookup(name, { all: true, verbatim: true })

function serverLookup(servers: readonly string[]): (name: string) => Promise<readonly Answer[]> {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 })
  resolver.setServers(servers)
  return async name => {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    // Most names have only one of the two; that is an answer. Both missing is not.
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason
    return [...(v4.status === 'fulfilled' ? v4.value : []), ...(v6.status === 'fulfilled' ? v6.value : [])].map(address => ({ address }))
  }
}

/** The first to settle of `work` and a timer. `work` is not cancelled: the system's resolver cannot be. */
async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const clock = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([work, clock])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Opens connections the guarded way (X03): look up → judge every answer → dial the judged address itself → judge the peer →
 * only then TLS or the request. Nothing is written to a peer that was not judged, not even a ClientHello.
 * No proxy of the environment is ever asked. TLS is 1.2 or newer, verified against the host name.
 * @throws Problem destination_not_allowed { host, verdict }, or upstream_unreachable / upstream_timeout with `sent: false`
 */
export function createConnect(options: ConnectOptions): (target: Target) => Promise<Socket> {
  const { allowPrivateAddresses: exceptions, connectMs = 5_000 } = options
  const resolve = options.resolve ?? (options.dnsServers?.length ? serverLookup(options.dnsServers) : systemLookup)
  const own = new Set(options.own)
  let context: SecureContext | undefined

  /**
   * Null when the address may be called for this target. A public address of this very machine is no outside either: a firewall that
   * stands before it for everybody else does not stand before us.
   */
  function refusal(target: Target, address: string, port: number): Verdict | 'own' | null {
    if (addressListed(address, port, exceptions)) return null
    const verdict = classifyAddress(address)
    if (verdict !== 'public') return verdict
    return own.has(`${target.hostname.replace(/\.$/, '')}:${target.port}`) || isOfThisMachine(address) ? 'own' : null
  }

  async function answersFor(target: Target): Promise<readonly Answer[]> {
    const { hostname } = target
    if (isIP(hostname)) return [{ address: hostname }]
    const late = () => unreachable(target, 'dns_timeout', 'looking up its name took too long.')
    let answers: readonly Answer[]
    try {
      answers = await within(dnsMs, resolve(hostname), late)
    } catch (error) {
      if (error instanceof Problem) throw error
      throw unreachable(target, codeOf(error), `looking up its name failed (${codeOf(error)}).`, error)
    }
    if (answers.length === 0) throw unreachable(target, 'ENODATA', 'its name has no address.')
    if (answers.length > mostAnswers) throw unreachable(target, 'dns_answers', `its name has more than ${mostAnswers} addresses.`)
    return answers
  }

  const dial = (target: Target, address: string, port: number, ms: number): Promise<Socket> =>
    new Promise((done, failed) => {
      const socket = connectTcp({ ...socketOptions, host: address, port })
      const fail = (error: Error) => {
        clearTimeout(timer)
        socket.destroy()
        failed(error)
      }
      const onError = (error: Error) => fail(unreachable(target, codeOf(error), `connecting failed (${codeOf(error)}).`, error))
      const timer = setTimeout(() => fail(timedOut(target)), ms)
      socket.once('error', onError)
      socket.once('connect', () => {
        const { remoteAddress = '', remotePort = 0 } = socket
        // 0.0.0.0 becomes 127.0.0.1 on the way, and translators may do worse: what counts is who answered.
        if (!sameAddress(remoteAddress, address) || !addressAllowed(remoteAddress, remotePort, exceptions))
          return fail(refused(target, classifyAddress(remoteAddress)))
        clearTimeout(timer)
        socket.off('error', onError)
        done(socket)
      })
    })

  const timedOut = (target: Target) => {
    const host = shown(target)
    const seconds = connectMs / 1000
    return new Problem('upstream_timeout', {
      host,
      seconds,
      sent: false,
      detail: `${host} did not accept a connection within ${seconds} seconds.`,
    })
  }

  const secure = (target: Target, socket: Socket, ms: number): Promise<Socket> =>
    new Promise((done, failed) => {
      const ca = options.extraCa === undefined ? {} : { ca: [...rootCertificates, options.extraCa] }
      // Reading 150 certificates takes milliseconds; once is enough.
      context ??= createSecureContext({ minVersion: 'TLSv1.2', ...ca })
      const tls = connectTls({
        socket,
        secureContext: context,
        host: target.hostname,
        // RFC 6066 §3: no addresses and no trailing dot in SNI. The certificate is held against the same name.
        ...(isIP(target.hostname) ? {} : { servername: target.hostname.replace(/\.$/, '') }),
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: true,
        ...buffer,
      })
      const fail = (error: Error) => {
        clearTimeout(timer)
        tls.destroy()
        failed(error)
      }
      const onError = (error: Error) => fail(unreachable(target, codeOf(error), `the TLS handshake failed (${codeOf(error)}).`, error))
      const onClose = () => fail(unreachable(target, 'tls_closed', 'it closed the connection during the TLS handshake.'))
      const timer = setTimeout(() => fail(timedOut(target)), ms)
      tls.once('error', onError)
      tls.once('close', onClose)
      tls.once('secureConnect', () => {
        clearTimeout(timer)
        tls.off('error', onError)
        tls.off('close', onClose)
        done(tls)
      })
    })

  async function reach(target: Target, answers: readonly Answer[], until: number): Promise<Socket> {
    let failure: Error | undefined
    for (const [index, { address, port = target.port }] of answers.entries()) {
      const left = until - performance.now()
      if (left <= 0) break
      try {
        // Half of what is left: an address that swallows packets leaves time for the next one.
        return await dial(target, address, port, index === answers.length - 1 ? left : left / 2)
      } catch (error) {
        if (error instanceof Problem && error.code === 'destination_not_allowed') throw error
        failure = error instanceof Error ? error : undefined
      }
    }
    throw failure ?? timedOut(target)
  }

  return async target => {
    const answers = await answersFor(target)
    for (const { address, port } of answers) {
      const verdict = refusal(target, address, port ?? target.port)
      if (verdict !== null) throw refused(target, verdict)
    }
    const until = performance.now() + connectMs
    const socket = await reach(target, answers, until)
    return target.secure ? secure(target, socket, Math.max(1, until - performance.now())) : socket
  }
}
