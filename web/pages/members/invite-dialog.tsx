import { Button, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import type { Role } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import { exactTime } from '../../parts/time.tsx'
import { roles } from './roles.ts'

/** Who is invited, as what; afterwards the link, shown this once. */
export const InviteDialog = ({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) => {
  const queries = useQueryClient()
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('user')
  const box = useRef<HTMLInputElement>(null)
  const invite = useMutation({
    mutationFn: () => patchbay.invitations.create({ email: email.trim(), role }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['invitations'] }),
    onError: error => {
      if (fieldErrorsOf(error).email !== undefined) box.current?.focus()
    },
    gcTime: 0,
  })
  const again = () => {
    setEmail('')
    setRole('user')
    invite.reset()
  }
  const close = () => {
    onClose()
    if (invite.data) again()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    invite.mutate()
  }
  const wrong = fieldErrorsOf(invite.error).email
  return (
    <Modal opened={opened} onClose={close} title={invite.data ? 'Invited' : 'Invite somebody'} closeOnClickOutside={!invite.data}>
      {invite.data ? (
        <Stack gap="md">
          <Text className="outside">
            {invite.data.mailed
              ? `The invitation was mailed to ${invite.data.email}. You can also hand over the link yourself; it is not shown again.`
              : `No mail was sent: hand this link to ${invite.data.email} yourself. It is not shown again.`}
          </Text>
          <ShownOnce value={invite.data.accept_url} label="the invitation link" />
          <Text size="sm" c="dimmed">
            Works once, until {exactTime(invite.data.expires_at)}.
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={again}>
              Invite somebody else
            </Button>
            <Button onClick={close}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            <TextInput
              ref={box}
              label="E-mail"
              type="email"
              autoComplete="off"
              placeholder="dora@example.com"
              value={email}
              onChange={event => setEmail(event.currentTarget.value)}
              error={wrong}
              data-autofocus
            />
            <Radio.Group label="Role" value={role} onChange={value => setRole(roles.find(one => one.value === value)?.value ?? 'user')}>
              <Stack gap="sm" mt="xs">
                {[...roles].reverse().map(({ value, label, may }) => (
                  <Radio key={value} value={value} label={label} description={may} />
                ))}
              </Stack>
            </Radio.Group>
            {invite.error && wrong === undefined && <ProblemNote error={invite.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={invite.isPending}>
                Invite
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
