const withinMs = 10_000

/**
 * Whether something answers 200 at this address, from here.
 * @returns null when it does; else why not, in a few words.
 */
export async function reachable(url: string): Promise<string | null> {
  try {
    const { status } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(withinMs) })
    return status === 200 ? null : `status ${status}`
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
    return error instanceof Error && error.name === 'TimeoutError' ? `no answer in ${withinMs / 1000} s` : 'no connection'
  }
}
