import { setTimeout } from 'node:timers/promises'

/** Waits between two questions: a moment at least, a minute at most, whatever the other side asked for. */
export const pause = (seconds: number): Promise<void> => setTimeout(Math.min(Math.max(seconds, 0.2), 60) * 1000)
