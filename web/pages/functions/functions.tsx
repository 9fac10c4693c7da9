import { Tabs } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { meQuery } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { FunctionList } from './function-list.tsx'
import { mayWrite } from './function-queries.ts'

const RunLog = lazy(() => import('./run-log.tsx').then(file => ({ default: file.RunLog })))
const EverySchedule = lazy(() => import('./every-schedule.tsx').then(file => ({ default: file.EverySchedule })))
const Variables = lazy(() => import('./variables.tsx').then(file => ({ default: file.Variables })))

const route = getRouteApi('/functions')

/** Scripts of the organisation, what became of their runs, and what they share. */
export const Functions = () => {
  const { view = 'list', status, door } = route.useSearch()
  const navigate = route.useNavigate()
  const me = useQuery(meQuery)
  const writes = mayWrite(me.data)
  return (
    <Page
      title="Functions"
      sentence="Scripts in Deluge that call through connections: run by hand, by the clock, or from outside."
      action={
        writes && (
          <>
            <ButtonLink to="/bring-scripts" variant="default">
              Bring my scripts
            </ButtonLink>
            <ButtonLink to="/add-function" leftSection={<IconPlus size={16} />}>
              New function
            </ButtonLink>
          </>
        )
      }
    >
      <Tabs
        value={view}
        keepMounted={false}
        onChange={chosen => void navigate({ search: chosen === 'list' || chosen === null ? {} : { view: chosen as typeof view } })}
      >
        <Tabs.List aria-label="Parts of Functions">
          <Tabs.Tab value="list">Functions</Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="schedules">Schedules</Tabs.Tab>
          {writes && <Tabs.Tab value="variables">Variables</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value={view} pt="sm">
          <Suspense fallback={<RowsLoading />}>
            {view === 'list' && <FunctionList writes={writes} />}
            {view === 'runs' && (
              <RunLog
                path={null}
                filter={{ status, door }}
                onFilter={filter => void navigate({ search: { view: 'runs', ...filter }, replace: true })}
              />
            )}
            {view === 'schedules' && <EverySchedule />}
            {view === 'variables' && writes && <Variables path={null} />}
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
