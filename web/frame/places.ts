import { IconApps, IconCode, IconHistory, IconKey, IconPlugConnected, IconSettings, IconTransfer, IconUsers } from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { Me } from '../../sdk/index.ts'

interface Place {
  readonly to: '/connections' | '/services' | '/functions' | '/invocations' | '/members' | '/api-keys' | '/audit' | '/settings'
  readonly label: string
  readonly icon: ComponentType<{ size?: number; stroke?: number }>
  readonly administrators?: boolean
}

/** What the rail leads to: the work above, what keeps it in order below. */
const places: readonly (readonly Place[])[] = [
  [
    { to: '/connections', label: 'Connections', icon: IconPlugConnected },
    { to: '/services', label: 'Services', icon: IconApps },
    { to: '/functions', label: 'Functions', icon: IconCode },
    { to: '/invocations', label: 'Invocations', icon: IconTransfer },
  ],
  [
    { to: '/members', label: 'Members', icon: IconUsers, administrators: true },
    { to: '/api-keys', label: 'API keys', icon: IconKey },
    { to: '/audit', label: 'Audit', icon: IconHistory, administrators: true },
    { to: '/settings', label: 'Settings', icon: IconSettings },
  ],
]

export const placesFor = (me: Me | undefined): readonly (readonly Place[])[] =>
  places.map(group => group.filter(place => !place.administrators || me?.role === 'administrator'))
