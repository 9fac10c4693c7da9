import { Text } from '@mantine/core'
import { useId, type ReactNode } from 'react'
import classes from './form-row.module.css'

/** What ties a box to its row; spread it over the input. */
export interface RowField {
  readonly id: string
  readonly error: string | undefined
  readonly 'aria-describedby': string | undefined
  /** Where no label points at it. */
  readonly 'aria-label'?: string
}

interface Row {
  readonly label: ReactNode
  readonly help?: ReactNode
  readonly error?: string | undefined
  /** Marked as such; everything else is needed. */
  readonly optional?: boolean
  /** For several boxes under one label: a group instead of a label. */
  readonly group?: boolean
  readonly children: (field: RowField) => ReactNode
}

/** Label and help on the left, the field on the right where there is room; the error under its field. */
export const FormRow = ({ label, help, error, optional = false, group = false, children }: Row) => {
  const id = useId()
  const helpId = `${id}-help`
  const field: RowField = { id, error, 'aria-describedby': help === undefined ? undefined : helpId }
  const title = (
    <>
      {label}
      {optional && <span className={classes.optional}> optional</span>}
    </>
  )
  return (
    <div className={classes.row} {...(group && { role: 'group', 'aria-labelledby': `${id}-label` })}>
      <div className={classes.words}>
        {group ? (
          <span id={`${id}-label`} className={classes.label}>
            {title}
          </span>
        ) : (
          <label htmlFor={id} className={classes.label}>
            {title}
          </label>
        )}
        {help !== undefined && (
          <Text id={helpId} size="sm" c="dimmed" component="div">
            {help}
          </Text>
        )}
      </div>
      <div className={classes.field}>{children(field)}</div>
    </div>
  )
}

/** A part of a form or page under its own heading, between rules. */
export const Section = ({
  title,
  aside,
  children,
}: {
  readonly title: ReactNode
  readonly aside?: ReactNode
  readonly children: ReactNode
}) => {
  const id = useId()
  return (
    <section className={classes.section} aria-labelledby={id}>
      <div className={classes.heading}>
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
