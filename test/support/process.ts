import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { assertNoLeaks, leaksOf } from './leaks.ts'
import { adminEmail, adminKey, adminPassword, asker, createBrowser, type Answered } from './patchbay.ts'
import { programArguments } from './program.ts'
import type { Reachable } from './oauth-story.ts'

/** A Patchbay in a process of its own, as an operator runs it. */
export interface PatchbayProcess extends Reachable {
  readonly process: ChildProcess
  /** What it has said so far. */
  readonly said: { stdout: string; stderr: string }
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Sends the signal and waits for the end. @throws Error when it has said or answered a secret. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Starts it with these settings and no others. It is not ready yet, and may refuse to start.
 * @param before What the command begins with, such as `SmallDisk.enter`.
 */
export const launch = (
  settings: Readonly<Record<string, string>>,
  practiceUrl: string | null = null,
  before: readonly string[] = [],
): PatchbayProcess => {
  const [program = '', ...rest] = [...before, process.execPath, ...programArguments('main')]
  return processOf(env => spawn(program, rest, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env }), settings, practiceUrl)
}

/** @param begin Starts the program that it is to be, with this environment. */
export function processOf(
  begin: (environment: Record<string, string>) => ChildProcess,
  settings: Readonly<Record<string, string>>,
  practiceUrl: string | null,
  base = settings['PATCHBAY_PUBLIC_URL'] ?? '',
): PatchbayProcess {
  const child = begin({
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    NODE_ENV: 'development',
    PATCHBAY_HOST: '127.0.0.1',
    PATCHBAY_PRACTICE: 'off',
    PATCHBAY_LOG_LEVEL: 'warn',
    // a machine that runs tests is late all the time
    PATCHBAY_OVERLOAD_DELAY_MS: '0',
    PATCHBAY_ADMIN_EMAIL: adminEmail,
    PATCHBAY_ADMIN_PASSWORD: adminPassword,
    PATCHBAY_ADMIN_API_KEY: adminKey,
    ...settings,
  })
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', chunk => (said.stdout += String(chunk)))
  child.stderr?.on('data', chunk => (said.stderr += String(chunk)))
  const answered: Answered[] = []
  const exited = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  return {
    process: child,
    said,
    exited,
    base,
    practiceUrl,
    admin: asker(base, { authorization: `Bearer ${adminKey}` }, answered),
    withKey: (key, headers = {}) => asker(base, { authorization: `Bearer ${key}`, ...headers }, answered),
    browser: () => createBrowser(base, answered),
    async end(signal) {
      child.kill(signal)
      const code = await exited
      assertNoLeaks(leaksOf({ logged: [...said.stdout.split('\n'), ...said.stderr.split('\n')], answered }))
      return code
    },
  }
}

/** The same, and answers when it is ready. */
export const launchReady = (settings: Readonly<Record<string, string>>, practiceUrl: string): Promise<PatchbayProcess> =>
  ready(launch(settings, practiceUrl))

/** @throws Error with what it said, when it ends or two minutes pass before it is ready: several at once take turns on two cores. */
export async function ready<T extends PatchbayProcess>(running: T): Promise<T> {
  let ended = false
  void running.exited.then(() => (ended = true))
  for (const until = Date.now() + 120_000; ;) {
    if (ended || Date.now() > until) throw new Error(`Patchbay did not become ready:\n${running.said.stdout}\n${running.said.stderr}`)
    const answer = await running.admin('GET', '/readyz').catch(() => null)
    if (answer?.status === 200) return running
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
