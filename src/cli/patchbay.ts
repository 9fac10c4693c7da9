import { Command, CommanderError } from 'commander'
import { Patchbay } from '../../sdk/index.ts'
import { version } from '../core/version.ts'
import { adoptCommand } from './commands/adopt.ts'
import { backupCommand } from './commands/backup.ts'
import { connectCommand } from './commands/connect.ts'
import { connectionCommands } from './commands/connections.ts'
import { doctorCommand } from './commands/doctor.ts'
import { functionCommands } from './commands/functions.ts'
import { invokeCommand } from './commands/invoke.ts'
import { keyCommands } from './commands/keys.ts'
import { loginCommand } from './commands/login.ts'
import { restoreCommand } from './commands/restore.ts'
import { revocationsCommand } from './commands/revocations.ts'
import { serviceCommands } from './commands/services.ts'
import { accessOf, urlOf, type AccessOptions, type Surroundings } from './credentials.ts'
import { described, Failure } from './failure.ts'
import { say } from './terminal.ts'

export interface RestoredRows {
  readonly rows: number
  /** For people. */
  readonly database: string
  /** RFC 3339. */
  readonly backupAt: string
  /** Authorisations that have one, which may be used up. */
  readonly refreshTokens: number
  /** Revocations, deletions and removals since the backup that were done again. */
  readonly repeated: number
}

/** What every command is handed. */
export interface Context {
  readonly surroundings: Surroundings
  /** The Patchbay that is meant, with the caller's key. @throws Failure not_logged_in */
  patchbay(command: Command): Patchbay
  /** Where that is. */
  url(command: Command): string
  /** The server's own: fills its empty database from a backup. Handed in, because nothing in this room opens a database. */
  restore(file: string, revocations: string | null): Promise<RestoredRows>
  /** The server's own: the database belongs to the public URL of the settings from now on. */
  adopt(restoredFrom: Date | null): Promise<{ from: string | null; to: string; refreshTokens: number | null }>
}

/** What a command does to the server's own files and database. */
export type OnServer = Pick<Context, 'restore' | 'adopt'>

const program = (context: Context): Command => {
  const root = new Command('patchbay')
    .description('Connections to other services, from the command line.')
    .version(version)
    .option('--url <url>', 'which Patchbay (default: PATCHBAY_URL, the last login, http://localhost:4400)')
    .option('--key-file <file>', 'a file with the API key, or - (default: PATCHBAY_API_KEY, the last login)')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .showHelpAfterError('(add --help for how it is written)')
    .exitOverride()
  const commands = [
    loginCommand,
    serviceCommands,
    connectionCommands,
    connectCommand,
    invokeCommand,
    functionCommands,
    doctorCommand,
    keyCommands,
    backupCommand,
    restoreCommand,
    revocationsCommand,
    adoptCommand,
  ]
  for (const add of commands) add(root, context)
  root.addHelpText(
    'after',
    `
First:
  $ patchbay login --url https://patchbay.example.com
  $ patchbay services list
  $ patchbay connect crm
  $ patchbay invoke crm https://api.example.com/contacts
  $ patchbay functions --help

Exit codes: 0 done, whatever the service answered; 1 refused or failed, said on stderr as "code: sentence"; 2 written wrongly.`,
  )
  return root
}

/**
 * Runs one command line. @returns the exit code: 0, 1 for what failed, 2 for what was written wrongly.
 *
 * @param argv  Without the interpreter and the script.
 */
export async function run(argv: readonly string[], surroundings: Surroundings, onServer: OnServer): Promise<number> {
  const options = (command: Command) => command.optsWithGlobals<AccessOptions>()
  const context: Context = {
    surroundings,
    ...onServer,
    patchbay: command => new Patchbay(accessOf(surroundings, options(command))),
    url: command => urlOf(surroundings, options(command)),
  }
  // `patchbay services list | head` ends when head has seen enough
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    await program(context).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    say(described(error))
    return error instanceof Failure && error.code === 'usage' ? 2 : 1
  }
}
