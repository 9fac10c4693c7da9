import { InvalidArgumentError, type Command } from 'commander'
import { runStatuses, type LoggedRun, type RunStatus } from '../../../sdk/index.ts'
import type { Context } from '../patchbay.ts'
import { printJson, printTable } from '../terminal.ts'
import { named } from './functions-run.ts'

interface RunsOptions {
  readonly status?: RunStatus
  readonly limit: number
  readonly json?: true
}

const most = 1000

function limitFrom(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw new InvalidArgumentError(`Write a whole number from 1 to ${most}.`)
  return limit
}

function statusFrom(text: string): RunStatus {
  const status = runStatuses.find(one => one === text)
  if (!status) throw new InvalidArgumentError(`Choose one of ${runStatuses.join(', ')}.`)
  return status
}

const outcomeOf = ({ error }: LoggedRun): string | null =>
  error && (error.line > 0 ? `line ${error.line}: ${error.message}` : error.message)

export function runsCommand(functions: Command, context: Context): void {
  functions
    .command('runs')
    .description('what ran, the newest first; your own runs when you write no functions')
    .argument('[function]', 'of one function: namespace.name, or the name of a standalone one')
    .option('--status <status>', runStatuses.join(', '), statusFrom)
    .option('--limit <number>', 'how many', limitFrom, 20)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
"interrupted" is a run whose process was killed, "missed" a scheduled one that nothing ran at its time. Neither is run again by itself.

  $ patchbay functions runs hello
  $ patchbay functions runs --status interrupted`,
    )
    .action(async (name: string | undefined, { status, limit, json }: RunsOptions, command: Command) => {
      const patchbay = context.patchbay(command)
      const query = { status, limit: Math.min(limit, 100) }
      const path = name === undefined ? null : await named(patchbay, name)
      const found: LoggedRun[] = []
      for await (const one of path ? patchbay.functions.runs(path.namespace, path.name, query) : patchbay.functions.allRuns(query)) {
        found.push(one)
        if (found.length === limit) break
      }
      if (json) return printJson(found)
      const rows = found.map(one => [one.started_at, one.status, one.function, one.door, one.user?.name ?? null, outcomeOf(one)])
      printTable(['STARTED', 'STATUS', 'FUNCTION', 'BY', 'WHO', 'ERROR'], rows, 'No run was found.')
    })
}
