import { cliConfig, readConfig } from './config.ts'
import { run } from './cli/patchbay.ts'
import { Problem } from './core/problem.ts'
import { Failure } from './cli/failure.ts'

const asFailure = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw error instanceof Problem ? new Failure(error.code, error.message, error) : error
  })

/** The command `patchbay`: its surroundings, and what commands do to the server's own database. */
async function main(): Promise<number> {
  let surroundings
  try {
    surroundings = cliConfig()
  } catch (error) {
    process.stderr.write(`usage: ${error instanceof Error ? error.message : 'The settings cannot be read.'}\n`)
    return 2
  }
  // loaded when it is asked for: the other commands start without a database
  return run(process.argv.slice(2), surroundings, {
    restore: async (file, revocations) => asFailure((await import('./restore.ts')).restore(file, readConfig(), revocations)),
    adopt: async restoredFrom => asFailure((await import('./adopt.ts')).adopt(readConfig(), restoredFrom)),
  })
}

process.exitCode = await main()
