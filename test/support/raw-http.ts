import { request as httpRequest, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { adminKey } from './patchbay.ts'

/* Requests as they are written, for tests of what `fetch` would put right or hide. */

export interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** The body as JSON. */
  readonly json: Record<string, unknown>
}

export interface Asked {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Buffer
  /** Without a length, so that it is chunked. */
  chunks?: readonly (string | Buffer)[]
  key?: string | null
}

/** The target goes out as it stands, dots, backslashes and all, which `fetch` would put right. */
export function open(base: string, target: string, { method = 'GET', headers = {}, body, key = adminKey }: Asked): ClientRequest {
  const { hostname, port } = new URL(base)
  return httpRequest({
    host: hostname,
    port,
    path: target,
    method,
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      ...headers,
    },
  })
}

export const headOf = (call: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    call.once('response', resolve)
    call.once('error', reject)
  })

export async function received(response: IncomingMessage): Promise<Received> {
  const pieces: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece)
  const body = Buffer.concat(pieces)
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(body.toString()) as Record<string, unknown>
  } catch {
    // not JSON: the bytes are there
  }
  return { status: response.statusCode ?? 0, headers: response.headers, rawHeaders: response.rawHeaders, body, json }
}

export async function ask(base: string, target: string, asked: Asked = {}): Promise<Received> {
  const call = open(base, target, asked)
  const head = headOf(call)
  for (const chunk of asked.chunks ?? []) call.write(chunk)
  call.end(asked.body)
  return received(await head)
}

export const problemOf = ({ status, headers, json }: Received) => `${status} ${String(headers['patchbay-problem'])} ${String(json['code'])}`
export const refusedWith = (status: number, code: string) => `${status} ${code} ${code}`
