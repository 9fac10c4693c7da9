import { lineAndColumn } from './ast.ts'
import type { Context } from './builtins/define.ts'
import type { Finding } from './finding.ts'
import type { FunctionSource, Surroundings } from './host.ts'
import type { Meter } from './limits.ts'
import type { Value } from './value.ts'

/** The variables of one call, by the places that the compiler gave them. `undefined` is what nobody has given a value. */
export type Slots = (Value | undefined)[]

/** An expression, compiled. */
export type Code = (slots: Slots, run: Run) => Value

/** A condition, compiled. */
export type Test = (slots: Slots, run: Run) => boolean

/** How a statement ended. */
export const proceed = 0
export const broke = 1
export const continued = 2
export const returned = 3
export type Completion = typeof proceed | typeof broke | typeof continued | typeof returned

/** A statement, compiled. */
export type Step = (slots: Slots, run: Run) => Completion

export interface CompiledParameter {
  readonly name: string
  /** The declared type as written, or null. */
  readonly type: string | null
  readonly slot: number
}

export interface CompiledFunction {
  readonly program: Program
  readonly namespace: string
  readonly name: string
  /** Offset of its header. */
  readonly start: number
  /** As its header names it, for messages; "" for what stands outside functions. Whose function it is, only the host says. */
  readonly title: string
  /** What its header says it returns, as written; null for what stands outside functions. */
  readonly returns: string | null
  readonly parameters: readonly CompiledParameter[]
  /** What the variables are when it begins: null what is assigned somewhere in it, undefined what is not. */
  blank: Slots
  /** Where arguments go that are no parameters: the variables of a script without a header. */
  slots: ReadonlyMap<string, number>
  /** Where `input` itself is kept, or -1 when it is never read. */
  inputSlot: number
  body: Step
}

/** A compiled script. Nothing of a run is in it: it may be run again and again, and by itself while it runs. */
export interface Program {
  readonly source: string
  /** What is wrong with it; a program with errors fails before its first statement. */
  readonly errors: readonly Finding[]
  /** By lower-case `namespace.name`. */
  readonly functions: ReadonlyMap<string, CompiledFunction>
  /** What runs when no function is named: what stands outside functions, or the first function when nothing does. */
  readonly main: CompiledFunction
}

/** A function of the host, compiled, with the name the host knows it by. */
export interface NamedFunction {
  readonly called: CompiledFunction
  readonly from: string
}

/** One run: what its compiled code works with. */
export interface Run {
  readonly meter: Meter
  readonly surroundings: Surroundings
  /**
   * `from` is the name under which the host knows the function that is running. Never what a header says: its author answers for the calls
   * made from it, and a header may name another's.
   */
  readonly context: Context & { from: string }
  /** Offset of what is being done, in the source of `program`. Set before everything that may fail. */
  at: number
  program: Program
  /** Offset in the program that began, of the call by which another program is running; -1 while none is. */
  calledAt: number
  /** What `return` left. */
  result: Value
  /** Whether the last `return` had a value. */
  hasResult: boolean
  /** The variables of every call that has not ended, for the memory limit. */
  readonly frames: Slots[]
  /** Functions of the host, once looked up. */
  readonly named: Map<string, NamedFunction | null>
  readonly compiled: (source: FunctionSource) => Program
  readonly info: (line: string) => void
}

/** Line, from 1, of an offset. */
export const lineOf = (program: Program, offset: number): number => lineAndColumn(program.source, offset).line
