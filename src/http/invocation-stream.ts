import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Broker, Caller } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'
import { keyEndsAt } from '../people/api-keys.ts'
import { membership } from '../people/members.ts'
import { sessionIsLive } from '../people/sessions.ts'
import { listInvocations, type InvocationFilter, type InvocationRow } from '../storage/invocations.ts'
import { encodeCursor } from '../storage/page.ts'
import type { PageRequest } from '../storage/page.ts'

/*
 * New rows of the invocation log as server-sent events (HTML Standard §9.2). The log is read again and again: rows of other instances
 * arrive up to a second late and out of order, so each look goes back a little, and what was sent is remembered.
 */

const lookEveryMs = 1_000
const heartbeatMs = 15_000
const overlapMs = 5_000
/** Rows per look. Beyond, `more` says that the list has what the stream left out. */
const rowsPerLook = 500
/** On one instance: each costs a query a second. */
const mostStreams = 50
/** A browser that lost its stream is given what it missed, up to this far back. */
const resumeMs = 5 * 60_000

export type StreamFilter = Omit<InvocationFilter, keyof PageRequest | 'since' | 'until'>
type Row = InvocationRow & { readonly user_name: string | null }

export interface InvocationStreams {
  /** Server-sent events until the reader goes, the caller may no longer see them, or the server stops. @throws Problem too_many_requests */
  open(
    caller: Caller,
    filter: StreamFilter,
    resumeAt: Date | null,
    shown: (row: Row) => unknown,
    reader: Pick<ServerResponse, 'once'>,
  ): Readable
  closeAll(): void
}

export function createInvocationStreams(broker: Broker, ready: () => boolean): InvocationStreams {
  const open = new Map<AbortController, Caller>()
  broker.calls.onChange(change => {
    for (const [controller, { principal }] of open) {
      const concerned =
        change === null ||
        (change.kind === 'member' && change.id === principal.userId) ||
        (change.kind === 'key' && change.id === principal.key?.id) ||
        (change.kind === 'session' && change.id === principal.sessionId) ||
        (change.kind === 'organization' && change.id === principal.organizationId)
      // it may have been about what they see: the browser asks again, and is judged again
      if (concerned) controller.abort()
    }
  })

  /** Until when they may, in milliseconds since 1970, as far as is known: a session is made longer by being used. */
  const mayStillSee = async ({ principal }: Caller): Promise<number> => {
    if (principal.sessionId !== null && !(await sessionIsLive(broker.people, principal.sessionId))) return -Infinity
    if ((await membership(broker.people, principal.userId, principal.organizationId)) !== principal.role) return -Infinity
    return principal.key === null ? Infinity : keyEndsAt(broker.people, principal.key.id)
  }

  async function* events(
    signal: AbortSignal,
    caller: Caller,
    filter: StreamFilter,
    resumeAt: Date | null,
    shown: (row: Row) => unknown,
  ): AsyncGenerator<string> {
    const { organizationId } = caller.principal
    const sent = new Map<string, number>()
    let startedAt = resumeAt ? Math.max(resumeAt.getTime(), broker.now() - resumeMs) : broker.now()
    let since = new Date(startedAt)
    let checkedAt = broker.monotonic()
    yield `retry: 3000\n: connected\n\n`
    let endsAt = await mayStillSee(caller)
    while (!signal.aborted && ready() && broker.now() < endsAt) {
      await broker.invocations.flush()
      // a clock that was set back: what happens now is not older than the stream
      if (broker.now() < since.getTime()) since = new Date((startedAt = broker.now() - overlapMs))
      const { data, next_cursor } = await listInvocations(broker.db, organizationId, {
        ...filter,
        since,
        until: null,
        limit: rowsPerLook,
        cursor: null,
      })
      const fresh = data.filter(row => !sent.has(row.id)).reverse()
      for (const row of fresh) {
        if (signal.aborted) return
        sent.set(row.id, row.at.getTime())
        yield `id: ${encodeCursor([row.at.toISOString(), row.id])}\nevent: invocation\ndata: ${JSON.stringify(shown(row))}\n\n`
      }
      if (next_cursor !== null && fresh.length > 0) yield `event: more\ndata: {}\n\n`
      since = new Date(Math.max(startedAt, broker.now() - overlapMs))
      for (const [id, at] of sent) if (at < since.getTime()) sent.delete(id)
      if (broker.monotonic() - checkedAt >= heartbeatMs) {
        endsAt = await mayStillSee(caller)
        if (broker.now() >= endsAt) return
        checkedAt = broker.monotonic()
        yield `: still here\n\n`
      }
      await delay(Math.min(lookEveryMs, Math.max(0, endsAt - broker.now())), undefined, { signal, ref: false }).catch(() => {})
    }
  }

  return {
    open(caller, filter, resumeAt, shown, reader) {
      if (open.size >= mostStreams)
        throw new Problem('too_many_requests', { retry_after: 30, detail: 'Too many streams are open. Close one, or ask for the list.' })
      const controller = new AbortController()
      const stream = Readable.from(events(controller.signal, caller, filter, resumeAt, shown), {
        objectMode: false,
        highWaterMark: 64 * 1024,
      })
      open.set(controller, caller)
      // a generator hears of the stream's end when it next yields: with the next heartbeat
      reader.once('close', () => controller.abort())
      stream.once('close', () => {
        open.delete(controller)
        controller.abort()
      })
      return stream
    },
    closeAll() {
      for (const controller of open.keys()) controller.abort()
    },
  }
}
