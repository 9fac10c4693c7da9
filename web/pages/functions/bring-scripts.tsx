import { Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core'
import { IconFiles, IconFolder } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRef, useState, type ChangeEvent } from 'react'
import type { FunctionPlan } from '../../../sdk/index.ts'
import { meQuery, patchbay } from '../../client.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { countWords } from '../../parts/counted-words.ts'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { keep, keeperOf, readKept } from '../../parts/kept.ts'
import { mayWrite } from './function-queries.ts'
import { Plan } from './plan.tsx'
import { readScripts, type Script } from './script-files.ts'
import classes from './plan.module.css'

/** Scripts that somebody has already: what they need here, and what of it is there. */
export const BringScripts = () => {
  const me = useQuery(meQuery)
  return (
    <Page
      title="Bring my scripts"
      sentence="Choose the scripts that you have. They are read and not kept: what they need here comes as a checklist, and then you import them."
    >
      {me.data === undefined ? (
        <RowsLoading rows={3} />
      ) : mayWrite(me.data) ? (
        <Choose keeper={keeperOf(me.data)} />
      ) : (
        <AdministratorsOnly>Only developers and administrators write functions.</AdministratorsOnly>
      )}
    </Page>
  )
}

const keptName = 'scripts-to-bring'
/** Characters kept in the tab, for the way to the page of a connection and back. */
const mostKept = 1_000_000

const isScripts = (value: unknown): value is readonly Script[] =>
  Array.isArray(value) && value.every(one => typeof one === 'object' && one !== null && 'path' in one && 'source' in one)

const keptScripts = (keeper: string): readonly Script[] => {
  const kept = readKept(keptName, keeper)
  return isScripts(kept) ? kept : []
}

const Choose = ({ keeper }: { readonly keeper: string }) => {
  const folder = useRef<HTMLInputElement>(null)
  const [scripts, setScripts] = useState(() => keptScripts(keeper))
  const [pasted, setPasted] = useState('')
  const [left, setLeft] = useState<readonly string[]>([])
  const planned = useQuery({
    queryKey: ['functions', 'plan', scripts],
    queryFn: (): Promise<FunctionPlan> => patchbay.functions.plan(scripts),
    enabled: scripts.length > 0,
    // what it says changes with every connection that is made
    staleTime: 0,
  })
  const take = (next: readonly Script[], leftOut: readonly string[] = []) => {
    setScripts(next)
    setLeft(leftOut)
    keep(keptName, keeper, next.reduce((sum, one) => sum + one.source.length, 0) > mostKept ? null : next)
  }
  const reading = useMutation({
    mutationFn: (files: readonly File[]) => readScripts(files),
    onSuccess: ({ scripts: read, leftOut }) => take(read, leftOut),
  })
  const chosen = (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.currentTarget.files ?? [])]
    event.currentTarget.value = ''
    if (files.length > 0) reading.mutate(files)
  }
  return (
    <Stack gap="lg">
      <div>
        <Group gap="xs">
          <FileButton multiple accept=".dg,.deluge,.ds,.txt" onChange={files => files.length > 0 && reading.mutate(files)}>
            {props => (
              <Button {...props} variant={scripts.length === 0 ? 'filled' : 'default'} leftSection={<IconFiles size={16} />}>
                Choose files
              </Button>
            )}
          </FileButton>
          <Button variant="default" leftSection={<IconFolder size={16} />} onClick={() => folder.current?.click()}>
            Choose a folder
          </Button>
          <input
            ref={input => {
              folder.current = input
              input?.setAttribute('webkitdirectory', '')
            }}
            type="file"
            hidden
            multiple
            aria-label="A folder of scripts"
            onChange={chosen}
          />
          {scripts.length > 0 && (
            <Button variant="subtle" color="gray" onClick={() => take([])}>
              Start again
            </Button>
          )}
        </Group>
        {scripts.length === 0 && (
          <div className={classes.paste}>
            <Textarea
              label="Or paste a script"
              value={pasted}
              autosize
              minRows={6}
              maxRows={18}
              spellCheck={false}
              placeholder={'string standalone.hello()\n{\n\treturn "Hello";\n}'}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              onChange={event => setPasted(event.currentTarget.value)}
            />
            <Button mt="xs" variant="default" disabled={pasted.trim() === ''} onClick={() => take([{ path: 'pasted.dg', source: pasted }])}>
              Look at it
            </Button>
          </div>
        )}
        {left.length > 0 && (
          <Text size="sm" c="dimmed" mt="xs" className="outside">
            {countWords(left.length, 'file')} left out, which are no scripts: {left.slice(0, 5).join(', ')}
            {left.length > 5 && ' …'}
          </Text>
        )}
      </div>
      {reading.error && <ProblemNote error={reading.error} />}
      {planned.error && <ProblemNote error={planned.error} retry={() => planned.refetch()} />}
      {reading.isPending || (scripts.length > 0 && planned.isPending) ? (
        <RowsLoading rows={6} />
      ) : (
        planned.data && scripts.length > 0 && <Plan plan={planned.data} scripts={scripts} onAgain={() => planned.refetch()} />
      )}
    </Stack>
  )
}
