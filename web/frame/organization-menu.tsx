import { Menu, UnstyledButton } from '@mantine/core'
import { IconCheck, IconSelector } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Me } from '../../sdk/index.ts'
import { pageOf, patchbay } from '../client.ts'
import { tellProblem } from '../parts/problem.tsx'
import { isUnsaved } from '../parts/unsaved-pages.ts'
import classes from './organization-menu.module.css'

/** The organisation that everything on the page belongs to; a menu for those who are in several. */
export const OrganizationMenu = ({ me }: { readonly me: Me }) => {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const joined = useQuery({ queryKey: ['organizations'], queryFn: () => pageOf(patchbay.organizations.list()), staleTime: 300_000 })
  const all = joined.data?.data ?? []

  const choose = async (slug: string) => {
    // asks first: a page that is stayed on must not be saved into another organisation
    if (isUnsaved()) return void navigate({ to: '/connections' })
    try {
      await patchbay.account.chooseOrganization(slug)
      await navigate({ to: '/connections' })
      await queries.resetQueries()
    } catch (error) {
      tellProblem(error)
    }
  }

  const name = <span className={`outside ${classes.name}`}>{me.organization.name}</span>
  if (all.length < 2) return <div className={classes.only}>{name}</div>
  return (
    <Menu position="bottom-start" width={240}>
      <Menu.Target>
        <UnstyledButton className={classes.target ?? ''} aria-label={`Organisation ${me.organization.name}: choose another`}>
          {name}
          <IconSelector size={14} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Organisations</Menu.Label>
        {all.map(one => (
          <Menu.Item
            key={one.slug}
            rightSection={one.slug === me.organization.slug ? <IconCheck size={15} /> : null}
            onClick={() => void choose(one.slug)}
          >
            <span className="outside">{one.name}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
