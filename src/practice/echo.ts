import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { setTimeout as delay } from 'node:timers/promises'
import { percentEncode, type Pair } from '../core/request.ts'
import { tally, type Account } from './state.ts'
import { json, text, type Answer, type Exchange, type ParsedBody } from './exchange.ts'

/** Who calls, how they proved it, and which texts of the request are their secrets: those are never shown again. */
export interface Caller {
  readonly via: 'oauth2' | 'oauth1' | 'key' | 'basic' | 'open'
  readonly account: Account | null
  readonly tokenNumber: number | null
  readonly scopes: readonly string[]
  readonly secrets: readonly string[]
}

type Authenticate = (exchange: Exchange, body: ParsedBody | null) => Caller | Answer

const fingerprint = (secret: string): string => 'sha256:' + createHash('sha256').update(secret).digest('hex').slice(0, 16)

const number = (exchange: Exchange, name: string, fallback: number, largest: number): number => {
  const given = exchange.query.find(([own]) => own === name)?.[1]
  const value = given === undefined ? fallback : Number(given)
  return Number.isFinite(value) && value >= 0 ? Math.min(Math.floor(value), largest) : fallback
}

const parameter = (exchange: Exchange, name: string): string | undefined => exchange.query.find(([own]) => own === name)?.[1]

/** Everything behind a credential, by the first word after the door; `rest` is what follows. */
const resources: Readonly<
  Record<string, (exchange: Exchange, caller: Caller, body: ParsedBody, rest: string) => Answer | null | Promise<Answer | null>>
> = {
  echo: (exchange, caller, body) => json(200, echo(exchange, caller, body)),
  me: (_, { account }) => json(200, { id: account?.id ?? null, email: account?.email ?? null, name: account?.name ?? null }),
  scope: (_, { scopes }, __, rest) =>
    scopes.includes(rest)
      ? json(200, { scope: rest })
      : json(403, { error: 'insufficient_scope' }, { 'www-authenticate': `Bearer error="insufficient_scope"` }),
  slow: async exchange => {
    await delay(number(exchange, 'ms', 1000, 120_000), undefined, { ref: false })
    return json(200, { slow: true })
  },
  bytes: bytes,
  large: exchange => ({
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.alloc(number(exchange, 'n', 5 * 1024 * 1024, 64 * 1024 * 1024), 'x'),
  }),
  drip: drip,
  redirect: exchange =>
    text(number(exchange, 'status', 302, 399), 'text/plain', '', { location: parameter(exchange, 'to') ?? `${exchange.origin}/api/echo` }),
  status: (_, __, ___, rest) => {
    const status = /^[2-5]\d\d$/.test(rest) ? Number(rest) : 400
    return status === 204 || status === 304 ? { status, headers: {}, body: '' } : json(status, { status })
  },
  'html-error': () => text(502, 'text/html; charset=utf-8', '<!doctype html><title>502</title><h1>Bad Gateway</h1>'),
  '200-error': () => json(200, { ok: false, code: 602, error: 'something_went_wrong' }),
  '429': exchange => json(429, { error: 'rate_limited' }, { 'retry-after': parameter(exchange, 'after') ?? '1' }),
  truncated: ({ response, request }) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
    response.write('{"truncated":', () => request.socket.end())
    return null
  },
  gzip: (exchange, caller, body) => ({
    status: 200,
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', vary: 'accept-encoding' },
    body: gzipSync(JSON.stringify(echo(exchange, caller, body))),
  }),
}

/** One door: `/<door>/<resource>` with its own kind of credential. */
export const door = (name: string, authenticate: Authenticate) => async (exchange: Exchange) => {
  const [word = '', ...rest] = exchange.path.slice(name.length + 2).split('/')
  if (word === 'upload') return upload(exchange, authenticate)
  const resource = Object.hasOwn(resources, word) ? resources[word] : undefined
  if (!resource) return json(404, { error: 'not_found' })
  const body = await exchange.body()
  const caller = authenticate(exchange, body)
  if ('status' in caller) return caller
  tally(exchange.state.counters.api, caller.via, 'ok')
  return resource(exchange, caller, body, rest.join('/'))
}

