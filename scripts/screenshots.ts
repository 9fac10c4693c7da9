/**
 * A picture of every page of the console, in light and dark, for a telephone, a laptop and a large screen, into the ignored folder
 * screenshots/. `npm run screenshots` takes all; words after it take the pages whose names hold one of them.
 *
 * It starts a Patchbay of its own, from the sources, with an embedded database that is thrown away.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { readConfig } from '../src/config.ts'
import { start, type Running } from '../src/start.ts'
import { launchChromium, newContext, settled, signIn } from '../test/support/chromium.ts'
import { buildConsole } from '../test/support/console-build.ts'
import { furnish, pagePaths } from '../test/support/furnished.ts'
import { adminEmail, adminKey, adminPassword, asker, createBrowser, freePort } from '../test/support/patchbay.ts'

const schemes = ['light', 'dark'] as const
const sizes = [
  { width: 390, height: 844 },
  { width: 1280, height: 860 },
  { width: 1920, height: 1080 },
] as const

/** Pages before anybody has signed in. */
const arrivalPaths: Readonly<Record<string, string>> = { 'sign-in': '/sign-in', 'docs-problems': '/docs/problems' }

/** What is opened on a page before its picture is taken, by the name of the picture. */
const opened: Readonly<Record<string, readonly [path: string, open: (page: Page) => Promise<unknown>]>> = {
  palette: ['/connections', page => page.keyboard.press('Control+k')],
  shortcuts: ['/connections', page => page.keyboard.press('?')],
  'account-menu': ['/connections', page => page.getByRole('button', { name: /^Your account/ }).click()],
  'connection-try-it': [
    '/connections/weather',
    async page => {
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByLabel('Path and query').fill('/key/echo')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('region', { name: 'Answer' }).waitFor()
    },
  ],
  'connection-connect': ['/connections/printer_upstairs', page => page.getByRole('button', { name: 'Connect', exact: true }).click()],
  'connection-edit': ['/connections/practice_mail', page => page.keyboard.press('e')],
  'add-connection-errors': [
    '/add-connection?service=practice_mail',
    async page => {
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('')
      await page.getByRole('button', { name: 'Create and Connect' }).click()
    },
  ],
  'api-key-create': ['/api-keys', page => page.getByRole('button', { name: 'Create a key' }).click()],
}

const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.some(part => name.includes(part))
const folder = fileURLToPath(new URL('../screenshots', import.meta.url))

async function startFurnished(directory: string): Promise<Running & { base: string }> {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const settings = {
    PATCHBAY_PORT: String(port),
    PATCHBAY_HOST: '127.0.0.1',
    PATCHBAY_PUBLIC_URL: base,
    PATCHBAY_DATA_DIR: join(directory, 'data'),
    PATCHBAY_PRACTICE: 'on',
    PATCHBAY_LOG_LEVEL: 'error',
    PATCHBAY_ADMIN_EMAIL: adminEmail,
    PATCHBAY_ADMIN_PASSWORD: adminPassword,
    PATCHBAY_ADMIN_API_KEY: adminKey,
  }
  const running = await start(readConfig(settings), { consoleDirectory: join(directory, 'console'), graceMs: 500 })
  await furnish({
    base,
    practiceUrl: running.practiceUrl,
    admin: asker(base, { authorization: `Bearer ${adminKey}` }),
    nobody: asker(base, {}),
    browser: () => createBrowser(base),
  })
  return { ...running, base }
}

async function takeAll(browser: Browser, base: string): Promise<number> {
  const ways: (readonly [name: string, path: string, signedIn: boolean, open?: (page: Page) => Promise<unknown>])[] = [
    ...Object.entries(arrivalPaths).map(([name, path]) => [name, path, false] as const),
    ...Object.entries(pagePaths).map(([name, path]) => [name, path, true] as const),
    ...Object.entries(opened).map(([name, [path, open]]) => [name, path, true, open] as const),
  ]
  let taken = 0
  for (const colorScheme of schemes)
    for (const size of sizes)
      for (const signedIn of [false, true]) {
        const context = await newContext(browser, base, { colorScheme, ...size })
        context.setDefaultTimeout(10_000)
        if (signedIn) await signIn(context, base)
        const page = await context.newPage()
        for (const [name, path, asSignedIn, open] of ways) {
          if (asSignedIn !== signedIn || !isWanted(name)) continue
          const file = `${name}-${colorScheme}-${size.width}.png`
          try {
            await page.goto(path)
            await settled(page)
            await open?.(page)
            if (open) await page.waitForTimeout(400)
          } catch (error) {
            process.exitCode = 1
            process.stderr.write(`${file}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}\n`)
          }
          await page.screenshot({ path: join(folder, file), fullPage: !open })
          process.stdout.write(`screenshots/${file}\n`)
          taken++
        }
        await context.close()
      }
  return taken
}

const directory = mkdtempSync(join(tmpdir(), 'patchbay-screenshots-'))
mkdirSync(folder, { recursive: true })
try {
  await buildConsole(join(directory, 'console'))
  const browser = await launchChromium()
  try {
    const running = await startFurnished(directory)
    try {
      process.stdout.write(`${await takeAll(browser, running.base)} pictures in ${folder}\n`)
    } finally {
      await running.stop()
    }
  } finally {
    await browser.close()
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
