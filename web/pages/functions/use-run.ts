import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { FunctionRun, InfoLine } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import type { FunctionPath } from './function-queries.ts'

export interface Running {
  readonly state: 'idle' | 'running' | 'done' | 'cancelled' | 'refused'
  readonly info: readonly InfoLine[]
  /** Lines beyond those shown. */
  readonly more: number
  readonly result: FunctionRun | null
  /** The result as it was received: numbers keep their digits. */
  readonly text: string
  readonly error: unknown
}

/** More lines than these slow a page down; the log of the run has the rest. */
export const mostLines = 1000
const drawEveryMs = 80

const nothing: Running = { state: 'idle', info: [], more: 0, result: null, text: '', error: null }

/** One run at a time, told line by line; it ends when the page is left. */
export function useRun(path: FunctionPath) {
  const queries = useQueryClient()
  const [running, setRunning] = useState<Running>(nothing)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])

  const start = async (given: () => Promise<Record<string, unknown>>): Promise<FunctionRun | null> => {
    stop.current?.abort()
    const control = new AbortController()
    stop.current = control
    setRunning({ ...nothing, state: 'running' })
    const info: InfoLine[] = []
    let count = 0
    let drawn = 0
    const draw = () => {
      if (count === drawn) return
      drawn = count
      setRunning(before => ({ ...before, info: [...info], more: count - info.length }))
    }
    const drawing = setInterval(draw, drawEveryMs)
    const onInfo = (line: InfoLine) => {
      count++
      if (info.length < mostLines) info.push(line)
    }
    let text = ''
    try {
      const values = await given()
      const options = { signal: control.signal, onText: (received: string) => (text = received) }
      const result = await patchbay.functions.runStreaming(path.namespace, path.name, values, onInfo, options)
      if (stop.current === control) setRunning({ state: 'done', info, more: count - info.length, result, text, error: null })
      return result
    } catch (error) {
      if (stop.current !== control) return null
      const state = control.signal.aborted ? 'cancelled' : 'refused'
      setRunning({ state, info, more: count - info.length, result: null, text: '', error: state === 'cancelled' ? null : error })
      return null
    } finally {
      clearInterval(drawing)
      // the log is written in batches, a moment later
      setTimeout(() => {
        void queries.invalidateQueries({ queryKey: ['functions', 'list'] })
        void queries.invalidateQueries({ queryKey: ['functions', 'runs'] })
      }, 1200)
    }
  }

  return {
    running,
    start,
    cancel: () => stop.current?.abort(),
  }
}
