import type { Reporter, TestModule } from 'vitest/node'

/**
 * The last lines of a run: how many tests ran on which database, then `N passed, N failed` and nothing after it.
 * A file that could not even be loaded, and an error outside every test, count as a failure each.
 */
export const closingLines: Reporter = {
  async onTestRunEnd(modules, unhandledErrors) {
    const ran = { pglite: 0, postgres: 0, neither: 0 }
    const outcome = { passed: 0, failed: modules.filter(failedOutsideTests).length + unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        outcome[state]++
        if (state !== 'passed' && state !== 'failed') continue
        ran[test.fullName.includes('[pglite]') ? 'pglite' : test.fullName.includes('[postgres]') ? 'postgres' : 'neither']++
      }
    }
    // The summary of the default reporter is written in the same turn: let it come first.
    await new Promise(resolve => setImmediate(resolve))
    const skipped = outcome.skipped + outcome.pending
    if (skipped > 0) process.stdout.write(`${skipped} tests were skipped\n`)
    process.stdout.write(`embedded: ${ran.pglite} tests, PostgreSQL: ${ran.postgres} tests, neither: ${ran.neither} tests\n`)
    process.stdout.write(`${outcome.passed} passed, ${outcome.failed} failed\n`)
  },
}

const failedOutsideTests = (module: TestModule): boolean =>
  module.errors().length > 0 || [...module.children.allSuites()].some(suite => suite.errors().length > 0)
