import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { say, waiting } from '../terminal.ts'

export function backupCommand(root: Command, context: Context): void {
  root
    .command('backup')
    .description('write everything that Patchbay holds to a file (operator)')
    .argument('<file>', 'a new file; only you may read it')
    .action(async (file: string, _options: object, command: Command) => {
      if (await exists(file)) throw new Failure('file_exists', `${file} exists already. Choose another name.`)
      const part = `${file}.part`
      const done = waiting('Backing up')
      try {
        await download(await context.patchbay(command).operations.backup(), part)
        const rows = await rowsIn(part)
        await rename(part, file)
        done()
        say(`${file} holds ${rows} rows. Secrets in it stay sealed: keep the master key too, somewhere else.`)
      } finally {
        done()
        await rm(part, { force: true })
      }
    })
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function download(stream: ReadableStream<Uint8Array>, path: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600).catch(async (error: unknown) => {
    await stream.cancel()
    throw error
  })
  try {
    for await (const chunk of stream) await handle.write(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Reads the file as a restore would, to its last line: a backup that was cut short is none. @throws Failure */
async function rowsIn(path: string): Promise<number> {
  let tail = ''
  const keepTail = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) tail = (tail + chunk.toString()).slice(-1000)
  }
  try {
    await pipeline(createReadStream(path), createGunzip(), keepTail)
    const footer = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as { rows?: unknown }
    if (typeof footer.rows === 'number') return footer.rows
  } catch (error) {
    throw new Failure('incomplete', 'The backup did not arrive whole. It was thrown away; try again.', error)
  }
  throw new Failure('incomplete', 'The backup ended too early. It was thrown away; try again.')
}
