import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    runDirectory: string
  }
}

/** A folder of one test run, removed at its end. World-searchable, since PostgreSQL inside it runs as another user. */
export const createRunDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'patchbay-test-'))
  return directory
}

/** The folder of this run: everything that tests write goes below it. */
export const runDirectory = (): string => inject('runDirectory')

let counter = 0

/** A path below the run's folder that nobody else gets. Nothing is created. */
export const freshPath = (name: string): string => join(runDirectory(), `${name}-${process.pid}-${counter++}`)

/**
 * Makes something once for all workers of a run, when the first one needs it; the others wait for it.
 * A failure is remembered, so that every test that needs it says the same.
 */
export const oncePerRun = async (name: string, make: () => Promise<string>): Promise<string> => {
  const place = join(runDirectory(), name)
  const finish = (outcome: 'value' | 'failure', text: string): void => {
    writeFileSync(`${place}.draft`, text)
    renameSync(`${place}.draft`, `${place}.${outcome}`)
  }
  let first = true
  try {
    mkdirSync(`${place}.making`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    first = false
  }
  if (first) {
    try {
      finish('value', await make())
    } catch (error) {
      finish('failure', error instanceof Error ? error.message : String(error))
    }
  }
  for (let waitedMs = 0; waitedMs < 110_000; waitedMs += 20) {
    if (existsSync(`${place}.value`)) return readFileSync(`${place}.value`, 'utf8')
    if (existsSync(`${place}.failure`)) throw new Error(readFileSync(`${place}.failure`, 'utf8'))
    await delay(20)
  }
  throw new Error(`the worker that makes ${name} for this test run never finished`)
}

export const removeRunDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true })
