import { Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { Cable } from './drawings.tsx'
import classes from './page.module.css'

interface Head {
  readonly title: ReactNode
  /** For the browser's tab; the title itself when it is text. */
  readonly name?: string | undefined
  readonly sentence?: ReactNode
  /** At most one primary button. */
  readonly action?: ReactNode
  readonly children: ReactNode
}

/** A page: title, one sentence, at most one primary button, and what it is about. */
export const Page = ({ title, name, sentence, action, children }: Head) => {
  const spoken = name ?? (typeof title === 'string' ? title : 'Patchbay')
  useEffect(() => {
    document.title = `${spoken} · Patchbay`
  }, [spoken])
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div className={classes.words}>
          <Title order={1} className="outside">
            {title}
          </Title>
          {sentence !== undefined && <Text c="dimmed">{sentence}</Text>}
        </div>
        {action !== undefined && <Group gap="xs">{action}</Group>}
      </header>
      {children}
    </div>
  )
}

/** A list with nothing in it: what it is for, and what to do next. */
export const Empty = ({ children, action }: { readonly children: ReactNode; readonly action?: ReactNode }) => (
  <Stack className={classes.empty} align="center" gap="md">
    <Cable state="unplugged" />
    <Text c="dimmed" ta="center" maw={440}>
      {children}
    </Text>
    {action}
  </Stack>
)

/** The shape of a list before its first rows are here. */
export const RowsLoading = ({ rows = 6 }: { readonly rows?: number }) => (
  <div role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, index) => (
      <div key={index} className={classes.row}>
        <Skeleton height={32} width={32} radius="sm" />
        <Skeleton height={12} width={`${22 + ((index * 7) % 18)}%`} />
        <Skeleton height={12} width="14%" ml="auto" />
      </div>
    ))}
  </div>
)