/** The request as it arrived, with every secret of the caller replaced by the start of its SHA-256. */
function echo(exchange: Exchange, caller: Caller, body: ParsedBody) {
  const secrets = caller.secrets.flatMap(secret =>
    secret === ''
      ? []
      : ([
          [secret, secret],
          [percentEncode(secret), secret],
        ] as const),
  )
  const masked = (value: string): string => secrets.reduce((shown, [spelt, secret]) => shown.replaceAll(spelt, fingerprint(secret)), value)
  const maskedHeader = (name: string, value: string): string => {
    const shown = masked(value)
    return /^(proxy-)?authorization$|^cookie$/.test(name) && shown === value ? fingerprint(value) : shown
  }
  const headers = Object.entries(exchange.request.headers).map(([name, value]) => [name, maskedHeader(name, [value].flat().join(', '))])
  return {
    method: exchange.method,
    path: exchange.rawPath,
    query: grouped(exchange.query, masked),
    raw_query: masked(exchange.rawQuery),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body_type: body.type,
    body_bytes: body.bytes.length,
    body: shownBody(body, masked),
    account: caller.account?.email ?? null,
    via: caller.via,
    token_number: caller.tokenNumber,
    scopes: caller.scopes,
  }
}

/** One value as a text, several as a list. */
function grouped(pairs: readonly Pair[], masked: (value: string) => string): Record<string, string | string[]> {
  const groups = new Map<string, string[]>()
  for (const [name, value] of pairs) groups.set(name, [...(groups.get(name) ?? []), masked(value)])
  return Object.fromEntries([...groups].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]))
}

function shownBody(body: ParsedBody, masked: (value: string) => string): unknown {
  switch (body.type) {
    case 'empty':
      return null
    case 'json':
      return JSON.parse(masked(body.bytes.toString())) as unknown
    case 'form':
      return grouped(body.fields, masked)
    case 'multipart':
      return body.parts.map(({ name, filename, contentType, bytes }) => ({
        name,
        filename,
        content_type: contentType,
        bytes: bytes.length,
        ...(filename === null ? { text: masked(bytes.toString()) } : { base64: bytes.toString('base64') }),
      }))
    case 'text':
      return masked(body.bytes.toString())
    case 'binary':
      return { base64: body.bytes.toString('base64') }
    default:
      return body.type satisfies never
  }
}

/** Streams `n` bytes of `x`, no faster than the caller reads. */
async function bytes(exchange: Exchange): Promise<null> {
  const { response } = exchange
  let left = number(exchange, 'n', 1024, 1024 * 1024 * 1024)
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left })
  const chunk = Buffer.alloc(64 * 1024, 'x')
  while (left > 0 && !response.destroyed) {
    const piece = chunk.subarray(0, left)
    left -= piece.length
    if (!response.write(piece)) await drained(exchange)
  }
  response.end()
  return null
}

const drained = ({ response }: Exchange): Promise<void> =>
  new Promise(resolve => {
    const go = () => {
      response.off('drain', go).off('close', go)
      resolve()
    }
    response.on('drain', go).on('close', go)
  })

/** `n` bytes, one every `ms` milliseconds, without a length. */
async function drip(exchange: Exchange): Promise<null> {
  const { response } = exchange
  response.writeHead(200, { 'content-type': 'text/plain' })
  for (let left = number(exchange, 'n', 10, 10_000); left > 0 && !response.destroyed; left--) {
    response.write('x')
    await delay(number(exchange, 'ms', 100, 10_000), undefined, { ref: false })
  }
  response.end()
  return null
}

/** Counts and hashes a body of any size without keeping it; the credential is not looked for inside. */
async function upload(exchange: Exchange, authenticate: Authenticate): Promise<Answer> {
  const caller = authenticate(exchange, null)
  if ('status' in caller) return caller
  const hash = createHash('sha256')
  let length = 0
  for await (const piece of exchange.request as AsyncIterable<Buffer>) {
    length += piece.length
    hash.update(piece)
  }
  tally(exchange.state.counters.api, caller.via, 'ok')
  return json(200, { bytes: length, sha256: hash.digest('hex'), via: caller.via, token_number: caller.tokenNumber })
}
