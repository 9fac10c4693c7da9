import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { forgetTab, meQuery, patchbay } from '../client.ts'
import { sentenceOf } from '../parts/problem.tsx'

interface Shown {
  readonly onClose: () => void
}

/** The session ended in the middle of something: sign in again on top of the page, which keeps what was typed. */
export const SignInAgain = ({ onClose }: Shown) => {
  const queries = useQueryClient()
  const known = queries.getQueryData(meQuery.queryKey)
  const [email, setEmail] = useState(known?.user.email ?? '')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const signIn = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await patchbay.session.signIn({ email, password })
      const me = await patchbay.me()
      // somebody else's page must not stay on the screen
      if (known && me.user.id !== known.user.id) {
        forgetTab()
        window.location.assign('/connections')
        return
      }
      // a new session begins in the first organisation; what is on the screen belongs to the one before
      if (known && me.organization.slug !== known.organization.slug) await patchbay.account.chooseOrganization(known.organization.slug)
      setPassword('')
      onClose()
      await queries.invalidateQueries()
    } catch (refused) {
      setError(sentenceOf(refused))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal opened onClose={onClose} zIndex={10_000} title="Your session has ended" closeOnClickOutside={false}>
      <form onSubmit={event => void signIn(event)}>
        <Stack gap="sm">
          <Text c="dimmed">Sign in again and go on where you were. Nothing that you typed is lost.</Text>
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            value={email}
            onChange={event => setEmail(event.currentTarget.value)}
            required
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            value={password}
            onChange={event => setPassword(event.currentTarget.value)}
            error={error}
            required
            data-autofocus
          />
          <Group justify="flex-end">
            <Button type="submit" loading={busy}>
              Sign in
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
