import { json, type Access } from './transport.ts'
import type { Answer } from './wire.ts'

/** Where the practice service is, and the link name of the organisation's service there. */
export type PracticeService = Answer<'/api/v1/practice-service', 'post'>

/** The service that comes with Patchbay, to try things out. Both reject with `not_found` where it does not run. */
export const practiceOf = (access: Access) => ({
  find: () => json<PracticeService>(access, 'GET', '/api/v1/practice-service'),
  /** Makes the custom service `practice`, unless there is one; the client is registered for you. */
  create: () => json<PracticeService>(access, 'POST', '/api/v1/practice-service', { body: {} }),
})
