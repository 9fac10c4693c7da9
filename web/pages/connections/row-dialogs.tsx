import { useQuery } from '@tanstack/react-query'
import type { Connection, Me } from '../../../sdk/index.ts'
import type { Authorizing } from '../../parts/authorize.tsx'
import { EditConnection } from '../connection/edit-connection.tsx'
import { EndConnection, type Ending } from '../connection/end-connection.tsx'
import { serviceQuery } from '../connection/queries.ts'
import { rightsOf } from '../connection/rights.ts'

/** What a row's menu asks for. */
export type Act = 'edit' | Ending

interface Shown {
  readonly connection: Connection
  readonly act: Act | null
  readonly me: Me
  readonly authorizing: Authorizing
  readonly onClose: () => void
  readonly onChanged: () => Promise<unknown>
}

/** The dialogs of the connection's own page, over the list. */
export const RowDialogs = ({ connection, act, me, authorizing, onClose, onChanged }: Shown) => {
  const service = useQuery(serviceQuery(connection.service.link_name)).data
  return act === 'edit' ? (
    <EditConnection {...{ connection, service, authorizing, onClose, onChanged }} />
  ) : (
    <EndConnection {...{ connection, me, service, onClose }} rights={rightsOf(connection, me)} ending={act} />
  )
}
