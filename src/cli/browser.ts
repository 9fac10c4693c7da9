import { spawn } from 'node:child_process'

/** Nothing that a shell sees: on Windows `start` would be one. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Opens a page where there is a browser. That there is none is no fault: the address has been printed. */
export function openBrowser(url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return
  const [command, ...args] = openers[process.platform] ?? ['xdg-open']
  const child = spawn(command, [...args, new URL(url).href], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
