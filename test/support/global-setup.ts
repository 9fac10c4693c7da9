import type { TestProject } from 'vitest/node'
import { stopPostgres } from './postgres.ts'
import { createRunDirectory, removeRunDirectory } from './run-directory.ts'
import { guardRun } from './run-guard.ts'

let directory: string | undefined

/** One folder per run. What is costly in it (a PostgreSQL server, an embedded template) is made when a test first asks for it. */
export const setup = (project: TestProject): void => {
  directory = createRunDirectory()
  guardRun(directory)
  project.provide('runDirectory', directory)
}

export const teardown = async (): Promise<void> => {
  if (directory === undefined) return
  await stopPostgres(directory)
  removeRunDirectory(directory)
}
