import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { PatchbayProblem, type Invocation, type InvocationQuery } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'

export type LiveState = 'connecting' | 'live' | 'paused' | 'waiting'

export interface Live {
  readonly state: LiveState
  /** Newest first; of those since the list was fetched. */
  readonly rows: readonly Invocation[]
  /** Why it waits before it tries again. */
  readonly reason: string | null
}

/** Kept and shown; older ones are in the list. */
export const mostLiveRows = 500
/** Rows that came in between are drawn together. */
const drawEveryMs = 300
const firstWaitMs = 1000
const mostWaitMs = 30_000

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** Calls as they happen, while `on` and the page can be seen. Comes back by itself, and has the list asked for again for what it missed. */
export const useLive = (on: boolean, query: InvocationQuery): Live => {
  const { connection, user, status } = query
  const queries = useQueryClient()
  const [rows, setRows] = useState<readonly Invocation[]>([])
  const [state, setState] = useState<LiveState>('connecting')
  const [reason, setReason] = useState<string | null>(null)
  const wasOn = useRef(false)

  useEffect(() => {
    setReason(null)
    if (!on && wasOn.current) {
      wasOn.current = false
      // what came in stays on the screen until the list has it
      let over = false
      const listed = queries.refetchQueries({ queryKey: ['invocations', 'list'], type: 'active' }, { throwOnError: true })
      listed.then(
        () => over || setRows([]),
        () => {}, // the list says so itself
      )
      return () => {
        over = true
      }
    }
    setRows([])
    wasOn.current = on
    if (!on) return
    let stop = new AbortController()

    const follow = async (signal: AbortSignal) => {
      let wait = firstWaitMs
      setState('connecting')
      while (!signal.aborted) {
        let fresh: Invocation[] = []
        const draw = setInterval(() => {
          if (fresh.length === 0) return
          const taken = fresh.reverse()
          fresh = []
          setRows(before => [...taken, ...before].slice(0, mostLiveRows))
        }, drawEveryMs)
        try {
          let onOpen = () => {}
          const opened = new Promise<void>(resolve => (onOpen = resolve))
          const stream = patchbay.invocations.stream({ connection, user, status, signal, onOpen })
          const first = stream.next()
          await Promise.race([opened, first])
          setState('live')
          setReason(null)
          wait = firstWaitMs
          // what happened between two streams; when it fails, the list says so itself
          void queries.refetchQueries({ queryKey: ['invocations', 'list'], type: 'active' })
          for (let next = await first; !next.done; next = await stream.next()) fresh.push(next.value)
        } catch (error) {
          if (signal.aborted) return
          setReason(error instanceof PatchbayProblem ? error.detail : 'Patchbay could not be reached.')
          if (error instanceof PatchbayProblem && error.retryAfterSeconds !== null) wait = error.retryAfterSeconds * 1000
        } finally {
          clearInterval(draw)
        }
        if (signal.aborted) return
        setState('waiting')
        await pause(wait, signal)
        wait = Math.min(wait * 2, mostWaitMs)
      }
    }

    const start = () => {
      stop.abort()
      if (document.hidden) {
        setState('paused')
        return
      }
      stop = new AbortController()
      void follow(stop.signal)
    }
    start()
    document.addEventListener('visibilitychange', start)
    return () => {
      document.removeEventListener('visibilitychange', start)
      stop.abort()
    }
  }, [on, connection, user, status, queries])

  return { state, rows, reason }
}
