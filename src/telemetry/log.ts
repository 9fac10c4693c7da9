import pino from 'pino'
import { Problem } from '../core/problem.ts'

export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Longest text of one field. A name from outside can be a megabyte long. */
const longest = 1024

const cut = (text: string): string => (text.length > longest ? text.slice(0, longest) + '…' : text)

/**
 * An error as the log may hold it: what kind, our own sentence, where. Never `message` of what others throw, nor `detail`, `where` or
 * `parameters` of a database error: those quote the value that was wrong (security: default errors leak).
 */
function describe(error: unknown): object {
  if (error instanceof Problem)
    return { kind: 'Problem', code: error.code, facts: error.facts, cause: error.cause === undefined ? undefined : describe(error.cause) }
  if (!(error instanceof Error)) return { kind: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const constraint = 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined
  const frames = error.stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 8)
    .map(line => line.trim())
  return { kind: error.name, code, constraint, at: frames, cause: error.cause === undefined ? undefined : describe(error.cause) }
}

/** Lines of JSON on standard output: one event a line, only the fields that its caller named. */
export function createLog(level: string, destination?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: describe },
      hooks: {
        logMethod(args, method) {
          const [facts] = args as unknown as [Record<string, unknown>]
          if (typeof facts === 'object')
            for (const [name, value] of Object.entries(facts)) if (typeof value === 'string') facts[name] = cut(value)
          method.apply(this, args)
        },
      },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  )
}
