import { ActionIcon, Button } from '@mantine/core'
import { IconLock, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { CopyText } from '../../parts/copy.tsx'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { pathOf, variablesQuery, type FunctionPath, type WrittenVariable } from './function-queries.ts'
import { VariableForm } from './variable-form.tsx'
import classes from './variables.module.css'

const longestShown = 200

const valueWords = ({ value, written }: WrittenVariable): string => {
  const text = typeof value === 'string' ? value : written
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

/** What scripts read by name: of one function with the organisation's, or all there are. */
export const Variables = ({ path }: { readonly path: FunctionPath | null }) => {
  const queries = useQueryClient()
  const variables = useQuery(variablesQuery)
  const [editing, setEditing] = useState<{ readonly variable: WrittenVariable | null } | null>(null)
  const [ending, setEnding] = useState<WrittenVariable | null>(null)
  const shown = (variables.data ?? []).filter(
    one => path === null || one.function === null || one.function.toLowerCase() === pathOf(path).toLowerCase(),
  )
  const add = (
    <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setEditing({ variable: null })}>
      Add a variable
    </Button>
  )
  return (
    <>
      {variables.error && <ProblemNote error={variables.error} retry={() => variables.refetch()} />}
      {variables.isPending ? (
        <RowsLoading rows={4} />
      ) : shown.length === 0 ? (
        variables.data && (
          <Empty action={add}>
            There is no variable. Scripts read one with <code>zoho.crm.getOrgVariable("name")</code>, so that what differs from place to
            place does not stand in them.
          </Empty>
        )
      ) : (
        <>
          <div className={classes.bar}>
            <span className={classes.lead}>
              Scripts read them with <code>zoho.crm.getOrgVariable("name")</code>; a function’s own comes before the organisation’s.
            </span>
            {add}
          </div>
          <table className={classes.table} aria-label="Variables">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
                <th scope="col" className={`${classes.ofHead} ${classes.wide}`}>
                  Of
                </th>
                <th scope="col" className={classes.actionHead}>
                  <span className={classes.unseen}>Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(one => (
                <tr key={`${one.function ?? ''} ${one.name}`}>
                  <td>
                    <CopyText value={one.name} label="name" />
                    {one.description !== '' && <div className={`outside ${classes.quiet}`}>{one.description}</div>}
                    <div className={`outside ${classes.quiet} ${classes.under}`}>{one.function ?? 'The organisation'}</div>
                  </td>
                  <td>
                    {one.secret ? (
                      <span className={classes.secret}>
                        <IconLock size={14} aria-hidden />
                        {one.has_value ? 'Stored, secret' : 'Empty, secret'}
                      </span>
                    ) : one.has_value ? (
                      <code className={`outside ${classes.value}`}>{valueWords(one)}</code>
                    ) : (
                      <span className={classes.quiet}>Empty</span>
                    )}
                    <div className={classes.quiet}>{one.type}</div>
                  </td>
                  <td className={classes.wide}>
                    <span className="outside">{one.function ?? 'The organisation'}</span>
                  </td>
                  <td>
                    <div className={classes.actions}>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Edit ${one.name}`}
                        onClick={() => setEditing({ variable: one })}
                      >
                        <IconPencil size={16} />
                      </ActionIcon>
                      <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${one.name}`} onClick={() => setEnding(one)}>
                        <IconTrash size={16} />
                      </ActionIcon>
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {editing && <VariableForm path={path} variable={editing.variable} onClose={() => setEditing(null)} />}
      <Confirm
        title={`Delete ${ending?.name ?? ''}?`}
        verb="Delete"
        opened={ending !== null}
        onClose={() => setEnding(null)}
        onConfirm={async () => {
          if (!ending) return
          await patchbay.functions.deleteVariable(ending.name, ending.function === null ? {} : { function: ending.function })
          await queries.invalidateQueries({ queryKey: variablesQuery.queryKey })
          tellDone('Deleted.')
        }}
      >
        Scripts that read it get null from now on.
      </Confirm>
    </>
  )
}
