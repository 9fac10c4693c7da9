import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { planFunctions } from '../../broker/function-plan.ts'
import { longestSource } from '../../broker/function-check.ts'
import type { Doors } from '../doors.ts'
import { personOf } from '../session.ts'

const files = z.array(z.strictObject({ path: z.string().max(1000), source: z.string().max(longestSource) })).max(2000)

const place = z.object({ path: z.string(), line: z.int() })
const findings = z
  .array(z.object({ line: z.int(), column: z.int(), message: z.string(), suggestion: z.string().nullable() }))
  .readonly()
  .meta({ description: 'The first 50.' })
const used = { uses: z.int(), used_in: z.array(place).readonly().meta({ description: 'The first 20.' }) }
const named = z.object({ name: z.string(), ...used })

const planShape = z.object({
  files: z
    .array(
      z.object({
        path: z.string(),
        function: z.string().nullable().meta({ description: 'That its first header names.' }),
        functions: z.array(z.string()).readonly().meta({ description: 'All of its headers.' }),
        errors: findings,
        warnings: findings,
        connections: z.array(z.string()).readonly(),
        tasks: z.array(z.string()).readonly(),
        unavailable: z.array(z.object({ construct: z.string(), line: z.int() })).readonly(),
        dynamic_connection: z.boolean().meta({ description: 'It computes the name of a connection: which, nobody can tell.' }),
      }),
    )
    .readonly(),
  connections: z
    .array(
      z.object({
        link_name: z.string(),
        status: z.string().meta({ description: 'missing, not_yours, or the status of the connection.' }),
        ready: z.boolean(),
        service: z.object({ link_name: z.string(), name: z.string(), kind: z.enum(['default', 'custom']), exists: z.boolean() }).nullable(),
        scopes: z.array(z.string()).readonly().meta({ description: 'What its calls seem to need: look at them.' }),
        missing_scopes: z.array(z.string()).readonly(),
        hosts: z.array(z.string()).readonly(),
        tasks: z.array(z.string()).readonly(),
        ...used,
        steps: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  hosts: z.array(z.object({ host: z.string(), connections: z.array(z.string()).readonly(), ...used })).readonly(),
  tasks: z.array(named).readonly(),
  unavailable: z
    .array(named.extend({ instead: z.string().meta({ description: 'What to do here, as a sentence.' }) }))
    .readonly()
    .meta({ description: 'What only another host of the language can do.' }),
  functions: z.array(named.extend({ defined: z.boolean() })).readonly(),
  ready: z.boolean(),
  steps: z.array(z.string()).readonly(),
})

export const functionPlanRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.post(
      '/api/v1/functions/plan',
      {
        bodyLimit: 32 * 1024 * 1024,
        schema: {
          summary: 'What a folder of scripts needs here, and what of it is there already; stores nothing',
          tags: ['Functions'],
          body: z.union([files, z.strictObject({ files })]),
          response: { 200: planShape },
        },
      },
      async request => planFunctions(broker, personOf(request).principal, 'files' in request.body ? request.body.files : request.body),
    )
  }
