import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Child {
  readonly pid: number
  /** Sends a message and gives the answer. */
  ask(message: object): Promise<unknown>
  /** The next message; fails when the process ends first. */
  hear(): Promise<unknown>
  /** Until its output holds this text; fails when the process ends first. */
  says(text: string): Promise<void>
  stop(): Promise<void>
}

const running = new Set<Child>()

/** Stops every process that was started, in whatever state it is. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(child => child.stop()))
}

const canPin = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

export interface ChildOptions {
  /** The core it is kept on, where the system can do that and has two; null for any. */
  readonly core: number | null
  readonly env?: NodeJS.ProcessEnv
}

/** Starts Node with a message channel. What it says on its error output is shown when it ends too early. */
export const startNode = (args: readonly string[], options: ChildOptions): Child => startProgram([process.execPath, ...args], options)

/** Starts any program; one that is not Node must not be sent messages. */
export function startProgram(command: readonly string[], { core, env = process.env }: ChildOptions): Child {
  // taskset becomes the program it starts, so the process id is that program's own
  const [program = '', ...rest] = [...(canPin && core !== null ? ['taskset', '-c', String(core)] : []), ...command]
  const child: ChildProcess = spawn(program, rest, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let output = ''
  let complaint = ''
  child.stdout?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-2000)))
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)))
  const exited = once(child, 'exit')
  const unlessEnded = async <T>(wanted: Promise<T>): Promise<T> => {
    const ended = exited.then(() => Promise.reject(new Error(`${rest.join(' ')} ended: ${complaint.trim() || 'it did not say why'}`)))
    return Promise.race([wanted, ended])
  }
  const hear = async (): Promise<unknown> => {
    const [message] = (await unlessEnded(once(child, 'message'))) as unknown[]
    return message
  }
  const one: Child = {
    pid: child.pid ?? 0,
    hear,
    ask(message) {
      const answer = hear()
      child.send(message)
      return answer
    },
    async says(text) {
      while (!output.includes(text)) await unlessEnded(child.stdout ? once(child.stdout, 'data') : exited)
    },
    async stop() {
      running.delete(one)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(late)
    },
  }
  running.add(one)
  return one
}

/** A file of this folder as a process of its own, with the port it sends once it listens. */
export async function startPart(file: string, args: readonly string[], core: number | null): Promise<Child & { readonly port: number }> {
  const child = startNode(['--import', 'tsx', fileURLToPath(new URL(file, import.meta.url)), ...args], { core })
  const { port } = (await child.hear()) as { port: number }
  return { ...child, port }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
