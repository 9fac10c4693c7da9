import type { Command } from 'commander'
import type { KeyStatus, Patchbay } from '../../../sdk/index.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { pause } from '../pause.ts'
import { print, printTable, say, waiting } from '../terminal.ts'

const steps = `Rotating the master key takes three steps; nothing stops meanwhile.

  1. Before: put the new key as the first line of the key file of every instance, above the old one,
     and restart them. (openssl rand -base64 32 makes one.)
  2. This command: every data key is wrapped again, by the new master key. It may be run again.
  3. Afterwards: remove the old line and restart. Keep the old key as long as you keep backups from before.

With --data every organisation gets a new data key instead, and every secret is sealed again by it, behind.
Nothing has to be prepared; the old data keys are destroyed a day later, when nothing needs them.`

export function keyCommands(root: Command, context: Context): void {
  const keys = root.command('keys').description('the keys that secrets are sealed by (operator)')
  keys
    .command('rotate')
    .description('the second of three steps: wrap every data key by the newest master key; or --data')
    .option('--data', 'new data keys instead: seal every secret again')
    .addHelpText('after', `\n${steps}`)
    .action(async (options: { data?: true }, command: Command) => {
      const patchbay = context.patchbay(command)
      if (options.data) return rotateData(patchbay)
      say(`${steps}\n`)
      return rewrap(patchbay)
    })
  keys
    .command('status')
    .description('what each master key wraps, and how far a rotation is')
    .action(async (_options: object, command: Command) => {
      const status = await context.patchbay(command).operations.keys()
      printTable(
        ['master key', 'state', 'data keys'],
        status.master_keys.map(key => [key.id, key.state, key.data_keys]),
        'There is none.',
      )
      for (const sentence of inWords(status)) say(sentence)
    })
  keys
    .command('verify')
    .description('open every data key and one secret of each, and say what does not open')
    .option('--all', 'every secret, not one of each')
    .action(async (options: { all?: true }, command: Command) => {
      const patchbay = context.patchbay(command)
      const done = waiting('Opening')
      const report = await patchbay.operations.verifyKeys({ all: options.all ?? false }).finally(done)
      print(`Data keys: ${report.data_keys}. Secrets: ${report.fields}. Damaged: ${report.damaged.length}.`)
      if (report.damaged.length > 0) throw new Failure('integrity_error', `These do not open:\n${report.damaged.join('\n')}`)
    })
}

function inWords({ master_keys, retired_data_keys, rotation }: KeyStatus): string[] {
  const sentences = master_keys.flatMap(({ id, state, data_keys }) =>
    state === 'older' && data_keys === 0
      ? [`Nothing is wrapped by ${id} any more: it may be removed from the key file. Older backups still need it.`]
      : state === 'missing'
        ? [`${id} is not here, and ${data_keys} data keys need it.`]
        : [],
  )
  if (retired_data_keys > 0)
    sentences.push(`${retired_data_keys} retired data keys are destroyed when nothing needs them, a day after their rotation.`)
  if (rotation && !rotation.finished_at)
    sentences.push(
      `${rotation.done} of ${rotation.total} secrets sealed again${rotation.running ? ' so far' : '; interrupted, it goes on within a minute'}.`,
    )
  return sentences
}

const wrappedByOlder = ({ master_keys }: KeyStatus): number =>
  master_keys.reduce((sum, key) => (key.state === 'newest' ? sum : sum + key.data_keys), 0)

/** Says how far it is, once a second, until `work` is done. */
async function following<T>(work: Promise<T>, progress: () => Promise<string | null>): Promise<T> {
  let ended = false
  const settled = work.finally(() => (ended = true))
  settled.catch(() => {}) // awaited below
  let last: string | null = null
  while (!ended) {
    await Promise.race([pause(1), settled.catch(() => {})])
    if (ended) break
    const sentence = await progress().catch(() => null)
    if (sentence !== null && sentence !== last) say((last = sentence))
  }
  return settled
}

async function rewrap(patchbay: Patchbay): Promise<void> {
  const total = wrappedByOlder(await patchbay.operations.keys())
  say(`Wrapping ${total} data keys again …`)
  const { rewrapped, remaining, damaged } = await following(patchbay.operations.rewrapKeys(), async () => {
    const left = wrappedByOlder(await patchbay.operations.keys())
    return `${total - left} of ${total}`
  })
  print(`Wrapped again: ${rewrapped}. With an older master key: ${remaining}.`)
  if (damaged.length > 0)
    throw new Failure(
      'integrity_error',
      `These data keys do not open and were left as they are: ${damaged.join(', ')}. Keep the old master key.`,
    )
  if (remaining > 0)
    throw new Failure('incomplete', 'Keep the old master key. Another instance still runs with it: restart it, then run this again.')
  say('The old master key is not needed any more, except for older backups.')
}

async function rotateData(patchbay: Patchbay): Promise<void> {
  let status = await patchbay.operations.rotateDataKeys()
  const started = status.rotation?.started_at
  say('Every organisation gets a new data key, and every secret is sealed again. It goes on on the server, also without this command.')
  let last = ''
  while (status.rotation && status.rotation.started_at === started && status.rotation.finished_at === null) {
    const { done, total, running } = status.rotation
    const sentence = running ? `${done} of ${total}` : `${done} of ${total}, interrupted: it goes on`
    if (sentence !== last) say((last = sentence))
    await pause(0.5)
    // an instance that died is not waited for: this goes on with what is there
    status = running ? await patchbay.operations.keys() : await patchbay.operations.rotateDataKeys()
  }
  const { rotation, retired_data_keys } = status
  print(`Sealed again: ${rotation?.done ?? 0}. Damaged: ${rotation?.damaged ?? 0}. Old data keys to be destroyed: ${retired_data_keys}.`)
  if (rotation && rotation.damaged > 0)
    throw new Failure('integrity_error', 'Some secrets do not open and were left as they are: "patchbay keys verify --all" names them.')
}
