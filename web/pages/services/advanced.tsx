import { Button, Collapse, TextInput, UnstyledButton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { useId, useState } from 'react'
import type { AuthType } from '../../../sdk/index.ts'
import { beginningOf, KnobInput } from './knob-input.tsx'
import type { Knob } from './knob-shape.ts'
import { knobGroups } from './knobs.ts'
import classes from './form.module.css'

interface Knobs {
  readonly authType: AuthType
  readonly value: Readonly<Record<string, unknown>>
  readonly onChange: (value: Readonly<Record<string, unknown>>) => void
  /** By the whole path, `advanced.token_params.x`. */
  readonly errors: Readonly<Record<string, string>>
}

/** These boxes say themselves that nothing is set; the others open when somebody wants them. */
const alwaysOpen = (knob: Knob): boolean => ['switch', 'choice', 'number', 'each'].includes(knob.shape.kind)

/** A sentence about the whole has no box of its own then. */
const boxesAreSeveral = (knob: Knob): boolean =>
  ['map', 'object', 'each'].includes(knob.shape.kind) || (knob.shape.kind === 'list' && knob.shape.of.kind === 'object')

const matches = ({ name, label, description }: Knob, q: string): boolean =>
  `${name} ${label} ${description}`.toLocaleLowerCase().includes(q)

/** What services want that the standards do not say: closed, searched rather than read, and each with its sentence. */
export const Advanced = ({ authType, value, onChange, errors }: Knobs) => {
  const [typed, setTyped] = useState('')
  const [wanted, setWanted] = useState(false)
  const id = useId()
  const wrong = Object.keys(errors).filter(path => path.startsWith('advanced.'))
  const opened = wanted || wrong.length > 0
  const count = Object.values(value).filter(one => one !== undefined).length
  const q = typed.trim().toLocaleLowerCase()
  const groups = knobGroups
    .map(group => ({
      ...group,
      // what is set is shown for every type, so that it can be taken away
      knobs: group.knobs.filter(knob => (group.authTypes.includes(authType) || value[knob.name] !== undefined) && matches(knob, q)),
    }))
    .filter(group => group.knobs.length > 0)
  const set = (name: string, next: unknown) => {
    const { [name]: _, ...others } = value
    onChange(next === undefined ? others : { ...others, [name]: next })
  }
  return (
    <section aria-labelledby={`${id}-title`} className={classes.advancedPart}>
      <h2 style={{ margin: 0 }} id={`${id}-title`}>
        <UnstyledButton className={classes.advanced ?? ''} aria-expanded={opened} aria-controls={id} onClick={() => setWanted(!opened)}>
          <IconChevronRight size={16} aria-hidden />
          Advanced
          <span className={classes.advancedCount}>
            {count === 0 ? 'everything as the standards say' : `${count} ${count === 1 ? 'differs' : 'differ'} from the default`}
          </span>
        </UnstyledButton>
      </h2>
      <Collapse expanded={opened} id={id}>
        {opened && (
          <>
            <TextInput
              type="search"
              aria-label="Search advanced settings"
              placeholder="Search: token, header, refresh, PKCE …"
              maw={420}
              mt={4}
              value={typed}
              onChange={event => setTyped(event.currentTarget.value)}
            />
            {groups.map(group => (
              <div key={group.title}>
                <h3 className={classes.group}>{group.title}</h3>
                {group.knobs.map(knob => (
                  <KnobRow key={knob.name} knob={knob} value={value[knob.name]} onChange={next => set(knob.name, next)} errors={errors} />
                ))}
              </div>
            ))}
            {groups.length === 0 && <p className={classes.cardWords}>No setting matches “{typed}”.</p>}
          </>
        )}
      </Collapse>
    </section>
  )
}

interface Row {
  readonly knob: Knob
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  readonly errors: Readonly<Record<string, string>>
}

const KnobRow = ({ knob, value, onChange, errors }: Row) => {
  const isSet = value !== undefined
  return (
    <div className={classes.knob} role="group" aria-label={knob.label}>
      <div>
        <div className={classes.knobHead}>
          <span className={classes.knobName}>{knob.label}</span>
          {isSet && (
            <Button variant="subtle" size="compact-xs" onClick={() => onChange(undefined)} aria-label={`${knob.label}: use the default`}>
              Use the default
            </Button>
          )}
        </div>
        <div className={classes.cardWords}>{knob.description}</div>
      </div>
      <div>
        {isSet && boxesAreSeveral(knob) && errors[`advanced.${knob.name}`] !== undefined && (
          <div className={classes.problem} role="alert">
            {errors[`advanced.${knob.name}`]}
          </div>
        )}
        {isSet || alwaysOpen(knob) ? (
          <KnobInput
            shape={knob.shape}
            value={value}
            onChange={onChange}
            label={knob.label}
            path={`advanced.${knob.name}`}
            errors={errors}
          />
        ) : (
          <Button variant="default" size="xs" onClick={() => onChange(beginningOf(knob.shape))} aria-label={`Set ${knob.label}`}>
            Set …
          </Button>
        )}
      </div>
    </div>
  )
}
