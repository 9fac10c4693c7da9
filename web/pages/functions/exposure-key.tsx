import { Button, Group, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { FunctionExposure, Me } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { tellDone } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import classes from './exposure.module.css'

interface Shown {
  readonly exposure: FunctionExposure
  readonly me: Me
}

/** One key opens every function of the organisation that is open by key; administrators replace it. */
export const ExposureKey = ({ exposure, me }: Shown) => {
  const queries = useQueryClient()
  const [asking, setAsking] = useState<'new' | 'drop' | null>(null)
  const { key } = exposure
  if (key === null) return null
  const again = () => queries.invalidateQueries({ queryKey: ['function'] })
  return (
    <div className={classes.key}>
      <Text size="sm" c="dimmed">
        The key is the organisation’s: it begins with <code>{key.prefix}</code>, was made <Time at={key.created_at} />, and opens every
        function that is open by key.
      </Text>
      {me.role === 'administrator' && (
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => setAsking('new')}>
            Make a new key …
          </Button>
          <Button size="xs" variant="subtle" color="gray" onClick={() => setAsking('drop')}>
            Drop the key …
          </Button>
        </Group>
      )}
      <Confirm
        title="Make a new key?"
        verb="Make a new key"
        opened={asking === 'new'}
        onClose={() => setAsking(null)}
        onConfirm={async () => {
          await patchbay.functions.rotateKey()
          await again()
          tellDone('Made. The addresses below hold the new key.')
        }}
      >
        The key that is used now is dead at once: every address with it stops working, of every function of the organisation.
      </Confirm>
      <Confirm
        title="Drop the key?"
        verb="Drop the key"
        opened={asking === 'drop'}
        onClose={() => setAsking(null)}
        onConfirm={async () => {
          await patchbay.functions.dropKey()
          await again()
          tellDone('Dropped.')
        }}
      >
        No function can be called by key any more, until one is opened by key again.
      </Confirm>
    </div>
  )
}
