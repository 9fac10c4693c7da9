import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { Readable } from 'node:stream'
import type { Broker } from '../broker/broker.ts'
import { uncountedBytes, type HeldBytes, type Hold } from '../core/held-bytes.ts'
import { keepPiece } from '../core/pieces.ts'
import { Problem } from '../core/problem.ts'

/* Bodies of callers that are read whole, and answers that wait to be read by them, as far as they are large: `core/held-bytes.ts`. */

/** How long a caller with a large body waits for room. */
const waitMs = 30_000

/** Who reads the whole of a body, and what for. */
export interface Reading {
  readonly most: number
  readonly requests: HeldBytes
  /** '' while nobody knows: they share one share. */
  readonly organizationId: string
  readonly response: ServerResponse
  /** What becomes of it weighs so many times as much. */
  readonly weight?: number
  /** Says of one that is longer than `most` what to do. */
  readonly tooLong?: string
}

const busy = () =>
  new Problem('large_bodies_busy', {
    sent: false,
    retry_after: 5,
    detail:
      'The body of the request is large, and this server had no room for it in time: it holds many large ones. Try again after as many seconds as Retry-After says, or call through the proxy, which passes a body on as it comes.',
  })

const heldBy = new WeakMap<IncomingMessage, Hold>()

/** @throws Problem request_too_large, large_bodies_busy; malformed_request when the caller leaves before its end */
export const readBody = (
  message: IncomingMessage,
  { most, requests, organizationId, response, weight = 1, tooLong }: Reading,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const tooLarge = () => new Problem('request_too_large', tooLong === undefined ? {} : { detail: tooLong })
    const announced = Number(message.headers['content-length'] ?? 0)
    if (announced > most) return reject(tooLarge())
    const pieces: Buffer[] = []
    let room: Buffer | null = null
    let size = 0
    let over = false
    const fail = (problem: Problem) => {
      over = true
      pieces.length = 0
      heldBy.get(message)?.release()
      reject(problem)
    }
    /** All of it at once: one that waits with a part of it would keep the others from theirs. */
    const hold = (): Hold => {
      let timer: NodeJS.Timeout | undefined
      const length = weight * (announced > 0 ? announced : most)
      const one = requests.hold(organizationId, length, () => {
        clearTimeout(timer)
        message.resume()
      })
      heldBy.set(message, one)
      response.once('close', () => {
        clearTimeout(timer)
        one.release()
      })
      if (!one.reach(length)) {
        message.pause()
        timer = setTimeout(() => fail(busy()), waitMs)
      }
      return one
    }
    message
      .on('data', (chunk: Buffer) => {
        if (over) return
        size += chunk.length
        if (size > most) return fail(tooLarge())
        room = keepPiece(pieces, chunk, room)
        if (size > uncountedBytes && !heldBy.has(message)) hold()
      })
      .on('end', () => {
        if (over) return
        if (size > uncountedBytes) settleBody(message, weight * size)
        resolve(Buffer.concat(pieces))
      })
      .on('close', () => void (message.complete || fail(new Problem('malformed_request'))))
  })

/** What is left of a body weighs so much from now on. */
export const settleBody = (message: IncomingMessage, bytes: number): void => heldBy.get(message)?.settle(bytes)

export const releaseBody = (message: IncomingMessage): void => heldBy.get(message)?.release()

const unread = new WeakMap<Socket, Set<Hold>>()

/** The answer in memory is the caller's to read: what it holds is given back when that has happened, or the caller is gone. */
export function handOver(hold: Hold, response: ServerResponse): void {
  const { socket } = response.req
  if (response.destroyed || socket.destroyed) return hold.release()
  let holds = unread.get(socket)
  if (!holds) unread.set(socket, (holds = new Set()))
  holds.add(hold)
  response.once('close', () => {
    holds.delete(hold)
    hold.release()
  })
}

/** Whether others wait for room that this caller would free by reading. */
export function inTheWay(socket: Socket): boolean {
  for (const hold of unread.get(socket) ?? []) if (hold.inTheWay()) return true
  return false
}

/** This caller is cut: what it left unread is nobody's. */
export function forgetUnread(socket: Socket): void {
  for (const hold of unread.get(socket) ?? []) hold.release()
}

/** The router's parsers read bodies by themselves; what may be large is read here, and handed to them. */
export function registerBodies(app: FastifyInstance, { bodies }: Pick<Broker, 'bodies'>, maxBodyBytes: number): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    const announced = Number(length ?? 0)
    if ((coding === undefined && announced <= uncountedBytes) || request.is404 || request.method === 'GET') return payload
    const most = request.routeOptions.bodyLimit ?? maxBodyBytes
    if (announced > most) return payload
    const organizationId = request.caller?.principal.organizationId ?? ''
    try {
      // as text, as what is in it, and as what is made of that
      const bytes = await readBody(request.raw, { most, requests: bodies.requests, organizationId, response: reply.raw, weight: 3 })
      return Object.assign(Readable.from([bytes]), { receivedEncodedLength: bytes.length })
    } catch (error) {
      // as the router itself does: the caller may send more
      void reply.header('connection', 'close')
      throw error
    }
  })
}
