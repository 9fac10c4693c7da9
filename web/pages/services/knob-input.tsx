import { ActionIcon, Button, MultiSelect, SegmentedControl, Switch, TagsInput, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useId, useState } from 'react'
import { ChoiceBox, firstError, NumberBox, ScalarBox, TextBox, TextsBox, textsOf, type KnobBox, type KnobBoxOf } from './knob-boxes.tsx'
import type { Shape, ShapedField } from './knob-shape.ts'
import classes from './form.module.css'

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a shape begins with, when somebody says that it is to be set. */
export const beginningOf = (shape: Shape): unknown => {
  switch (shape.kind) {
    case 'list':
      return shape.of.kind === 'object' ? [beginningOf(shape.of)] : []
    case 'texts':
      return []
    case 'map':
    case 'object':
      return {}
    case 'switch':
      return true
    case 'text':
      return ''
    default:
      return undefined
  }
}

/** The boxes of one value, whatever its shape: made from data, so that a new knob needs nothing here. */
export const KnobInput = ({ shape, ...rest }: KnobBox) => {
  switch (shape.kind) {
    case 'text':
      return <TextBox shape={shape} {...rest} />
    case 'number':
      return <NumberBox shape={shape} {...rest} />
    case 'switch':
      return (
        <Switch
          aria-label={rest.label}
          checked={rest.value === true}
          onChange={event => rest.onChange(event.currentTarget.checked || undefined)}
        />
      )
    case 'choice':
      return <ChoiceBox shape={shape} {...rest} />
    case 'scalar':
      return <ScalarBox shape={shape} {...rest} />
    case 'texts':
      return <TextsBox shape={shape} {...rest} />
    case 'list':
      return <ListBox shape={shape} {...rest} />
    case 'map':
      return shape.names ? <NamedBoxes shape={shape} {...rest} /> : <MapBox shape={shape} {...rest} />
    case 'each':
      return <EachBox shape={shape} {...rest} />
    case 'object':
      return <ObjectBox shape={shape} {...rest} />
  }
}

