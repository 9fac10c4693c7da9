import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'

it('when a run is killed its servers end, nobody else’s, and its folder goes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'patchbay-guarded-'))
  const waiting = (...more: string[]) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...more], { stdio: 'ignore' })
    return { pid: child.pid ?? 0, kill: () => child.kill('SIGKILL'), ended: once(child, 'exit').then(() => true) }
  }
  const named = (server: string, pid: number) => {
    mkdirSync(join(directory, server, 'data'), { recursive: true })
    writeFileSync(join(directory, server, 'data', 'postmaster.pid'), `${pid}\n${directory}\n`)
  }
  const server = waiting(join(directory, 'one', 'data'))
  const other = waiting()
  named('one', server.pid)
  named('two', other.pid)

  const run = spawn(
    process.execPath,
    [
      '--import',
      import.meta.resolve('tsx'),
      '--input-type=module',
      '-e',
      `(await import(process.argv[1])).guardRun(process.argv[2]); console.log('guarded'); setInterval(() => {}, 1000)`,
      new URL('./run-guard.ts', import.meta.url).href,
      directory,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    await once(run.stdout, 'data')
    run.kill('SIGKILL')
    expect(await server.ended).toBe(true)
    await vi.waitFor(() => expect(existsSync(directory)).toBe(false), 20_000)
    expect(() => process.kill(other.pid, 0)).not.toThrow()
  } finally {
    for (const one of [server, other]) one.kill()
    run.kill('SIGKILL')
  }
})
