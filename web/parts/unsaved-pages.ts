/* Apart from the dialog that asks: every page needs to know, and few ever ask. */

const guards = new Set<symbol>()

/** Whether leaving the page would ask first. */
export const isUnsaved = (): boolean => guards.size > 0

/** From now on it would; returns how it no longer does. */
export const noteUnsaved = (): (() => void) => {
  const guard = Symbol('unsaved')
  guards.add(guard)
  return () => void guards.delete(guard)
}
