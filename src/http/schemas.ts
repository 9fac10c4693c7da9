import { z } from 'zod'
import type { NewConnection } from '../broker/connection-edits.ts'
import { displayName, linkName } from '../core/link-name.ts'
import { Problem, invalid } from '../core/problem.ts'
import type { PageRequest } from '../storage/page.ts'

/** Shapes that several routes share. */

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(1000).optional(),
}

export const pageOf = (query: { limit: number; cursor?: string | undefined }): PageRequest => ({
  limit: query.limit,
  cursor: query.cursor ?? null,
})

export const listOf = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item).readonly(), next_cursor: z.string().nullable() })

/** RFC 9457, as every refusal is written. */
export const problemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z
    .array(
      z.object({
        path: z.string(),
        message: z.string(),
        line: z.int().optional().meta({ description: 'In a script.' }),
        column: z.int().optional(),
        end_line: z.int().optional(),
        end_column: z.int().optional(),
        suggestion: z.string().nullable().optional(),
      }),
    )
    .optional(),
})

export const access = z.union([z.enum(['private', 'organization']), z.strictObject({ members: z.array(z.string().max(100)).max(1000) })])

/** A path of ours, never another origin (X08.27). */
const ownPath = z
  .string()
  .regex(/^\/(?![/\\])[\x21-\x7e]*$/, 'Write a path of this Patchbay, such as /connections/files.')
  .refine(
    path => !/[\\]|%(?:09|0a|0d|5c|2f)/i.test(path.split('?')[0] ?? '') && new URL(path, 'http://a.invalid').host === 'a.invalid',
    'Write a path of this Patchbay.',
  )

/** Where a browser goes after an authorisation. */
export const returnTo = ownPath.max(1000)

/** Where a browser goes after signing in: it may be a callback, whose code has 4096 characters and which brings more of the service's own. */
export const signInReturnTo = ownPath.max(12_000)

/** `If-Match: "7"` as the version it names; null without. @throws Problem precondition_failed for one that is not ours. */
export function ifMatch(header: string | undefined): number | null {
  if (header === undefined || header === '*') return null
  const version = /^"(\d{1,9})"$/.exec(header)?.[1]
  if (version === undefined) throw new Problem('precondition_failed')
  return Number(version)
}

/** A limited body of names and texts. */
export const values = z.record(z.string().max(200), z.unknown())

export const notEmpty = (body: object): void => {
  if (Object.keys(body).length === 0) throw invalid('', 'Say what to change.')
}

export const askedScopes = z.array(z.string().max(500)).max(500)

/** What an authorisation is given: values, and where the browser goes afterwards. */
export const given = { variables: values.optional(), credentials: values.optional(), return_to: returnTo.optional() }

/** A connection as somebody creates it, but for its service. */
export const newConnection = z.strictObject({
  name: displayName,
  link_name: linkName,
  scopes: askedScopes.optional(),
  use_login_user_credentials: z.boolean().default(false),
  access: access.optional(),
  ...given,
})

export const newConnectionOf = (body: z.output<typeof newConnection>): Omit<NewConnection, 'service'> => ({
  name: body.name,
  linkName: body.link_name,
  scopes: body.scopes,
  useLoginUserCredentials: body.use_login_user_credentials,
  access: body.access,
  variables: body.variables,
  credentials: body.credentials,
  returnTo: body.return_to ?? null,
})
