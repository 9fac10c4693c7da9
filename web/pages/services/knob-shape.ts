import type { AuthType } from '../../../sdk/index.ts'

/** Which boxes a value takes. */
export type Shape =
  | { readonly kind: 'text'; readonly max?: number }
  | { readonly kind: 'number'; readonly min?: number; readonly max?: number }
  | { readonly kind: 'switch' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  /** A text, a number, a truth value or null: typed as JSON, a text without its quotes. */
  | { readonly kind: 'scalar' }
  | { readonly kind: 'list'; readonly of: Shape }
  /** One text, or several. */
  | { readonly kind: 'texts' }
  /** A value for each name; only these names, where they are known. */
  | { readonly kind: 'map'; readonly of: Shape; readonly names?: readonly string[] }
  /** One value for everything, or one for each of these names. */
  | { readonly kind: 'each'; readonly of: Shape; readonly names: readonly string[] }
  | { readonly kind: 'object'; readonly fields: readonly ShapedField[] }

export interface ShapedField {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly required: boolean
  readonly shape: Shape
}

/** A knob of `advanced`, with everything that a form needs to know. */
export interface Knob {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly shape: Shape
}

export interface KnobGroup {
  readonly title: string
  readonly authTypes: readonly AuthType[]
  readonly knobs: readonly Knob[]
}
