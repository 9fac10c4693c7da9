import type { Caller } from '../broker/broker.ts'
import { operatorsOrganization } from '../broker/operators.ts'
import { Problem } from '../core/problem.ts'
import type { Doors } from './doors.ts'

/**
 * What concerns the whole instance (keys, back-ups) is for the operator: an administrator of the first organisation, calling in it.
 * Administrators of other organisations are not.
 * @throws Problem forbidden
 */
export async function assertOperator({ broker }: Doors, { principal }: Caller): Promise<void> {
  if (principal.role !== 'administrator' || (await operatorsOrganization(broker)) !== principal.organizationId)
    throw new Problem('forbidden', { detail: 'Only the operator, an administrator of the first organisation, may do this.' })
}
