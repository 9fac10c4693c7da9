import { ActionIcon, Kbd, Tooltip, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBook, IconMenu2, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import type { Me } from '../../sdk/index.ts'
import { meQuery } from '../client.ts'
import { Mark } from '../parts/drawings.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { AccountMenu } from './account-menu.tsx'
import { NotOurs } from './not-ours.tsx'
import { OrganizationMenu } from './organization-menu.tsx'
import { placesFor } from './places.ts'
import { SessionEnded } from './session-ended.tsx'
import { Shortcuts } from './shortcuts.tsx'
import classes from './frame.module.css'

/* What is not on the screen at first is fetched after what is. */
const Palette = lazy(() => import('./palette.tsx').then(file => ({ default: file.Palette })))
const PagesSheet = lazy(() => import('./pages-sheet.tsx').then(file => ({ default: file.PagesSheet })))

const openPalette = () => void import('./palette.tsx').then(file => file.openPalette())

const Rail = ({ me, onGo }: { readonly me: Me | undefined; readonly onGo?: () => void }) => (
  <div className={classes.rail}>
    <Link to="/connections" className={classes.brand ?? ''} {...(onGo && { onClick: onGo })}>
      <Mark />
      <span className={classes.label}>Patchbay</span>
    </Link>
    {me && <OrganizationMenu me={me} />}
    <nav aria-label="Pages">
      {placesFor(me).map((group, index) => (
        <ul key={index} className={classes.group}>
          {group.map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Tooltip label={label} position="right" classNames={{ tooltip: classes.railTip ?? '' }}>
                <Link to={to} className={classes.place ?? ''} {...(onGo && { onClick: onGo })} aria-label={label}>
                  <Icon size={18} stroke={1.6} />
                  <span className={classes.label}>{label}</span>
                </Link>
              </Tooltip>
            </li>
          ))}
        </ul>
      ))}
    </nav>
    <a className={`${classes.place} ${classes.docs}`} href="/docs" target="_blank" rel="noreferrer" aria-label="API documentation">
      <IconBook size={18} stroke={1.6} />
      <span className={classes.label}>API documentation</span>
    </a>
  </div>
)

/** What stands around every page. */
export const Frame = () => {
  const me = useQuery(meQuery)
  const [menuOpen, menu] = useDisclosure(false)
  const path = useRouterState({ select: state => state.location.pathname })
  // whoever went somewhere is done with the sheet
  useEffect(() => {
    menu.close()
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the sheet closes when the page changes, and at no other time
  }, [path])

  // a page without a frame: the window that a service's page came back to
  if (path === '/authorized') return <Outlet />

  return (
    <div className={classes.frame}>
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <aside className={classes.side}>
        <Rail me={me.data} />
      </aside>
      {menuOpen && (
        <Suspense fallback={null}>
          <PagesSheet onClose={menu.close}>
            <Rail me={me.data} onGo={menu.close} />
          </PagesSheet>
        </Suspense>
      )}
      <div className={classes.main}>
        <header className={classes.top}>
          <ActionIcon className={classes.menuButton ?? ''} variant="subtle" color="gray" onClick={menu.open} aria-label="Pages">
            <IconMenu2 size={20} />
          </ActionIcon>
          <UnstyledButton className={classes.search ?? ''} onClick={openPalette} title="Search everything, or go anywhere">
            <IconSearch size={15} />
            <span>Search</span>
            <Kbd size="xs">{/Mac|iP/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</Kbd>
          </UnstyledButton>
          {me.data && <AccountMenu me={me.data} />}
        </header>
        {me.data && <NotOurs me={me.data} />}
        <main id="content" tabIndex={-1} className={classes.content}>
          {me.error && !me.data ? <FrameFailed error={me.error} retry={() => me.refetch()} /> : <Outlet />}
        </main>
      </div>
      <Suspense fallback={null}>
        <Palette me={me.data} />
      </Suspense>
      <Shortcuts onSearch={openPalette} />
      <SessionEnded />
    </div>
  )
}

const FrameFailed = ({ error, retry }: { readonly error: unknown; readonly retry: () => unknown }) => (
  <div className={classes.failed}>
    <ProblemNote error={error} retry={retry} />
  </div>
)
