import { Skeleton, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { patchbay } from '../../client.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { CodeBox } from './code-box.tsx'
import { Part } from './part.tsx'
import { codeNames, type CodeKind } from './try-code.ts'

const kinds: readonly CodeKind[] = ['invokeurl', 'json', 'curl', 'typescript', 'proxy']

const explained: Readonly<Record<CodeKind, string>> = {
  invokeurl: 'In a Deluge script. The link name is all that a script needs to know.',
  json: 'What an extension’s manifest says about this connection.',
  curl: 'From a shell, with an API key of yours in PATCHBAY_API_KEY.',
  typescript: 'fetch with the connection’s credential, in Node or anywhere else with fetch.',
  proxy: 'For any program that can be given another address: Patchbay adds the credential on the way.',
}

/** Code to paste, as the server writes it. */
export const UseIt = ({ linkName }: { readonly linkName: string }) => {
  const snippets = useQuery({
    queryKey: ['connection', linkName, 'snippets'],
    queryFn: () => patchbay.connections.snippets(linkName),
    staleTime: 60_000,
  })
  return (
    <Part title="Use it">
      {snippets.error && !snippets.data && <ProblemNote error={snippets.error} retry={() => snippets.refetch()} />}
      <Tabs defaultValue="invokeurl" keepMounted={false}>
        <Tabs.List aria-label="Ways to call it">
          {kinds.map(kind => (
            <Tabs.Tab key={kind} value={kind}>
              {codeNames[kind]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {kinds.map(kind => (
          <Tabs.Panel key={kind} value={kind} pt="sm">
            {snippets.data ? (
              <CodeBox code={snippets.data[kind]} label={`${codeNames[kind]} code`} note={explained[kind]} />
            ) : (
              !snippets.error && <Skeleton height={150} />
            )}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Part>
  )
}
