import { Button, Group, Text, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { RequestedService, Service } from '../../../sdk/index.ts'
import { patchbay, queryClient } from '../../client.ts'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'
import { administratorsQuery } from '../add-connection/administrators.ts'
import { Note } from './note.tsx'
import { namesInWords } from '../../parts/counted-words.ts'

/** For members: who can set a default service up, and a way to ask them. */
export const AskForClient = ({ service }: { readonly service: Service }) => {
  const administrators = useQuery(administratorsQuery)
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [asked, setAsked] = useState<RequestedService | null>(null)
  const names = (asked?.administrators ?? administrators.data ?? []).map(one => one.name)
  const errors = fieldErrorsOf(error)
  const ask = async () => {
    setBusy(true)
    setError(null)
    try {
      setAsked(await patchbay.services.request(service.link_name, { note: note.trim() || null }))
      await Promise.all([['services'], ['service', service.link_name]].map(queryKey => queryClient.invalidateQueries({ queryKey })))
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Section title="Not set up yet">
      <Text className="outside">
        {service.name} needs the organisation’s own client.{' '}
        {names.length > 0 ? `${namesInWords(names)} can set it up.` : 'An administrator can set it up.'}
      </Text>
      {asked ? (
        <Note role="status" tone="good" mt="sm">
          {asked.mailed
            ? 'You asked for it. The administrators have got a mail, and you get one when it can be connected.'
            : 'You asked for it. The administrators see it in Patchbay, under Services. No mail could be sent, so tell them yourself as well.'}
        </Note>
      ) : (
        <>
          {service.requested_by_me && (
            <Text mt="xs" c="dimmed">
              You have asked for it already. Asking again renews the request.
            </Text>
          )}
          <FormRow label="A word to them" optional help="What you need it for. One line." error={errors.note}>
            {field => (
              <Textarea
                {...field}
                autosize
                minRows={1}
                maxLength={500}
                value={note}
                onChange={event => setNote(event.currentTarget.value)}
              />
            )}
          </FormRow>
          {error !== null && errors.note === undefined && <ProblemNote error={error} />}
          <Group>
            <Button loading={busy} onClick={() => void ask()}>
              {service.requested_by_me ? 'Ask again' : 'Ask for it'}
            </Button>
          </Group>
        </>
      )}
    </Section>
  )
}
