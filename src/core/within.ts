import { Problem } from './problem.ts'

/**
 * The result of `work` when it comes in time; otherwise `storage_unavailable`, while the work goes on and its end is of no interest any more.
 * For lookups on the way of a call: a database that hangs is to cost its callers two seconds, not the five that a long statement may take.
 */
export async function storageWithin<T>(work: Promise<T>, ms = 2_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Problem('storage_unavailable', { retry_after: 2 })), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
