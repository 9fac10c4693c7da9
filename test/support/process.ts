import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { adminEmail, adminKey, adminPassword, asker, createBrowser } from './patchbay.ts'
import { programArguments } from './program.ts'
import type { Reachable } from './oauth-story.ts'

/** A Patchbay in a process of its own, as an operator runs it. */
export interface PatchbayProcess extends Reachable {
  readonly process: ChildProcess
  /** What it has said so far. */
  readonly said: { stdout: string; stderr: string }
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Starts it with these settings and no others. It is not ready yet, and may refuse to start. */
export function launch(settings: Readonly<Record<string, string>>, practiceUrl: string | null = null): PatchbayProcess {
  const child = spawn(process.execPath, [...programArguments('main')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      NODE_ENV: 'development',
      PATCHBAY_HOST: '127.0.0.1',
      PATCHBAY_PRACTICE: 'off',
      PATCHBAY_LOG_LEVEL: 'warn',
      PATCHBAY_ADMIN_EMAIL: adminEmail,
      PATCHBAY_ADMIN_PASSWORD: adminPassword,
      PATCHBAY_ADMIN_API_KEY: adminKey,
      ...settings,
    },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => (said.stdout += String(chunk)))
  child.stderr.on('data', chunk => (said.stderr += String(chunk)))
  const exited = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  const base = settings['PATCHBAY_PUBLIC_URL'] ?? ''
  return {
    process: child,
    said,
    exited,
    base,
    practiceUrl,
    admin: asker(base, { authorization: `Bearer ${adminKey}` }),
    withKey: (key, headers = {}) => asker(base, { authorization: `Bearer ${key}`, ...headers }),
    browser: () => createBrowser(base),
    async end(signal) {
      child.kill(signal)
      return exited
    },
  }
}

/** The same, and answers when it is ready. */
export async function launchReady(settings: Readonly<Record<string, string>>, practiceUrl: string): Promise<PatchbayProcess> {
  const running = launch(settings, practiceUrl)
  let ended = false
  void running.exited.then(() => (ended = true))
  for (const until = Date.now() + 60_000; ;) {
    if (ended || Date.now() > until) throw new Error(`Patchbay did not become ready:\n${running.said.stdout}\n${running.said.stderr}`)
    const ready = await running.admin('GET', '/readyz').catch(() => null)
    if (ready?.status === 200) return running
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
