import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { until } from './support/practice-services.ts'
import { freshPath } from './support/run-directory.ts'
import { childrenOf } from './support/workers.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

it.each(['while the sources are copied', 'while tests run'])(
  'a proof that is interrupted %s says so, leaves no copy, and nothing of it runs on',
  async when => {
    const temporary = freshPath('prove')
    mkdirSync(temporary)
    const program = join(root, 'node_modules/tsx/dist/esm/index.mjs')
    // its test waits for a clock of its own, so it would take a moment
    const child = spawn(
      process.execPath,
      ['--import', program, join(root, 'scripts/prove.ts'), 'R4', '--only', 'the breaker never opens'],
      {
        cwd: root,
        env: { ...process.env, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += String(chunk)))
    const ended = new Promise(resolve => child.once('close', resolve))
    const pid = child.pid ?? 0
    const copies = () => readdirSync(temporary).filter(name => name.startsWith('patchbay-prove-'))
    let tests = 0
    try {
      await until(
        async () => copies(),
        names => names.length > 0,
        60_000,
      )
      if (when === 'while tests run')
        [tests = 0] = await until(
          async () => childrenOf(pid),
          children => children.length > 0,
          60_000,
        )
    } finally {
      child.kill('SIGINT')
      child.kill('SIGINT')
    }
    expect(await ended, said).toBe(130)
    expect(said).toContain('Interrupted: 0 of 1 mutants were judged')
    expect(said).not.toMatch(/SURVIVED|killed|\n\s+at /)
    expect(copies()).toEqual([])
    // its tests ended with it, as soon as somebody has looked
    await until(
      async () => tests !== 0 && existsSync(`/proc/${tests}`),
      runs => !runs,
    )
  },
  120_000,
)
