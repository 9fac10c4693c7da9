import { execFileSync, spawn } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freshDataDir } from './databases.ts'
import { freshPath } from './run-directory.ts'

/** A file system of its own in memory, so small that a test can fill it: a mount that only the programs see that are started behind `enter`. */
export interface SmallDisk {
  /** A data directory on it, with an empty embedded database. */
  readonly dataDir: string
  /** What a command begins with that is to see the disk; it replaces itself by the command. */
  readonly enter: readonly string[]
  /** Where the same path is for who does not see the disk. */
  outside(path: string): string
  /** Nothing more can be written, but for what a file has room for already. */
  fill(): void
  /** What `fill` took is free again. */
  makeRoom(): void
  /** No file can be made, removed or opened for writing; what is open already is written on. */
  readOnly(yes: boolean): void
  /** The disk is gone with all that is on it. End those behind `enter` first. */
  stop(): Promise<void>
}

/**
 * A tmpfs in a user and mount namespace of its own, of so many megabytes; an embedded database takes 45.
 * @throws Error that says what is missing: a test that is left out proves nothing.
 */
export async function startSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = freshPath('small-disk')
  mkdirSync(folder)
  const script = 'mount -t tmpfs -o "size=$1m" tmpfs "$2" && echo mounted && read -r end'
  const namespaces = ['--user', '--map-root-user', '--mount']
  const holder = spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', String(megabytes), folder], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<void>(resolve => holder.once('close', () => resolve()))
  await new Promise<void>((mounted, failed) => {
    let said = ''
    holder.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
    holder.stdout.once('data', () => mounted())
    const missing = (why: string) => failed(new Error(`no disk of its own: ${why}. It takes Linux with user namespaces and "unshare".`))
    holder.on('error', error => missing(error.message))
    holder.on('close', code => missing(`${code}, ${said}`))
  })
  const enter = ['nsenter', '--user', '--mount', '--preserve-credentials', '--target', String(holder.pid), '--']
  const outside = (path: string) => join(`/proc/${holder.pid}/root`, path)
  const dataDir = join(folder, 'data')
  const source = await freshDataDir()
  cpSync(source, outside(dataDir), { recursive: true })
  rmSync(source, { recursive: true })
  const filler = join(dirname(outside(dataDir)), 'filler')
  const inside = (...command: readonly string[]) => execFileSync(enter[0] ?? '', [...enter.slice(1), ...command], { stdio: 'pipe' })
  const aside = `${folder}-aside`
  return {
    dataDir,
    enter,
    outside,
    fill() {
      const file = openSync(filler, 'w')
      const page = Buffer.alloc(4096)
      try {
        for (;;) writeSync(file, page)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    makeRoom: () => truncateSync(filler, 0),
    readOnly(yes) {
      if (!yes) return void inside('umount', '--lazy', folder)
      // over it, made elsewhere: the disk itself does not change while files are open, and at once, so that none is opened in between
      mkdirSync(outside(aside), { recursive: true })
      inside('mount', '--bind', folder, aside)
      inside('mount', '-o', 'remount,bind,ro', aside)
      inside('mount', '--move', aside, folder)
    },
    async stop() {
      holder.stdin.end()
      await ended
    },
  }
}
