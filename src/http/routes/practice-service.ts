import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ensurePracticeService, findPracticeService } from '../../broker/practice-service.ts'
import { Problem } from '../../core/problem.ts'
import type { Doors } from '../doors.ts'
import { callerOf, personOf } from '../session.ts'
import { perAddress } from '../throttle.ts'

const path = '/api/v1/practice-service'
const tags = ['Services']
const shape = z.object({
  url: z.string(),
  service: z.string().nullable().meta({ description: 'The link name of the organisation’s service there; null before it is made.' }),
})

/** The built-in practice service as a service of the organisation: for a first connection without a provider. */
export const practiceServiceRoutes =
  ({ broker, practiceUrl }: Doors): FastifyPluginAsyncZod =>
  async app => {
    const urlOfPractice = (): string => {
      if (practiceUrl === null)
        throw new Problem('not_found', {
          detail: 'The practice service does not run here. An operator turns it on with PATCHBAY_PRACTICE=on.',
        })
      return practiceUrl
    }

    app.get(
      path,
      {
        schema: {
          summary: 'Whether the built-in practice service runs, and the organisation’s service there',
          tags,
          response: { 200: shape },
        },
      },
      async request => {
        const url = urlOfPractice()
        const service = await findPracticeService(broker, callerOf(request).principal, url)
        return { url, service: service?.definition.link_name ?? null }
      },
    )

    app.post(
      path,
      {
        config: perAddress(30),
        schema: {
          summary: 'Make a custom service of the built-in practice service, unless there is one',
          tags,
          body: z.strictObject({}).nullish(),
          response: { 200: shape },
        },
      },
      async request => {
        const url = urlOfPractice()
        const { definition } = await ensurePracticeService(broker, personOf(request), url)
        return { url, service: definition.link_name }
      },
    )
  }
