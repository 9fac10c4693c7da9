import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import classes from './copy.module.css'

/** A term of ours that people paste elsewhere, such as a link name: one click copies it. */
export const CopyText = ({ value, label }: { readonly value: string; readonly label: string }) => (
  <CopyButton value={value} timeout={1500}>
    {({ copied, copy }) => (
      <Tooltip label={copied ? 'Copied' : `Copy ${label}`}>
        <button type="button" className={classes.text} onClick={copy} aria-label={`Copy ${label} ${value}`}>
          <code>{value}</code>
          {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          <span role="status" className={classes.unseen}>
            {copied ? 'Copied' : ''}
          </span>
        </button>
      </Tooltip>
    )}
  </CopyButton>
)

/** Copies something longer that stands beside it. */
export const CopyIcon = ({ value, label }: { readonly value: string; readonly label: string }) => (
  <CopyButton value={value} timeout={1500}>
    {({ copied, copy }) => (
      <Tooltip label={copied ? 'Copied' : label}>
        <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={label}>
          {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
        </ActionIcon>
      </Tooltip>
    )}
  </CopyButton>
)
