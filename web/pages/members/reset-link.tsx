import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Member } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import { exactTime } from '../../parts/time.tsx'

/** A link with which a member sets a new password: made on request, shown this once. */
export const ResetLink = ({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) => {
  const make = useMutation({ mutationFn: () => patchbay.members.resetLink(member.id), gcTime: 0 })
  const name = member.name === '' ? member.email : member.name
  return (
    <Modal opened onClose={onClose} title={`Password reset link for ${name}`} closeOnClickOutside={!make.data}>
      <Stack gap="md">
        {make.error && <ProblemNote error={make.error} />}
        {make.data ? (
          <>
            <Text>
              {make.data.mailed
                ? `It was mailed to ${member.email}. You can also hand it over yourself; it is not shown again.`
                : `No mail was sent: hand it to ${name} yourself, by a way that only they read. It is not shown again.`}
            </Text>
            <ShownOnce value={make.data.reset_url} label="the reset link" />
            <Text size="sm" c="dimmed">
              Works once, until {exactTime(make.data.expires_at)}. Setting the new password ends their sessions.
            </Text>
            <Group justify="flex-end">
              <Button onClick={onClose}>Done</Button>
            </Group>
          </>
        ) : (
          <>
            <Text>
              With the link they set a new password without the old one. An earlier link of theirs stops working. Their password stays until
              then.
            </Text>
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button loading={make.isPending} onClick={() => make.mutate()} data-autofocus>
                Make the link
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Modal>
  )
}
