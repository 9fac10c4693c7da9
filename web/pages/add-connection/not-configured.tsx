import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Me, Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Cable } from '../../parts/drawings.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { namesInWords } from '../../parts/counted-words.ts'
import { administratorsQuery } from './administrators.ts'

/** A default service whose client nobody has registered: administrators go and do it, others ask them. */
export const NotConfigured = ({ service, me }: { readonly service: Service; readonly me: Me | undefined }) => {
  const administrator = me?.role === 'administrator'
  return (
    <Stack align="center" gap="md" py="xl">
      <Cable state="unplugged" />
      <Text fw={600} ta="center" className="outside">
        {service.name} needs setting up once
      </Text>
      <Text c="dimmed" ta="center" maw={480} className="outside">
        {service.name} wants every organisation to register an application of its own. After that, everybody here connects with a click.
      </Text>
      {administrator ? (
        <ButtonLink to="/services/$linkName" params={{ linkName: service.link_name }}>
          Set up {service.name}
        </ButtonLink>
      ) : (
        <Ask service={service} />
      )}
    </Stack>
  )
}

const Ask = ({ service }: { readonly service: Service }) => {
  const queries = useQueryClient()
  const administrators = useQuery(administratorsQuery)
  const [note, setNote] = useState('')
  const asking = useMutation({
    mutationFn: () => patchbay.services.request(service.link_name, { note: note.trim() === '' ? null : note.trim() }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['services'] })
      void queries.invalidateQueries({ queryKey: ['service', service.link_name] })
    },
  })
  const who = namesInWords((asking.data?.administrators ?? administrators.data ?? []).map(one => one.name))
  if (asking.data)
    return (
      <Text role="status" ta="center" maw={480} className="outside">
        {who === '' ? 'The administrators have' : `${who} ${asking.data.administrators.length === 1 ? 'has' : 'have'}`} been asked
        {asking.data.mailed ? ' and got a mail' : ''}. It appears here as soon as it is set up.
      </Text>
    )
  return (
    <Stack w="100%" maw={480} gap="sm">
      <Text ta="center" className="outside">
        {who === '' ? 'An administrator' : who} can set it up.
        {service.requested_by_me && ' You have asked already; asking again reminds them.'}
      </Text>
      <Textarea
        label="What you need it for"
        description="Optional; the administrators read it."
        value={note}
        onChange={event => setNote(event.currentTarget.value)}
        maxLength={500}
        autosize
        minRows={2}
      />
      {asking.error && <ProblemNote error={asking.error} />}
      <Group justify="center">
        <Button onClick={() => asking.mutate()} loading={asking.isPending}>
          {service.requested_by_me ? 'Ask again' : 'Ask'}
        </Button>
      </Group>
    </Stack>
  )
}
