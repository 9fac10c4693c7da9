import { open, rename, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { say, waiting } from '../terminal.ts'

export function revocationsCommand(root: Command, context: Context): void {
  root
    .command('revocations')
    .description('write what was revoked, deleted and removed since a moment, to be done again after a restore (operator)')
    .requiredOption('--since <time>', 'such as the moment of the last backup, 2026-11-20T03:00Z')
    .argument('<file>', 'replaced where it exists')
    .addHelpText(
      'after',
      `
A restore goes back to the moment of the backup: what was revoked, deleted or removed afterwards is back. Run this often, say every
hour, keep the file where the backups are, and give it to "patchbay restore --revocations".`,
    )
    .action(async (file: string, options: { since: string }, command: Command) => {
      const since = new Date(options.since)
      if (Number.isNaN(since.getTime())) throw new Failure('usage', '--since: write a moment such as 2026-11-20T03:00Z.')
      const part = `${file}.part`
      const done = waiting('Reading')
      let count = 0
      try {
        const handle = await open(part, 'w', 0o600)
        try {
          for await (const one of context.patchbay(command).operations.revocations({ since: since.toISOString(), limit: 100 })) {
            await handle.write(`${JSON.stringify(one)}\n`)
            count++
          }
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(part, file)
      } finally {
        done()
        await rm(part, { force: true })
      }
      say(`${file} holds ${count} revocations, deletions and removals.`)
    })
}
