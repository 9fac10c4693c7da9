import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ProblemNote } from '../../parts/problem.tsx'
import { StatusDot, statusWords } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Part } from './part.tsx'
import { peopleQuery } from './queries.ts'
import classes from './connection.module.css'

/** Who has connected their own account, for the owner and administrators. */
export const People = ({ linkName, serviceName }: { readonly linkName: string; readonly serviceName: string }) => {
  const people = useQuery(peopleQuery(linkName))
  const rows = people.data?.data ?? []
  return (
    <Part title="Who has authorised it">
      {people.error && <ProblemNote error={people.error} retry={() => people.refetch()} />}
      {people.data && rows.length === 0 && (
        <p className={classes.quiet}>
          Nobody has connected their own {serviceName} account yet. Each person does, before their first call.
        </p>
      )}
      {rows.length > 0 && (
        <div className={classes.scrolls} tabIndex={0} role="group" aria-label="Who has authorised it">
          <Table horizontalSpacing={0} className={classes.table ?? ''}>
            <Table.Thead>
              <Table.Tr>
                {['Person', 'Account', 'Status', 'Scopes', 'Connected'].map(head => (
                  <Table.Th key={head} scope="col">
                    {head}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map(one => (
                <Table.Tr key={one.subject.id}>
                  <Table.Th scope="row" fw={400}>
                    <span className="outside">{one.subject.name ?? one.subject.email ?? one.subject.id}</span>
                  </Table.Th>
                  <Table.Td>
                    <span className="outside">{one.account?.label ?? one.account?.id ?? '–'}</span>
                  </Table.Td>
                  <Table.Td>
                    <span className={classes.statusCell}>
                      <StatusDot status={one.status} />
                      {statusWords[one.status]}
                    </span>
                  </Table.Td>
                  <Table.Td className="tabular">{one.granted_scopes?.length ?? '–'}</Table.Td>
                  <Table.Td>
                    <Time at={one.created_at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </Part>
  )
}
