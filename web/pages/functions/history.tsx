import { Badge, Button, Group, Select, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DelugeFunction, FunctionVersion } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { exactTime, Time } from '../../parts/time.tsx'
import { functionChanged, functionQuery } from './function-queries.ts'
import { LazyDiff } from './lazy-editor.tsx'
import classes from './history.module.css'

const whose = ({ author }: FunctionVersion): string => author.name ?? 'Somebody who has gone'

/** Every save, the newest first; two of them side by side, and any of them live again. */
export const History = ({ one }: { readonly one: DelugeFunction }) => {
  const queries = useQueryClient()
  const list = useInfiniteQuery({
    queryKey: ['function', one.namespace, one.name, 'versions', one.revision],
    queryFn: ({ pageParam }) => pageOf(patchbay.functions.versions(one.namespace, one.name, { limit: 50, cursor: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next_cursor ?? undefined,
  })
  const versions = list.data?.pages.flatMap(page => page.data) ?? []
  const [chosen, setChosen] = useState<number | null>(null)
  const [against, setAgainst] = useState<'before' | 'live'>('before')
  const [restoring, setRestoring] = useState<FunctionVersion | null>(null)
  const shown = versions.find(version => version.revision === chosen) ?? versions[0]
  const before = shown && versions.find(version => version.revision < shown.revision)
  const live = versions.find(version => version.live)
  const compared = against === 'live' ? live : before

  if (list.isPending) return <RowsLoading />
  if (!shown)
    return list.error ? <ProblemNote error={list.error} retry={() => list.refetch()} /> : <Empty>Nothing has been saved yet.</Empty>
  return (
    <>
      {list.error && <ProblemNote error={list.error} retry={() => list.refetch()} />}
      <div className={classes.columns}>
        <div>
          <ul className={classes.versions} aria-label="Versions">
            {versions.map(version => (
              <li key={version.revision}>
                <button
                  type="button"
                  className={classes.version}
                  aria-pressed={version === shown}
                  onClick={() => setChosen(version.revision)}
                >
                  <span className={classes.number}>
                    Revision {version.revision}
                    {version.live && (
                      <Badge size="sm" variant="light" tt="none">
                        live
                      </Badge>
                    )}
                  </span>
                  <span className={`outside ${classes.quiet}`}>
                    {whose(version)}, <time dateTime={version.saved_at}>{exactTime(version.saved_at)}</time>
                  </span>
                  {version.note !== '' && <span className={`outside ${classes.quiet}`}>{version.note}</span>}
                </button>
              </li>
            ))}
          </ul>
          {list.hasNextPage && (
            <Button variant="subtle" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Older versions
            </Button>
          )}
        </div>
        <Stack gap="sm" miw={0}>
          <Group justify="space-between">
            <div>
              <h2 className={classes.heading}>Revision {shown.revision}</h2>
              <Text size="sm" c="dimmed" className="outside">
                Saved <Time at={shown.saved_at} /> by {whose(shown)}
              </Text>
            </div>
            <Group gap="xs">
              <Select
                aria-label="Compared with"
                w={220}
                allowDeselect={false}
                data={[
                  { value: 'before', label: 'Against the one before' },
                  { value: 'live', label: 'Against what is live' },
                ]}
                value={against}
                onChange={value => setAgainst(value === 'live' ? 'live' : 'before')}
              />
              {!shown.live && (
                <Button variant="default" onClick={() => setRestoring(shown)}>
                  Restore
                </Button>
              )}
            </Group>
          </Group>
          {against === 'before' ? (
            <LazyDiff
              before={compared?.source ?? ''}
              after={shown.source}
              label={compared ? `Revision ${compared.revision} and ${shown.revision}` : `Revision ${shown.revision}`}
            />
          ) : (
            <LazyDiff before={shown.source} after={compared?.source ?? ''} label={`Revision ${shown.revision} and what is live`} />
          )}
        </Stack>
      </div>
      <Confirm
        title={`Restore revision ${restoring?.revision ?? ''}?`}
        verb="Restore"
        opened={restoring !== null}
        onClose={() => setRestoring(null)}
        onConfirm={async () => {
          const { warnings: _, ...saved } = await patchbay.functions.restore(one.namespace, one.name, restoring?.revision ?? 0)
          queries.setQueryData(functionQuery(one).queryKey, saved)
          setChosen(saved.revision)
          await functionChanged(one)
          tellDone(`Restored as revision ${saved.revision}. It is live.`)
        }}
      >
        Its source is saved once more as a new revision, and is live at once. What is live now stays in the history.
      </Confirm>
    </>
  )
}
