import type { CheckResult } from '../deluge/check.ts'
import type { FailureKind } from '../deluge/failure.ts'
import type { FunctionSource, Host, Surroundings } from '../deluge/host.ts'
import type { Limits } from '../deluge/limits.ts'
import type { FunctionName } from '../deluge/rename.ts'
import type { RunResult } from '../deluge/run.ts'
import type { Value } from '../deluge/value.ts'
import type { Bytes, Reply } from './reply.ts'
import type { Asker } from './turns.ts'

/** A function and what it is run with. Values cross as they are: the structured clone keeps bigints, maps and bytes. */
export interface Job {
  readonly asker: Asker
  /** Compiled once per (id, revision) and thread. */
  readonly function: FunctionSource & { readonly namespace: string; readonly name: string }
  readonly arguments: ReadonlyMap<string, Value>
  readonly limits: Limits
  readonly surroundings: Surroundings
  /** Whether what it gives is written as the reply to a public call as well. */
  readonly replies: boolean
}

/** What a function gave. It leaves its thread as text: to copy and to write a large one would hold up everybody on the other side. */
export interface Written {
  /** JSON. Long numbers and decimals keep their digits, a file is its name, type, size and bytes in base64. */
  readonly json: Bytes
  readonly reply: Reply | null
}

export type Finished = Omit<RunResult, 'output'> & {
  /** Null for a run that failed. */
  readonly written: Written | null
}

/** What was checked, and what there is to say about it. */
export type Checked = Omit<CheckResult, 'script'> & { readonly source: string }

/** A function and its next name. */
export interface Rename {
  readonly from: FunctionName
  readonly to: FunctionName
}

/** What a thread is asked to do, one thing at a time. */
export type Work =
  | { readonly kind: 'run'; readonly job: Omit<Job, 'asker'> }
  | {
      readonly kind: 'check'
      readonly source: string
      readonly precedence: Surroundings['precedence']
      readonly known: readonly string[] | null
      readonly namespace: string | null
      readonly rename: Rename | null
    }

/** A question to the host: the thread sleeps until `Answer` has come. */
export type Question = {
  readonly [M in keyof Host]: { readonly kind: 'ask'; readonly id: number; readonly method: M; readonly values: Parameters<Host[M]> }
}[keyof Host]

/** `id` is the question's: an answer that comes after its script has given up must not reach the next one. */
export type Answer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly failure: { readonly message: string; readonly kind: FailureKind; readonly facts: Readonly<Record<string, string>> } }
)

/** What a thread says. */
export type Message =
  | Question
  | { readonly kind: 'info'; readonly line: string; readonly at: number }
  | { readonly kind: 'ran'; readonly result: Finished }
  | { readonly kind: 'checked'; readonly result: Checked }

/** Places in the memory both sides see: how often the thread was woken, and whether its run shall end. */
export const control = { woken: 0, cancelled: 1, size: 2 } as const
