import { Alert, type AlertProps } from '@mantine/core'
import classes from './note.module.css'

type Tone = 'good' | 'bad' | 'care' | 'plain'

/** A few sentences that stand out, on the console's own grounds. */
export const Note = ({ tone, className, ...rest }: AlertProps & { readonly tone: Tone; readonly role?: string }) => (
  <Alert
    {...rest}
    variant="light"
    role={rest.role ?? 'note'}
    className={`${classes.note} ${classes[tone]} ${className ?? ''}`}
    classNames={{ title: classes.title ?? '', message: classes.message ?? '' }}
  />
)
