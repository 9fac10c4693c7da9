import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { freshPath } from '../../test/support/run-directory.ts'
import { lockDirectory } from './directory-lock.ts'

/** Another process that takes the lock and keeps it; ends when its standard input does. */
const holdElsewhere = async (directory: string): Promise<ChildProcess> => {
  const program = `
    import { lockDirectory } from ${JSON.stringify(new URL('./directory-lock.ts', import.meta.url).href)}
    try { lockDirectory(process.argv[1]); console.log('held') } catch (error) { console.log(error.message); process.exit(1) }
    process.stdin.resume().on('end', () => process.exit(0))`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said = await new Promise<string>(resolve => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())))
  expect(said.trim()).toBe('held')
  return child
}

const ended = (child: ChildProcess): Promise<void> => new Promise(resolve => child.once('exit', () => resolve()))

const leftovers = (directory: string): string[] => {
  const name = directory.slice(dirname(directory).length + 1)
  return readdirSync(dirname(directory)).filter(entry => entry.startsWith(name) && entry !== name && entry !== `${name}.lock`)
}

const holder = (directory: string): { pid: number; started: string | null; boot: string | null; token: string } =>
  JSON.parse(readFileSync(`${directory}.lock`, 'utf8')) as ReturnType<typeof holder>

test('a lock held by a living process is refused, naming the process and what to do, and left alone', async () => {
  const directory = freshPath('locked')
  const child = await holdElsewhere(directory)
  try {
    expect(() => lockDirectory(directory)).toThrow(
      `The data directory ${directory} is in use by process ${child.pid}. Stop that process first, or set PATCHBAY_DATA_DIR`,
    )
    expect(holder(directory).pid).toBe(child.pid)
    expect(leftovers(directory)).toStrictEqual([])
  } finally {
    child.kill('SIGKILL')
    await ended(child)
  }
})

test('the lock of a killed process is taken over', async () => {
  const directory = freshPath('locked')
  const child = await holdElsewhere(directory)
  child.kill('SIGKILL')
  await ended(child)
  const lock = lockDirectory(directory)
  expect(holder(directory).pid).toBe(process.pid)
  expect(leftovers(directory)).toStrictEqual([])
  lock.release()
})

test('the same process does not get it twice, and gets it again after releasing it', () => {
  const directory = freshPath('locked')
  const lock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow('in use by process')
  lock.release()
  expect(existsSync(lock.path)).toBe(false)
  lockDirectory(directory).release()
})

test('a process that only reuses the pid of the holder does not count as the holder', () => {
  const directory = freshPath('locked')
  lockDirectory(directory)
  const left = holder(directory)
  writeFileSync(`${directory}.lock`, JSON.stringify({ ...left, started: '1', token: 'earlier' }))
  const lock = lockDirectory(directory)
  expect(holder(directory)).toMatchObject({ pid: process.pid, started: left.started })
  lock.release()
})

test('a lock from before the machine was restarted is taken over', () => {
  const directory = freshPath('locked')
  lockDirectory(directory)
  writeFileSync(`${directory}.lock`, JSON.stringify({ ...holder(directory), boot: 'another boot', token: 'earlier' }))
  lockDirectory(directory).release()
})

test('a process that died while taking over does not block the next one', () => {
  const directory = freshPath('locked')
  lockDirectory(directory)
  const dead = { ...holder(directory), started: '1' }
  writeFileSync(`${directory}.lock`, JSON.stringify({ ...dead, token: 'first' }))
  writeFileSync(`${directory}.lock.first.claim`, JSON.stringify({ ...dead, token: 'second' }))
  const lock = lockDirectory(directory)
  expect(leftovers(directory)).toStrictEqual([])
  lock.release()
})

test('a release does not remove a lock that has become somebody else’s', () => {
  const directory = freshPath('locked')
  const lock = lockDirectory(directory)
  writeFileSync(lock.path, JSON.stringify({ ...holder(directory), token: 'somebody else' }))
  lock.release()
  expect(existsSync(lock.path)).toBe(true)
})

test('a file that is not a lock is refused and kept', () => {
  const directory = freshPath('locked')
  mkdirSync(directory)
  writeFileSync(`${directory}.lock`, 'my notes')
  expect(() => lockDirectory(directory)).toThrow('is not one of ours')
  expect(readFileSync(`${directory}.lock`, 'utf8')).toBe('my notes')
})

test('of several processes that find the same dead holder exactly one becomes the next', async () => {
  const directory = freshPath('locked')
  lockDirectory(directory)
  writeFileSync(`${directory}.lock`, JSON.stringify({ ...holder(directory), started: '1', token: 'dead' }))
  const program = `
    import { lockDirectory } from ${JSON.stringify(new URL('./directory-lock.ts', import.meta.url).href)}
    console.log('ready')
    process.stdin.once('data', () => {
      try { lockDirectory(process.argv[1]); console.log('got') } catch (error) { console.log('refused') }
    }).on('end', () => process.exit(0))`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program, directory], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const says = (child: (typeof children)[number]): Promise<string> =>
    new Promise(resolve => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())))
  await Promise.all(children.map(says))
  const answers = children.map(says)
  for (const child of children) child.stdin.write('go')
  expect((await Promise.all(answers)).sort()).toStrictEqual(['got', 'refused', 'refused', 'refused'])
  const exits = children.map(ended)
  for (const child of children) child.stdin.end()
  await Promise.all(exits)
})
