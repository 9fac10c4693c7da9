import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { say, waiting } from '../terminal.ts'

export function adoptCommand(root: Command, context: Context): void {
  root
    .command('adopt')
    .description('make the database that of this deployment, after moving to another public URL (on the server)')
    .option('--online', 'ask the running server instead, as its operator')
    .option('--restored-from <time>', 'PostgreSQL’s own tools filled it from a back-up of this moment, such as 2026-11-20T03:00Z')
    .addHelpText(
      'after',
      `
A database knows the public URL it belongs to. Started at another one, Patchbay makes no calls and renews nothing: where a
provider replaces refresh tokens, the first renewal by a copy would end the authorisations of the original.

Run this when Patchbay has moved and nothing runs at the old address any more. For a copy that is to be tried out do not
run it: connect what you need there with accounts of its own.

Runs where the server runs and with its settings, PATCHBAY_PUBLIC_URL among them; the embedded database only while the
server is stopped. --restored-from marks refresh tokens as "patchbay restore" does by itself.`,
    )
    .action(async (options: { online?: true; restoredFrom?: string }, command: Command) => {
      const moment = options.restoredFrom === undefined ? null : new Date(options.restoredFrom)
      if (moment && Number.isNaN(moment.getTime())) throw new Failure('usage', '--restored-from: write a moment such as 2026-11-20T03:00Z.')
      if (options.online && moment) throw new Failure('usage', '--restored-from works on the server, without --online.')
      const done = waiting('Adopting')
      if (options.online) {
        const { from, to } = await context.patchbay(command).operations.adopt().finally(done)
        return say(from === null ? `The database belongs to ${to} already.` : `The database belonged to ${from}, and belongs to ${to} now.`)
      }
      const { from, to, refreshTokens } = await context.adopt(moment).finally(done)
      say(from === null ? `The database belongs to ${to} already.` : `The database belonged to ${from}, and belongs to ${to} now.`)
      if (refreshTokens !== null)
        say(`${refreshTokens} refresh tokens are marked: the first renewal of each will tell whether it is still good.`)
    })
}
