import { Badge, Button, Skeleton, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Me } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { ProblemNote, tellProblem } from '../../parts/problem.tsx'
import { CreateOrganization } from './create-organization.tsx'
import classes from './settings.module.css'

/** The organisations one is a member of; administrators make more, if they are the operator. */
export const Organizations = ({ me }: { readonly me: Me }) => {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [creating, setCreating] = useState(false)
  const joined = useQuery({ queryKey: ['organizations'], queryFn: () => pageOf(patchbay.organizations.list()), staleTime: 300_000 })

  const enter = async (slug: string) => {
    try {
      await patchbay.account.chooseOrganization(slug)
      await navigate({ to: '/connections' })
      // nothing of the other organisation may stay on the screen
      await queries.resetQueries()
    } catch (error) {
      tellProblem(error)
    }
  }

  return (
    <FormRow
      label="Your organisations"
      help="Each has its own members, services and connections. Only the operator, an administrator of the first organisation, creates more."
      group
    >
      {() => (
        <>
          {joined.error && <ProblemNote error={joined.error} retry={() => joined.refetch()} />}
          {joined.isPending && <Skeleton height={40} role="status" aria-label="Loading" />}
          <ul className={classes.organizations}>
            {joined.data?.data.map(one => (
              <li key={one.slug}>
                <div className={classes.organization}>
                  <span className="outside">{one.name}</span>
                  <Text size="sm" c="dimmed">
                    <code className="outside">{one.slug}</code> · {one.role}
                  </Text>
                </div>
                {one.slug === me.organization.slug ? (
                  <Badge variant="default" tt="none" fw={400}>
                    you are here
                  </Badge>
                ) : (
                  <Button size="xs" variant="default" aria-label={`Go to ${one.name}`} onClick={() => void enter(one.slug)}>
                    Go there
                  </Button>
                )}
              </li>
            ))}
          </ul>
          {me.role === 'administrator' && (
            <Button variant="default" mt="sm" onClick={() => setCreating(true)}>
              Create an organisation …
            </Button>
          )}
          <CreateOrganization opened={creating} onClose={() => setCreating(false)} />
        </>
      )}
    </FormRow>
  )
}
