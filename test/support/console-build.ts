import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { built } from './program.ts'
import { oncePerRun, runDirectory } from './run-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Builds the console from its sources into `directory`, in a process of its own: here NODE_ENV may say test, and React would be its
 * development build. @throws Error with what Vite said
 */
export async function buildConsole(directory: string): Promise<void> {
  const vite = join(dirname(createRequire(join(root, 'package.json')).resolve('vite/package.json')), 'bin', 'vite.js')
  const child = spawn(process.execPath, [vite, 'build', '--config', 'web/vite.config.ts', '--outDir', directory, '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += String(chunk)))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`The console does not build:\n${said.trim()}`)
}

/** The console as its sources are now: from dist/ when that is up to date, else built once per run when the first test wants it. */
export const builtConsole = async (): Promise<string> => {
  if (built) return join(root, 'dist/web')
  return oncePerRun('console', async () => {
    const directory = join(runDirectory(), 'console-files')
    await buildConsole(directory)
    return directory
  })
}
