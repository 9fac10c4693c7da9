import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { adopt } from '../../broker/deployment.ts'
import { rotateDataKeys } from '../../broker/data-key-rotation.ts'
import { keyStatus, rewrapKeys, verifyKeys } from '../../broker/keys.ts'
import type { Doors } from '../doors.ts'
import { assertOperator } from '../operator.ts'
import { administratorOf } from '../session.ts'

const tags = ['Operations']

const statusShape = z.object({
  master_keys: z.array(
    z.object({
      id: z.string(),
      data_keys: z.int().meta({ description: 'Data keys that it wraps. An older master key with 0 may be removed.' }),
      state: z
        .enum(['newest', 'older', 'missing'])
        .meta({ description: 'newest: wraps what is new; older: loaded, only unwraps; missing: this server does not have it.' }),
    }),
  ),
  retired_data_keys: z.int().meta({ description: 'Replaced by a rotation, and still needed or not yet destroyed.' }),
  rotation: z
    .object({
      started_at: z.string(),
      finished_at: z.string().nullable(),
      total: z.int().meta({ description: 'Secrets to be sealed again.' }),
      done: z.int(),
      damaged: z.int().meta({ description: 'Secrets that did not open and were left as they are.' }),
      running: z.boolean().meta({ description: 'False and not finished: it was interrupted, and goes on within a minute.' }),
    })
    .nullable()
    .meta({ description: 'The last rotation of data keys; null when there was none.' }),
})

/** The keys that everything is sealed by, and whose the database is: for the operator. */
export const keyOperationRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors

    app.get(
      '/api/v1/operations/keys',
      {
        schema: {
          summary: 'What each master key wraps, and how far a rotation of data keys is; for the operator',
          tags,
          response: { 200: statusShape },
        },
      },
      async request => {
        await assertOperator(doors, administratorOf(request))
        return keyStatus(broker)
      },
    )

    app.post(
      '/api/v1/operations/rewrap-keys',
      {
        schema: {
          summary: 'Wrap every data key by the newest master key, after it was put first; for the operator',
          tags,
          body: z.strictObject({}).nullish(),
          response: {
            200: z.object({
              rewrapped: z.int(),
              remaining: z.int().meta({ description: 'Only at 0 may the old master key be removed.' }),
              damaged: z.array(z.string()).readonly(),
            }),
          },
        },
      },
      async request => {
        const caller = administratorOf(request)
        await assertOperator(doors, caller)
        return rewrapKeys(broker, caller)
      },
    )

    app.post(
      '/api/v1/operations/rotate-data-keys',
      {
        schema: {
          summary: 'Give every organisation a new data key and seal everything again by it, behind; for the operator',
          tags,
          body: z.strictObject({}).nullish(),
          response: { 200: statusShape },
        },
      },
      async request => {
        const caller = administratorOf(request)
        await assertOperator(doors, caller)
        await rotateDataKeys(broker, caller)
        return keyStatus(broker)
      },
    )

    app.post(
      '/api/v1/operations/verify-keys',
      {
        schema: {
          summary: 'Open every data key, and a secret of each or all secrets, and say which do not open; for the operator',
          tags,
          body: z.strictObject({ all: z.boolean().optional() }).nullish(),
          response: {
            200: z.object({
              data_keys: z.int(),
              fields: z.int().meta({ description: 'Secrets that were tried.' }),
              damaged: z.array(z.string()).meta({ description: 'What did not open, the first hundred.' }),
            }),
          },
        },
      },
      async request => {
        const caller = administratorOf(request)
        await assertOperator(doors, caller)
        return verifyKeys(broker, caller, request.body?.all ? 'all' : 'one of each')
      },
    )

    app.post(
      '/api/v1/operations/adopt',
      {
        schema: {
          summary: 'Make the database that of this public URL, after Patchbay has moved here; for the operator',
          tags,
          body: z.strictObject({}).nullish(),
          response: {
            200: z.object({ from: z.string().nullable().meta({ description: 'Null: it was ours already.' }), to: z.string() }),
          },
        },
      },
      async request => {
        const caller = administratorOf(request)
        await assertOperator(doors, caller)
        return adopt(broker, caller)
      },
    )
  }
