import { ActionIcon } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useState } from 'react'
import type { AuditEntry } from '../../../sdk/index.ts'
import { CopyText } from '../../parts/copy.tsx'
import { Fact, MemberName } from '../../parts/invocation-details.tsx'
import { TextLink } from '../../parts/links.tsx'
import { exactTime, Time } from '../../parts/time.tsx'
import { useNarrow } from '../../parts/use-narrow.ts'
import { VirtualTable } from '../../parts/virtual-table.tsx'
import facts from '../../parts/facts.module.css'
import { actionWords } from './words.ts'
import classes from './audit.module.css'

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** What it is about: a link to its page, or the name that the entry itself keeps of what may be gone. */
const About = ({ entry }: { readonly entry: AuditEntry }) => {
  const { object, details } = entry
  const at = object.indexOf(':')
  const kind = object.slice(0, Math.max(at, 0))
  const id = object.slice(at + 1)
  const kept = [details.email, details.name].find(value => typeof value === 'string' && value !== '')
  if (object === 'instance') return <>this Patchbay</>
  if (kind === 'connection' && id !== '')
    return (
      <TextLink to="/connections/$linkName" params={{ linkName: id }} className="outside" underline="hover" fz="inherit">
        {id}
      </TextLink>
    )
  if (kind === 'service' && id !== '')
    return (
      <TextLink to="/services/$linkName" params={{ linkName: id }} className="outside" underline="hover" fz="inherit">
        {id}
      </TextLink>
    )
  const [namespace, name] = id.split('.')
  if (kind === 'function' && namespace && name)
    return (
      <TextLink to="/functions/$namespace/$name" params={{ namespace, name }} className="outside" underline="hover" fz="inherit">
        {id}
      </TextLink>
    )
  if (kept !== undefined) return <span className="outside">{textOf(kept)}</span>
  if (kind === 'member' && id !== '') return <MemberName id={id} />
  return <code className="outside">{id}</code>
}

const termOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

const Details = ({ entry, onlyObject }: { readonly entry: AuditEntry; readonly onlyObject: (object: string) => void }) => (
  <dl className={facts.facts}>
    <Fact term="When">{exactTime(entry.at)}</Fact>
    <Fact term="Action">
      <code>{entry.action}</code>
    </Fact>
    <Fact term="Object">
      <code className="outside">{entry.object}</code>{' '}
      <button type="button" className={classes.only} onClick={() => onlyObject(entry.object)}>
        Everything about it
      </button>
    </Fact>
    {entry.on_behalf_of !== null && (
      <Fact term="On behalf of">
        <MemberName id={entry.on_behalf_of} />
      </Fact>
    )}
    {Object.entries(entry.details)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => (
        <Fact key={name} term={termOf(name)}>
          <span className="outside">{textOf(value)}</span>
        </Fact>
      ))}
    {entry.ip !== null && (
      <Fact term="From">
        <code className="outside">{entry.ip}</code>
      </Fact>
    )}
    {entry.request_id !== null && (
      <Fact term="Request">
        <CopyText value={entry.request_id} label="the request id" />
      </Fact>
    )}
  </dl>
)

const head = (
  <>
    <th scope="col" className={classes.whenHead}>
      When
    </th>
    <th scope="col" className={`${classes.actorHead} ${classes.wide}`}>
      Who
    </th>
    <th scope="col">What</th>
    <th scope="col" className={classes.wide}>
      Of
    </th>
    <th scope="col" className={classes.openerHead}>
      <span className={classes.unseen}>Details</span>
    </th>
  </>
)

interface Shown {
  readonly rows: readonly AuditEntry[]
  readonly more?: (() => unknown) | undefined
  readonly onlyObject: (object: string) => void
}

/** Changes and sign-ins, newest first; each opens. */
export const AuditRows = ({ rows, more, onlyObject }: Shown) => {
  const columns = useNarrow() ? 3 : 5
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (id: string) => {
    const after = new Set(open)
    if (!after.delete(id)) after.add(id)
    setOpen(after)
  }
  return (
    <VirtualTable label="Changes and sign-ins" head={head} columns={columns} rows={rows} keyOf={row => row.id} height={49} more={more}>
      {entry => {
        const isOpen = open.has(entry.id)
        const detailsId = `entry-${entry.id}`
        return (
          <>
            <tr className={classes.row} data-open={isOpen || undefined}>
              <td>
                <Time at={entry.at} />
              </td>
              <td className={classes.wide}>
                <span className="outside">{entry.actor.name}</span>
              </td>
              <td>
                <span className="outside">{actionWords(entry.action)}</span>
                {entry.outcome === 'refused' && <span className={classes.refused}> – refused</span>}
                <div className={classes.under}>
                  <About entry={entry} />
                  <span className={`outside ${classes.by}`}>{entry.actor.name}</span>
                </div>
              </td>
              <td className={classes.wide}>
                <About entry={entry} />
              </td>
              <td className={classes.opener}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-expanded={isOpen}
                  aria-controls={detailsId}
                  aria-label={`Details: ${actionWords(entry.action)}, ${entry.actor.name}`}
                  onClick={() => toggle(entry.id)}
                >
                  <IconChevronDown size={16} className={classes.chevron} />
                </ActionIcon>
              </td>
            </tr>
            {isOpen && (
              <tr id={detailsId} className={classes.details}>
                <td colSpan={columns}>
                  <Details entry={entry} onlyObject={onlyObject} />
                </td>
              </tr>
            )}
          </>
        )
      }}
    </VirtualTable>
  )
}
