import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshPath } from './run-directory.ts'

const library = (): string => {
  const folders = ['/usr/lib', '/usr/lib64', ...readdirSync('/usr/lib').map(name => join('/usr/lib', name))]
  const found = folders.map(folder => join(folder, 'faketime/libfaketime.so.1')).find(existsSync)
  if (!found) throw new Error('libfaketime is missing: install it ("apt-get install libfaketime").')
  return found
}

export interface WrongClock {
  /** What a process is started with to have this clock. Its monotonic clock is the true one, as when a real clock is set. */
  readonly environment: Readonly<Record<string, string>>
  /** Sets it, in processes that run too, which notice within two seconds. @param seconds that it is ahead of the true one; behind when negative. */
  set(seconds: number): void
}

/** A clock for processes, which can be set while they run. */
export function createWrongClock(seconds: number): WrongClock {
  const file = freshPath('clock')
  const set = (seconds: number) => {
    writeFileSync(`${file}.draft`, `${seconds < 0 ? '' : '+'}${seconds}`)
    renameSync(`${file}.draft`, file)
  }
  set(seconds)
  return {
    environment: {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
  }
}
