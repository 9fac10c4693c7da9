import { z } from 'zod'
import source from './dialects.json' with { type: 'json' }
import { clientOptions, type ClientOptions } from './oauth2-clients.ts'

const dialect = z.strictObject({
  about: z.string(),
  paths: z.record(z.string(), z.string()).default({}),
  options: z.record(z.string(), z.json()),
  metadata: z.record(z.string(), z.json()).nullable().default(null),
})

/** Habits of real services, each under `/dialects/<name>`: other defaults for the client options, and other paths. */
export type Dialect = z.infer<typeof dialect>

const plain: Dialect = { about: 'RFC 6749 as written.', paths: {}, options: {}, metadata: null }

let read: ReadonlyMap<string, { readonly dialect: Dialect; readonly options: ClientOptions }> | null = null

/** Read on first use, because the option schema and this table refer to each other. */
function table() {
  return (read ??= new Map(
    Object.entries({ '': plain, ...source }).map(([name, entry]) => {
      const parsed = dialect.parse(entry)
      return [name, { dialect: parsed, options: clientOptions.parse(parsed.options) }]
    }),
  ))
}

export const dialectNames = (): string[] => [...table().keys()]

/** `name` '' is the plain service. */
export const findDialect = (name: string): Dialect | undefined => table().get(name)?.dialect

/** The defaults of a dialect's clients. Unknown names have been refused by the router. */
export const dialectOptions = (name: string): ClientOptions => table().get(name)?.options ?? clientOptions.parse({})
