import type { Command } from 'commander'
import type { Context } from '../patchbay.ts'
import { say, waiting } from '../terminal.ts'

export function restoreCommand(root: Command, context: Context): void {
  root
    .command('restore')
    .description('fill an empty database from a backup (on the server, while it is stopped)')
    .argument('<file>')
    .addHelpText(
      'after',
      `
Runs where the server runs and with its settings: PATCHBAY_DATA_DIR or PATCHBAY_DATABASE_URL say which database.
It must be empty. Start the server afterwards with the master key that the backup was made with.`,
    )
    .action(async (file: string) => {
      const done = waiting('Restoring')
      const { rows, database } = await context.restore(file).finally(done)
      say(`Restored ${rows} rows into ${database}. Start the server with the master key that the backup was made with.`)
    })
}
