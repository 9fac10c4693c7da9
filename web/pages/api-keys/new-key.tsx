import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewApiKey } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { CopyIcon } from '../../parts/copy.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import classes from './api-keys.module.css'

const anyCall = (origin: string): string =>
  [
    `curl ${origin}/api/v1/invoke \\`,
    '  -H "Authorization: Bearer $PATCHBAY_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"connection":"link_name","url":"https://api.example.com/"}'`,
  ].join('\n')

/** A call that this key may make; the key itself stays out of it, for it would end in a shell's history. */
const useExample = ({ connections, invoke_only, scopes }: NewApiKey): string => {
  const linkName = scopes === null ? connections?.[0] : undefined
  const snippets = useQuery({
    queryKey: ['connection', linkName, 'snippets'],
    queryFn: () => patchbay.connections.snippets(linkName ?? ''),
    enabled: linkName !== undefined,
  })
  const { origin } = window.location
  if (scopes !== null)
    return `curl "${origin}/functions/function_name/actions/execute?auth_type=oauth" -H "Authorization: Bearer $PATCHBAY_API_KEY"`
  if (linkName !== undefined) return snippets.data?.curl ?? anyCall(origin).replace('link_name', linkName)
  return invoke_only ? anyCall(origin) : `curl ${origin}/api/v1/connections -H "Authorization: Bearer $PATCHBAY_API_KEY"`
}

/** The key, this once. Only saying that it is stored closes the dialog. */
export const NewKey = ({ made, onDone }: { readonly made: NewApiKey; readonly onDone: () => void }) => {
  const [stored, setStored] = useState(false)
  const example = useExample(made)
  return (
    <Modal
      opened
      onClose={() => stored && onDone()}
      title={`Your key ${made.name}`}
      size="lg"
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="md">
        <Text>Copy it now: only its fingerprint is kept, so nobody can show it again.</Text>
        <ShownOnce value={made.key} label="the key" />
        <div>
          <Group justify="space-between" mb={4}>
            <Text size="sm" fw={500}>
              Try it
            </Text>
            <CopyIcon value={example} label="Copy the example" />
          </Group>
          <pre className={classes.example} tabIndex={0} aria-label="Example">
            {example}
          </pre>
        </div>
        <Checkbox label="I have stored the key" checked={stored} onChange={event => setStored(event.currentTarget.checked)} />
        <Group justify="flex-end">
          <Button disabled={!stored} onClick={onDone}>
            Done
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
