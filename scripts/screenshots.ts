/**
 * A picture of every page of the console, in light and dark, for a telephone, a laptop and a large screen, into the ignored folder
 * screenshots/. `npm run screenshots` takes all; words after it take the pages whose names hold one of them; `npm run screenshots readme`
 * takes the two that README.md shows, into docs/images/.
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
  'function-run': [
    '/functions/standalone/forecast',
    async page => {
      await page.getByRole('textbox', { name: 'station' }).fill('Kew Gardens')
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByText('Succeeded').first().waitFor()
    },
  ],
  'function-failed': [
    '/functions/button/divide',
    async page => {
      await page.getByRole('textbox', { name: 'by' }).fill('0')
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByText('Failed').first().waitFor()
    },
  ],
  'function-errors': [
    '/functions/button/divide',
    async page => {
      await page.getByRole('textbox', { name: /^Source of/ }).click()
      await page.keyboard.press('Control+Home')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('End')
      await page.keyboard.type('\nwhile(true)')
      await page.getByRole('region', { name: 'Problems' }).getByText(/error/).waitFor()
    },
  ],
  'function-completion': [
    '/functions/button/divide',
    async page => {
      await page.getByRole('textbox', { name: /^Source of/ }).click()
      await page.keyboard.press('Control+Home')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('End')
      await page.keyboard.type('\ny = "a".to')
      await page.getByRole('listbox').waitFor()
    },
  ],
  'function-run-details': [
    '/functions/standalone/forecast?part=runs',
    async page => {
      await page
        .getByRole('button', { name: /^Details of the run/ })
        .first()
        .click()
      await page.getByRole('heading', { name: 'Arguments' }).waitFor()
    },
  ],
  'function-schedule-add': [
    '/functions/button/divide?part=schedules',
    page => page.getByRole('button', { name: 'Add a schedule' }).click(),
  ],
  'function-variable-add': ['/functions?view=variables', page => page.getByRole('button', { name: 'Add a variable' }).click()],
  'bring-scripts-plan': [
    '/bring-scripts',
    async page => {
      const script =
        'void automation.copy_lead(int id)\n{\n\tlead = zoho.crm.getRecordById("Leads", id, Map(), "crm");\n\tinsert into Log [ Name = "x" ];\n}'
      await page.getByLabel('Or paste a script').fill(script)
      await page.getByRole('button', { name: 'Look at it' }).click()
      await page.getByRole('heading', { name: 'Connections' }).waitFor()
    },
  ],
  'connection-try-it': [
    '/connections/weather',
    async page => {
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByLabel('Path and query').fill('/key/echo')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('region', { name: 'Answer' }).waitFor()
    },
  ],
  'connection-try-it-files': [
    '/connections/weather',
    async page => {
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByRole('combobox', { name: 'Method' }).click()
      await page.getByRole('option', { name: 'POST' }).click()
      await page.getByRole('radiogroup', { name: 'Kind of body' }).getByText('Form', { exact: true }).click()
      await page.getByRole('button', { name: 'Add a field' }).click()
      await page.getByLabel('Name of field 1').fill('station')
      await page.getByLabel('Value of field 1').fill('Kew Gardens')
      await page.getByRole('button', { name: 'Add a file' }).click()
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'File 1: Choose a file' }).click()
      await (await chooser).setFiles({ name: 'measured.csv', mimeType: 'text/csv', buffer: Buffer.alloc(20_480, 'a') })
    },
  ],
  'connection-try-it-cancelled': [
    '/connections/weather',
    async page => {
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByLabel('Path and query').fill('/key/slow?ms=20000')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByText('Cancelled').waitFor()
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

/** Those of README.md, in light at 1280. */
const readmePaths: Readonly<Record<string, string>> = { connections: '/connections', connection: '/connections/practice_mail' }
const readmeFolder = fileURLToPath(new URL('../docs/images', import.meta.url))

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

/** The whole page, in a window as tall as it is: what stands beside the page is then as tall as well. */
async function takeWhole(page: Page, path: string, { width, height }: { readonly width: number; readonly height: number }): Promise<void> {
  const content = Number(await page.evaluate('document.documentElement.scrollHeight'))
  await page.setViewportSize({ width, height: Math.min(Math.max(height, content), 6000) })
  await settled(page)
  await page.screenshot({ path })
  await page.setViewportSize({ width, height })
}

async function takeForReadme(browser: Browser, base: string): Promise<void> {
  const context = await newContext(browser, base)
  await signIn(context, base)
  const page = await context.newPage()
  await page.waitForTimeout(3000) // calls, and when connections were last used, are written in batches
  for (const [name, path] of Object.entries(readmePaths)) {
    await page.goto(path)
    await settled(page)
    await takeWhole(page, join(readmeFolder, `${name}.png`), { width: 1280, height: 860 })
    process.stdout.write(`docs/images/${name}.png\n`)
  }
  await context.close()
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
        // what was typed for a picture is not saved, and leaving asks
        page.on('dialog', dialog => void dialog.accept())
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
          if (open) await page.screenshot({ path: join(folder, file) })
          else await takeWhole(page, join(folder, file), size)
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
      if (wanted.includes('readme')) await takeForReadme(browser, running.base)
      else process.stdout.write(`${await takeAll(browser, running.base)} pictures in ${folder}\n`)
    } finally {
      await running.stop()
    }
  } finally {
    await browser.close()
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
