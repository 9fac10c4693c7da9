import type { Hold } from '../core/held-bytes.ts'
import type { Problem } from '../core/problem.ts'

/** Bounds of a call whose answer is read whole. */
export interface SendLimits {
  /** From the call of `send` to the last byte, whatever happens in between: waiting, looking up, connecting. 40 s. */
  readonly deadlineMs: number
  /** As they come over the wire; 15 MiB. */
  readonly maxResponseBytes: number
  /** After gzip and the like; 15 MiB. */
  readonly maxDecodedBytes: number
  /** Handed, before anything is sent, the function that gives the call up; it does nothing once the call has ended. An AbortSignal would cost 10 µs. */
  readonly onStart?: (giveUp: () => void) => void
  /** Handed what a large answer holds, to be released once nobody has it any more. Left out, that is when `send` ends. */
  readonly onHold?: (hold: Hold) => void
}

/** Bounds of a call whose answer is passed on as it comes. */
export interface StreamLimits {
  /** From the start, and again from each piece of a request body, to the head of the answer. */
  readonly firstByteMs: number
  /** Between two pieces of the answer. A receiver that paused is given until `maxSeconds`. */
  readonly idleMs: number
  readonly maxSeconds: number
  readonly maxBytes: number
}

/** Takes a streamed answer. Exactly one of `onEnd` and `onError` ends it, unless it was aborted: then nothing more is called. */
export interface Receiver {
  /** `headers` is flat, latin-1, names as the service wrote them. False pauses. */
  onHead(status: number, headers: readonly string[]): boolean | void
  /** False pauses until `resume`. */
  onData(chunk: Buffer): boolean
  onEnd(): void
  onError(problem: Problem): void
}
