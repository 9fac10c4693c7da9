import { setTimeout } from 'node:timers/promises'

/** Waits between two questions: a moment at least, a minute at most, whatever the other side asked for. */
export const pause = (seconds: number): Promise<void> => setTimeout(Math.min(Math.max(seconds, 0.2), 60) * 1000)

/** What a person is to do in a browser may take ten minutes; the server ends it. Not read off `expires_at`: this machine's clock may be another. */
export const browserMs = 10 * 60_000
