import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { print, say, waiting } from '../terminal.ts'

const steps = `Rotating the master key takes three steps; nothing stops meanwhile.

  1. Before: put the new key as the first line of the key file of every instance, above the old one,
     and restart them. (openssl rand -base64 32 makes one.)
  2. This command: every data key is wrapped again, by the new master key. It may be run again.
  3. Afterwards: remove the old line and restart. Keep the old key as long as you keep backups from before.`

export function keyCommands(root: Command, context: Context): void {
  const keys = root.command('keys').description('the master key (operator)')
  keys
    .command('rotate')
    .description('the second of three steps: wrap every data key by the newest master key')
    .addHelpText('after', `\n${steps}`)
    .action(async (_options: object, command: Command) => {
      const patchbay = context.patchbay(command)
      say(`${steps}\n`)
      const done = waiting('Wrapping every data key again')
      const { rewrapped, remaining, damaged } = await patchbay.operations.rewrapKeys().finally(done)
      print(`Wrapped again: ${rewrapped}. With an older master key: ${remaining}.`)
      if (damaged.length > 0)
        throw new Failure(
          'integrity_error',
          `These data keys do not open and were left as they are: ${damaged.join(', ')}. Keep the old master key.`,
        )
      if (remaining > 0)
        throw new Failure('incomplete', 'Keep the old master key. Another instance still runs with it: restart it, then run this again.')
      say('The old master key is not needed any more, except for older backups.')
    })
}
