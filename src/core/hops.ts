import { Problem } from './problem.ts'

/**
 * Says how many Patchbays a call has come through. Every call made for somebody carries it, so that a circle (a connection or function
 * whose URL leads back to it, also by way of another Patchbay) ends; token requests do not.
 */
export const hopHeader = 'patchbay-hop'

/** A call through Patchbay to a function that calls through Patchbay is two; nobody has a reason for more. */
const mostHops = 3

/**
 * @param header  As it arrived; sent twice, the larger counts.
 * @throws Problem loop_detected
 */
export function hopsOf(header: string | readonly string[] | undefined): number {
  if (header === undefined) return 0
  const hops = Math.max(0, ...(String(header).match(/\d+/g) ?? []).map(Number))
  if (hops >= mostHops) throw new Problem('loop_detected', { hops })
  return hops
}
