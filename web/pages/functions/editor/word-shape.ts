/** An attribute of a task written in brackets. */
export interface Attribute {
  readonly name: string
  readonly doc: string
  /** What it may be, where it is one of a few words. */
  readonly words?: readonly string[]
}

/** A name that the language knows, as completion and hover documentation show it. */
export interface Word {
  readonly name: string
  /** `method`: behind a value; `function`: by itself; `task`: with attributes in brackets; `unavailable`: of another host. */
  readonly kind: 'method' | 'function' | 'task' | 'variable' | 'unavailable'
  /** What a method stands behind: "text", "date-time". */
  readonly of?: string
  readonly signature: string
  readonly doc: string
  readonly aliases?: readonly string[]
  readonly attributes?: readonly Attribute[]
}
