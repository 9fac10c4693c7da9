import type { Command } from 'commander'
import type { Context } from '../patchbay.ts'
import { say, waiting } from '../terminal.ts'

export function restoreCommand(root: Command, context: Context): void {
  root
    .command('restore')
    .description('fill an empty database from a backup (on the server, while it is stopped)')
    .argument('<file>')
    .option('--revocations <file>', 'what "patchbay revocations" wrote: what is in it and is later than the backup is done again')
    .addHelpText(
      'after',
      `
Runs where the server runs and with its settings: PATCHBAY_DATA_DIR or PATCHBAY_DATABASE_URL say which database.
It must be empty. Start the server afterwards with the master key that the backup was made with.
At another public URL than before it makes no calls until "patchbay adopt".`,
    )
    .action(async (file: string, options: { revocations?: string }) => {
      const done = waiting('Restoring')
      const { rows, database, backupAt, refreshTokens, repeated } = await context.restore(file, options.revocations ?? null).finally(done)
      say(`Restored ${rows} rows of ${backupAt} into ${database}. Start the server with the master key that the backup was made with.`)
      if (options.revocations !== undefined) say(`Revocations, deletions and removals done again: ${repeated}.`)
      if (refreshTokens > 0)
        say(
          `Authorisations with a refresh token of that time: ${refreshTokens}. Where a service has replaced it since, the first renewal is refused,` +
            ' and the connection says that it has to be connected again.',
        )
    })
}
