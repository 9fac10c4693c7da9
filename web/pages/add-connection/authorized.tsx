import { Stack, Text, Title } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { announceAuthorized, landingOfThisTab } from '../../parts/authorize-window.ts'
import { Cable } from '../../parts/drawings.tsx'
import { TextLink } from '../../parts/links.tsx'
import classes from './authorized.module.css'

/** Where the window comes back to from a service's page: tells the page that opened it, and closes. */
export const Authorized = () => {
  const { connection } = useSearch({ from: '/authorized' })
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)

  useEffect(() => {
    document.title = 'Connected · Patchbay'
    if (connection === undefined) {
      void navigate({ to: '/connections', replace: true })
      return
    }
    const landing = landingOfThisTab(connection)
    if (landing === 'welcome') void navigate({ to: '/welcome', replace: true })
    else if (landing === 'connection') void navigate({ to: '/connections/$linkName', params: { linkName: connection }, replace: true })
    else {
      announceAuthorized(connection)
      window.close()
      setOpen(true) // browsers close only what a script has opened
    }
  }, [connection, navigate])

  if (!open || connection === undefined) return null
  return (
    <main className={classes.page}>
      <Stack align="center" gap="md">
        <Cable state="joined" />
        <Title order={1}>Connected</Title>
        <Text c="dimmed" ta="center">
          You can close this window. The page that opened it goes on by itself.
        </Text>
        <TextLink to="/connections/$linkName" params={{ linkName: connection }}>
          Show the connection
        </TextLink>
      </Stack>
    </main>
  )
}
