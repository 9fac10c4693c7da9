import { AsyncLocalStorage } from 'node:async_hooks'

/** Where better-auth keeps what all its copies in a process share. */
const shared = Symbol.for('better-auth:global')

/** The storages that better-auth has made so far. */
export function contextStorages(): AsyncLocalStorage<unknown>[] {
  const { context = {} } = (Reflect.get(globalThis, shared) ?? {}) as { context?: Readonly<Record<string, unknown>> }
  return Object.values(context).filter(one => one instanceof AsyncLocalStorage)
}

let underWay = 0

/**
 * Every call of better-auth goes through here. It hands its context on in `AsyncLocalStorage`s, and from the first use of one Node before
 * version 24 keeps account of every promise and socket of the process: calls through connections cost a tenth more CPU from the first
 * sign-in on (bench/RESULTS.md). So they are let go of when nobody is inside; the next call takes them up again by itself.
 */
export async function inBetterAuth<T>(call: () => Promise<T>): Promise<T> {
  underWay++
  try {
    return await call()
  } finally {
    if (--underWay === 0) for (const storage of contextStorages()) storage.disable()
  }
}
