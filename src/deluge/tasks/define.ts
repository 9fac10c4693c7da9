import type { Context, ParameterName, ResultType } from '../builtins/define.ts'
import type { Value } from '../value.ts'

/**
 * How the value of an attribute is written. `constant`: one of the words in `words`, bare or quoted (`type: GET`). `name`: a bare name that
 * no variable has is itself, a variable is its value (`connection: mailchimp`, CON-6, CON-7). Otherwise an expression of that type.
 */
export interface AttributeType {
  readonly type: ParameterName | 'constant' | 'name'
  readonly words?: readonly string[]
  readonly required?: true
  readonly doc: string
}

/** A task with attributes in brackets: `invokeurl [ url: … ]`. */
export interface Task {
  readonly doc: string
  readonly gives: ResultType
  /** Lower-case names, spaces single: "content-type", "reply to". */
  readonly attributes: Readonly<Record<string, AttributeType>>
  /** The attributes written, converted to their types, under their lower-case names. An attribute left out is absent. */
  readonly run: (context: Context, attributes: Readonly<Record<string, Value>>) => Value
  readonly example: string
}

/** Lower-case name → task. */
export type Tasks = Readonly<Record<string, Task>>
