import { NumberInput, Select, TagsInput, TextInput } from '@mantine/core'
import type { Shape } from './knob-shape.ts'

/** A value of a knob and its boxes. */
export interface KnobBox<S extends Shape = Shape> {
  readonly shape: S
  readonly value: unknown
  /** Undefined: nothing is said. */
  readonly onChange: (value: unknown) => void
  /** What the box is, for those who do not see where it stands. */
  readonly label: string
  /** The dotted path of this value, as the server names it. */
  readonly path: string
  readonly errors: Readonly<Record<string, string>>
}

export type KnobBoxOf<Kind extends Shape['kind']> = KnobBox<Extract<Shape, { kind: Kind }>>

export const TextBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'text'>) => (
  <TextInput
    aria-label={label}
    value={typeof value === 'string' ? value : ''}
    maxLength={shape.max}
    error={errors[path]}
    spellCheck={false}
    onChange={event => onChange(event.currentTarget.value)}
  />
)

export const NumberBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'number'>) => (
  <NumberInput
    aria-label={label}
    value={typeof value === 'number' ? value : ''}
    placeholder="Default"
    allowDecimal={false}
    error={errors[path]}
    onChange={typed => onChange(typeof typed === 'number' ? typed : undefined)}
    {...(shape.min !== undefined && { min: shape.min })}
    {...(shape.max !== undefined && { max: shape.max })}
  />
)

export const ChoiceBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'choice'>) => (
  <Select
    aria-label={label}
    data={[...shape.of]}
    value={typeof value === 'string' ? value : null}
    placeholder="Default"
    clearable
    error={errors[path]}
    onChange={chosen => onChange(chosen ?? undefined)}
  />
)

const readScalar = (text: string): unknown => (/^(?:true|false|null|-?\d+(?:\.\d+)?)$/.test(text) ? (JSON.parse(text) as unknown) : text)

/** `false`, `null` and numbers are themselves; everything else is a text. */
export const ScalarBox = ({ value, onChange, label, path, errors }: KnobBoxOf<'scalar'>) => (
  <TextInput
    aria-label={label}
    placeholder="false, null, 0 or a text"
    value={value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)}
    error={errors[path]}
    onChange={event => onChange(readScalar(event.currentTarget.value))}
  />
)

export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [])

export const firstError = (errors: Readonly<Record<string, string>>, path: string): string | undefined =>
  errors[path] ?? Object.entries(errors).find(([one]) => one.startsWith(`${path}.`))?.[1]

export const TextsBox = ({ value, onChange, label, path, errors }: KnobBoxOf<'texts'>) => (
  <TagsInput
    aria-label={label}
    placeholder="Enter adds"
    value={textsOf(value)}
    error={firstError(errors, path)}
    acceptValueOnBlur
    onChange={texts => onChange(texts.length === 1 ? texts[0] : texts)}
  />
)
