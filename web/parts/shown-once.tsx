import { Group } from '@mantine/core'
import { CopyIcon } from './copy.tsx'
import classes from './shown-once.module.css'

/** A link or key that is never shown again: whole, selectable, one click copies it. */
export const ShownOnce = ({ value, label }: { readonly value: string; readonly label: string }) => (
  <Group gap={4} wrap="nowrap" className={classes.box ?? ''}>
    <code className={classes.value} tabIndex={0} aria-label={label}>
      {value}
    </code>
    <CopyIcon value={value} label={`Copy ${label}`} />
  </Group>
)
