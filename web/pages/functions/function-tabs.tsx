import { Tabs, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import type { DelugeFunction, Me } from '../../../sdk/index.ts'
import { TextLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import { categoryLabel } from './categories.ts'
import { FunctionMenu } from './function-menu.tsx'
import { mayWrite, pathOf } from './function-queries.ts'
import { Workbench } from './workbench.tsx'
import classes from './function.module.css'

const RunLog = lazy(() => import('./run-log.tsx').then(file => ({ default: file.RunLog })))
const History = lazy(() => import('./history.tsx').then(file => ({ default: file.History })))
const Exposure = lazy(() => import('./exposure.tsx').then(file => ({ default: file.Exposure })))
const Schedules = lazy(() => import('./schedules.tsx').then(file => ({ default: file.Schedules })))
const Variables = lazy(() => import('./variables.tsx').then(file => ({ default: file.Variables })))

const route = getRouteApi('/functions/$namespace/$name')

interface Shown {
  readonly one: DelugeFunction
  readonly me: Me
  readonly failed: unknown
  readonly retry: () => unknown
}

const mostCallers = 12

const CalledBy = ({ callers }: { readonly callers: readonly string[] }) => (
  <>
    Called by{' '}
    {callers.slice(0, mostCallers).map((caller, at) => {
      const [namespace = '', name = ''] = caller.split('.')
      return (
        <span key={caller}>
          {at > 0 && ', '}
          <TextLink to="/functions/$namespace/$name" params={{ namespace, name }}>
            {caller}
          </TextLink>
        </span>
      )
    })}
    {callers.length > mostCallers && ` and ${callers.length - mostCallers} more`}.
  </>
)

/** A function's parts. The first one stays as it is while others are looked at: what was typed there, and a run that goes on. */
export const FunctionTabs = ({ one, me, failed, retry }: Shown) => {
  const { part: asked = 'editor' } = route.useSearch()
  const navigate = route.useNavigate()
  const writes = mayWrite(me)
  const part = writes || asked === 'runs' ? asked : 'editor'
  const path = { namespace: one.namespace, name: one.name }
  return (
    <Page
      name={pathOf(one)}
      title={
        <span className={classes.title}>
          <span className={classes.namespace}>{one.namespace}.</span>
          {one.name}
        </span>
      }
      sentence={<span className="outside">{one.description === '' ? categoryLabel(one.namespace) : one.description}</span>}
      action={writes && <FunctionMenu one={one} me={me} />}
    >
      {failed !== null && <ProblemNote error={failed} retry={retry} />}
      <Text size="sm" c="dimmed" className="outside" mb="sm">
        Saved <Time at={one.updated_at} /> by {one.author.name ?? 'somebody who has gone'}, revision {one.revision}.{' '}
        {one.owner.id !== one.author.id && <>Schedules and calls from outside run as {one.owner.name ?? 'somebody who has gone'}. </>}
        {one.called_by !== undefined && one.called_by.length > 0 && <CalledBy callers={one.called_by} />}
      </Text>
      <Tabs
        value={part}
        onChange={chosen => void navigate({ search: chosen === 'editor' || chosen === null ? {} : { part: chosen as typeof part } })}
        keepMounted={false}
      >
        <Tabs.List aria-label="Parts of this function">
          <Tabs.Tab value="editor">{writes ? 'Editor' : 'Run'}</Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          {writes && (
            <>
              <Tabs.Tab value="history">History</Tabs.Tab>
              <Tabs.Tab value="exposure">Exposure</Tabs.Tab>
              <Tabs.Tab value="schedules">Schedules</Tabs.Tab>
              <Tabs.Tab value="variables">Variables</Tabs.Tab>
            </>
          )}
        </Tabs.List>
        <Tabs.Panel value="editor" keepMounted pt="md">
          <Workbench one={one} me={me} />
        </Tabs.Panel>
        {part !== 'editor' && (
          <Tabs.Panel value={part} pt="md">
            <Suspense fallback={<RowsLoading />}>
              {part === 'runs' && <RunLog path={path} />}
              {part === 'history' && <History one={one} />}
              {part === 'exposure' && <Exposure one={one} me={me} />}
              {part === 'schedules' && <Schedules one={one} />}
              {part === 'variables' && <Variables path={path} />}
            </Suspense>
          </Tabs.Panel>
        )}
      </Tabs>
    </Page>
  )
}
