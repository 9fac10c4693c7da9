import { Button, Group, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { FunctionPlan } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { countWords } from '../../parts/counted-words.ts'
import { TextLink } from '../../parts/links.tsx'
import { sentenceOf } from '../../parts/problem.tsx'
import type { Script } from './script-files.ts'
import classes from './plan.module.css'

interface Shown {
  readonly plan: FunctionPlan
  readonly scripts: readonly Script[]
  readonly onDone: () => unknown
}

interface Imported {
  readonly name: string
  readonly problem: string | null
}

/** Saves every script that has a header and no errors as a function; one that is there already gets a new version. */
export const ImportScripts = ({ plan, scripts, onDone }: Shown) => {
  const queries = useQueryClient()
  const [asking, setAsking] = useState(false)
  const [imported, setImported] = useState<readonly Imported[] | null>(null)
  const sources = new Map(scripts.map(one => [one.path, one.source]))
  const right = plan.files.flatMap(file => {
    const source = sources.get(file.path)
    const [namespace, name] = (file.function ?? '').split('.')
    return source === undefined || file.errors.length > 0 || !namespace || !name ? [] : [{ namespace, name, source, path: file.path }]
  })
  if (right.length === 0)
    return (
      <Text size="sm" c="dimmed" mb="md">
        None can be imported as it is: a function needs a header, such as <code>string standalone.name()</code>, and no errors.
      </Text>
    )
  const run = async () => {
    const done: Imported[] = []
    for (const { namespace, name, source, path } of right) {
      try {
        await patchbay.functions.save(namespace, name, { source, note: `Brought from ${path}`.slice(0, 200) })
        done.push({ name: `${namespace}.${name}`, problem: null })
      } catch (error) {
        done.push({ name: `${namespace}.${name}`, problem: sentenceOf(error) })
      }
    }
    setImported(done)
    await queries.invalidateQueries({ queryKey: ['functions', 'list'] })
    void onDone()
  }
  const failed = imported?.filter(one => one.problem !== null) ?? []
  return (
    <div className={classes.importing}>
      <Group gap="sm">
        <Button leftSection={<IconDownload size={16} />} onClick={() => setAsking(true)}>
          Import {countWords(right.length, 'function')}
        </Button>
        {right.length < plan.files.length && (
          <Text size="sm" c="dimmed">
            {countWords(plan.files.length - right.length, 'script')} with errors, or without a header, stay out.
          </Text>
        )}
      </Group>
      {imported !== null && (
        <div role="status">
          <Text mt="xs">
            {countWords(imported.length - failed.length, 'function')} imported. <TextLink to="/functions">Go to the functions</TextLink>
          </Text>
          {failed.map(one => (
            <Text key={one.name} size="sm" className="outside">
              <code>{one.name}</code>: {one.problem}
            </Text>
          ))}
        </div>
      )}
      <Confirm
        title={`Import ${countWords(right.length, 'function')}?`}
        verb="Import"
        opened={asking}
        onClose={() => setAsking(false)}
        onConfirm={run}
      >
        Each is live at once under the name in its header. A function of that name that is there already gets a new version; what it was
        stays in its history.
      </Confirm>
    </div>
  )
}