const ListBox = (input: KnobBoxOf<'list'>) => {
  const { shape, value, onChange, label, path, errors } = input
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  if (shape.of.kind === 'choice')
    return (
      <MultiSelect aria-label={label} data={[...shape.of.of]} value={textsOf(value)} error={firstError(errors, path)} onChange={onChange} />
    )
  if (shape.of.kind === 'text' || shape.of.kind === 'number') {
    const isNumber = shape.of.kind === 'number'
    return (
      <TagsInput
        aria-label={label}
        placeholder="Enter adds"
        value={textsOf(value)}
        error={firstError(errors, path)}
        acceptValueOnBlur
        splitChars={isNumber ? [',', ' '] : ['\n']}
        onChange={texts => onChange(isNumber ? texts.map(Number).filter(Number.isFinite) : texts)}
      />
    )
  }
  const put = (index: number, one: unknown) => onChange(items.map((old, at) => (at === index ? one : old)))
  return (
    <div className={classes.field}>
      {items.map((one, index) => (
        <div key={index} className={classes.box}>
          <div style={{ textAlign: 'end' }}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${label} ${index + 1}`}
              onClick={() => onChange(items.filter((_, at) => at !== index))}
            >
              <IconX size={16} />
            </ActionIcon>
          </div>
          <KnobInput
            shape={shape.of}
            value={one}
            onChange={next => put(index, next)}
            label={`${label} ${index + 1}`}
            path={`${path}.${index}`}
            errors={errors}
          />
        </div>
      ))}
      <AddButton onClick={() => onChange([...items, beginningOf(shape.of)])} label={`Add to ${label}`} />
    </div>
  )
}

const AddButton = ({ onClick, label }: { readonly onClick: () => void; readonly label: string }) => (
  <div>
    <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={onClick} aria-label={label}>
      Add
    </Button>
  </div>
)

/** A value for each of a few known names. */
const NamedBoxes = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'map'>) => {
  const known = isMap(value) ? value : {}
  return (
    <div className={classes.nested}>
      {(shape.names ?? []).map(name => (
        <div key={name} className={classes.field}>
          <span className={classes.fieldLabel}>{name.replaceAll('_', ' ')}</span>
          <KnobInput
            shape={shape.of}
            value={known[name]}
            onChange={next => onChange(withField(known, name, next === '' ? undefined : next))}
            label={`${label}: ${name.replaceAll('_', ' ')}`}
            path={`${path}.${name}`}
            errors={errors}
          />
        </div>
      ))}
    </div>
  )
}

const withField = (map: Readonly<Record<string, unknown>>, name: string, value: unknown): Record<string, unknown> => {
  const { [name]: _, ...others } = map
  return value === undefined ? others : { ...others, [name]: value }
}

/** A value for each name that somebody types. The rows are kept here: a name may be unfinished, or there twice, while it is typed. */
const MapBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'map'>) => {
  const [rows, setRows] = useState<readonly (readonly [name: string, value: unknown])[]>(() => {
    const entries = Object.entries(isMap(value) ? value : {})
    return entries.length > 0 ? entries : [['', beginningOf(shape.of)]]
  })
  const change = (next: typeof rows) => {
    setRows(next)
    onChange(Object.fromEntries(next.filter(([name]) => name.trim() !== '').map(([name, one]) => [name.trim(), one ?? ''])))
  }
  const put = (index: number, row: readonly [string, unknown]) => change(rows.map((old, at) => (at === index ? row : old)))
  const simple = shape.of.kind === 'text' || shape.of.kind === 'texts'
  return (
    <div className={classes.field}>
      {rows.map(([name, one], index) => (
        <div key={index} className={simple ? classes.pair : classes.box}>
          <TextInput
            aria-label={`${label}, name ${index + 1}`}
            placeholder="Name"
            value={name}
            spellCheck={false}
            error={errors[`${path}.${name}`] !== undefined && !simple ? errors[`${path}.${name}`] : undefined}
            onChange={event => put(index, [event.currentTarget.value, one])}
          />
          <KnobInput
            shape={shape.of}
            value={one}
            onChange={next => put(index, [name, next])}
            label={`${label}, value ${index + 1}`}
            path={`${path}.${name}`}
            errors={errors}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={`Remove ${name || `row ${index + 1}`}`}
            onClick={() => change(rows.filter((_, at) => at !== index))}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <AddButton onClick={() => change([...rows, ['', beginningOf(shape.of)]])} label={`Add to ${label}`} />
    </div>
  )
}

/** One value for everything, or one for each phase. */
const EachBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'each'>) => {
  const byName = isMap(value)
  return (
    <div className={classes.field}>
      <SegmentedControl
        size="xs"
        aria-label={`${label}: same for all or by phase`}
        data={[
          { value: 'one', label: 'The same for all' },
          { value: 'each', label: 'By phase' },
        ]}
        value={byName ? 'each' : 'one'}
        onChange={chosen => onChange(chosen === 'each' ? {} : undefined)}
      />
      {byName ? (
        <NamedBoxes
          shape={{ kind: 'map', of: shape.of, names: shape.names }}
          value={value}
          onChange={onChange}
          label={label}
          path={path}
          errors={errors}
        />
      ) : (
        <KnobInput shape={shape.of} value={value} onChange={onChange} label={label} path={path} errors={errors} />
      )}
    </div>
  )
}

const ObjectBox = ({ shape, value, onChange, label, path, errors }: KnobBoxOf<'object'>) => {
  const known = isMap(value) ? value : {}
  return (
    <div className={classes.nested}>
      {shape.fields.map(field => (
        <FieldOfObject
          key={field.name}
          field={field}
          value={known[field.name]}
          onChange={next => onChange(withField(known, field.name, next === '' && !field.required ? undefined : next))}
          label={label}
          path={`${path}.${field.name}`}
          errors={errors}
        />
      ))}
    </div>
  )
}

const FieldOfObject = ({ field, label, ...rest }: Omit<KnobBox, 'shape'> & { readonly field: ShapedField }) => {
  const id = useId()
  return (
    <div className={classes.field} role="group" aria-labelledby={id}>
      <span id={id} className={classes.fieldLabel}>
        {field.label}
        {!field.required && <span style={{ fontWeight: 400 }}> optional</span>}
      </span>
      {field.description !== '' && <span className={classes.cardWords}>{field.description}</span>}
      <KnobInput shape={field.shape} label={`${label}: ${field.label}`} {...rest} />
    </div>
  )
}
