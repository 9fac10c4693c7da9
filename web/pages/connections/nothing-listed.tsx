import { Button } from '@mantine/core'
import { ButtonLink } from '../../parts/links.tsx'
import { Empty } from '../../parts/page.tsx'
import type { ListView } from './connections.tsx'

const sentences: Readonly<Record<ListView, string>> = {
  own: 'You have no connections yet. Connect a service once, and scripts, apps and agents call it by the connection’s link name.',
  others: 'Nobody has shared a connection with you yet. A colleague’s connection appears here when you may call it.',
  available: 'Nothing waits for you. A colleague’s connection appears here when it asks for your own account at a service.',
  all: 'There are no connections in this organisation yet.',
}

const notCreating =
  'You have no connections. In this organisation your role does not create them; an administrator can, and can share theirs with you.'

interface Nothing {
  readonly view: ListView
  readonly filtered: boolean
  readonly mayCreate: boolean
  readonly onClear: () => void
}

export const NothingListed = ({ view, filtered, mayCreate, onClear }: Nothing) =>
  filtered ? (
    <Empty
      action={
        <Button variant="default" onClick={onClear}>
          Clear search and filters
        </Button>
      }
    >
      No connection matches.
    </Empty>
  ) : (
    <Empty
      action={
        mayCreate &&
        (view === 'own' || view === 'all') && (
          <>
            <ButtonLink to="/add-connection">Add connection</ButtonLink>
            <ButtonLink to="/welcome" variant="subtle">
              Try it with the practice service
            </ButtonLink>
          </>
        )
      }
    >
      {view === 'own' && !mayCreate ? notCreating : sentences[view]}
    </Empty>
  )
