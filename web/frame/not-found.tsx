import { Button } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { ButtonLink } from '../parts/links.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { ProblemNote } from '../parts/problem.tsx'

export const NotFound = () => (
  <Page title="There is no such page">
    <Empty action={<ButtonLink to="/connections">Go to the connections</ButtonLink>}>
      The address may be mistyped, or what it showed is gone.
    </Empty>
  </Page>
)

/** A page whose file could not be fetched, or that broke. Its address stays, so that another try opens the same. */
export const PageFailed = ({ error, reset }: ErrorComponentProps) => (
  <Page title="This page could not be shown">
    <ProblemNote error={error} retry={reset} />
    <Button variant="default" onClick={() => window.location.reload()}>
      Load the page again
    </Button>
  </Page>
)
