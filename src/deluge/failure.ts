/**
 * Why a script ended. `failed` and `call` may be caught by the script (ST-7); `limit` and `cancelled` never: a script that has used up
 * what it may use is over.
 */
export type FailureKind = 'failed' | 'call' | 'limit' | 'cancelled'

/** A failure with a sentence for the author of the script. The interpreter fills in `line` where the script stands. */
export class Failure extends Error {
  readonly kind: FailureKind
  /** From 1; 0 while nobody has said. */
  line = 0
  /** What the host wants the caller to see: for example the address at which a person authorises a connection. */
  readonly facts: Readonly<Record<string, string>>

  constructor(message: string, kind: FailureKind = 'failed', facts: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'Failure'
    this.kind = kind
    this.facts = facts
  }
}
