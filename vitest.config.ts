import { defineConfig } from 'vitest/config'
import { closingLines } from './test/support/closing-lines.ts'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'sdk/**/*.test.ts', 'web/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', closingLines],
    pool: 'forks',
    // most tests wait for a clock, a disk or a browser: three keep two cores busy
    maxWorkers: 3,
    // a browser on a busy machine may miss a moment; what is wrong fails twice
    retry: process.env.CI ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
