import { cliConfig, readConfig } from './config.ts'
import { run } from './cli/patchbay.ts'
import { Problem } from './core/problem.ts'
import { Failure } from './cli/failure.ts'

/** The command `patchbay`: its surroundings, and the one thing that a command does to the server's own files. */
async function main(): Promise<number> {
  let surroundings
  try {
    surroundings = cliConfig()
  } catch (error) {
    process.stderr.write(`usage: ${error instanceof Error ? error.message : 'The settings cannot be read.'}\n`)
    return 2
  }
  return run(process.argv.slice(2), surroundings, async file => {
    // loaded when it is asked for: the other commands start without a database
    const { restore } = await import('./restore.ts')
    return restore(file, readConfig()).catch((error: unknown) => {
      throw error instanceof Problem ? new Failure(error.code, error.message, error) : error
    })
  })
}

process.exitCode = await main()
