import { useState } from 'react'
import type { Method } from '../../../sdk/index.ts'
import { methods } from './try-request.ts'

/** A request that was sent: no headers, no body, never its answer. */
export interface Sent {
  readonly method: Method
  readonly url: string
}

const most = 12

const isSent = (value: unknown): value is Sent =>
  typeof value === 'object' &&
  value !== null &&
  'method' in value &&
  'url' in value &&
  typeof value.url === 'string' &&
  methods.some(one => one === value.method)

function read(key: string): readonly Sent[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isSent).slice(0, most) : []
  } catch {
    return [] // storage may be switched off, or hold what somebody else put there
  }
}

function write(key: string, sent: readonly Sent[]): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(sent))
  } catch {
    // full or switched off: the menu then lasts as long as the page
  }
}

/** The last requests of one person through one connection, as long as the tab is open. */
export function useSent(userId: string, linkName: string): readonly [sent: readonly Sent[], remember: (one: Sent) => void] {
  const key = `patchbay:tried:${userId}:${linkName}`
  const [sent, setSent] = useState(() => read(key))
  const remember = ({ method, url }: Sent) => {
    setSent(before => {
      const after = [{ method, url }, ...before.filter(one => one.method !== method || one.url !== url)].slice(0, most)
      write(key, after)
      return after
    })
  }
  return [sent, remember]
}
