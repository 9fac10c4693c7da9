import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { useChromium, visit, type Person } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { furnish, pagePaths } from '../support/furnished.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** WCAG 2.2 AA and axe's best practices; `only` one of its rules. */
async function violations(page: Page, only?: string): Promise<string[]> {
  // as the debugger does it: a script of the page would be refused by its policy
  if ((await page.evaluate('typeof window.axe')) === 'undefined') await page.evaluate(axe)
  const options = { resultTypes: ['violations'], ...(only !== undefined && { runOnly: { type: 'rule', values: [only] } }) }
  const found = await page.evaluate(`axe.run(document, ${JSON.stringify(options)}).then(results => results.violations)`)
  return (found as Violation[]).flatMap(({ id, help, nodes }) =>
    nodes.map(node => `${id}: ${help}\n  ${node.html.slice(0, 300)}\n  ${node.failureSummary.replaceAll('\n', ' ').slice(0, 400)}`),
  )
}

/** Wider than the screen, what sticks out of it by how much; a region that scrolls by itself is fine. */
const overflowing = `(() => {
  const root = document.documentElement
  if (root.scrollWidth <= root.clientWidth) return []
  const out = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > root.clientWidth + 1)
  return out.slice(-3).map(one => one.outerHTML.slice(0, 200))
})()`

const wide = { width: 1280, height: 860 }

describe('every page can be used by everybody [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let person: Person
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    await furnish(patchbay)
    person = await chromium.lastingPerson(patchbay.base)
    // what a test has typed is not saved, and leaving asks
    person.page.on('dialog', dialog => void dialog.accept())
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it.each(Object.entries(pagePaths))('%s: in light, in dark, and on 360 pixels', async (_name, path) => {
    const { page } = person
    await page.setViewportSize(wide)
    await page.emulateMedia({ colorScheme: 'light' })
    await visit(page, path)
    const inLight = await violations(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    // colours on their way from light to dark have neither's contrast
    await page.evaluate('Promise.all(document.getAnimations().map(one => one.finished)).then(() => undefined)')
    const inDark = await violations(page, 'color-contrast')
    // 1280 pixels at a zoom of 355 %
    await page.setViewportSize({ width: 360, height: 740 })
    expect({ inLight, inDark }).toEqual({ inLight: [], inDark: [] })
    // a chart is drawn again for the new width, a moment later
    await expect.poll(() => page.evaluate(overflowing), { timeout: 2000 }).toEqual([])
  })

  const opened: Readonly<Record<string, readonly [path: string, open: (page: Page) => Promise<unknown>, shown: string]>> = {
    'the palette': ['/connections', page => page.keyboard.press('Control+k'), '[role=dialog]'],
    'the keyboard’s list': ['/connections', page => page.keyboard.press('?'), '[role=dialog]'],
    'the account’s menu': ['/connections', page => page.getByRole('button', { name: /^Your account/ }).click(), '[role=menu]'],
    'editing a connection': ['/connections/practice_mail', page => page.keyboard.press('e'), '[role=dialog]'],
    'a request with a file': [
      '/connections/weather',
      async page => {
        await page.getByRole('button', { name: 'Try it', exact: true }).click()
        const box = page.getByRole('region', { name: 'Try it' })
        await box.getByRole('combobox', { name: 'Method' }).click()
        await page.getByRole('option', { name: 'POST' }).click()
        await box.getByRole('radiogroup', { name: 'Kind of body' }).getByText('Form', { exact: true }).click()
        await box.getByRole('button', { name: 'Add a file' }).click()
        await box.getByRole('button', { name: 'Add a file' }).click()
        const chooser = page.waitForEvent('filechooser')
        await box.getByRole('button', { name: 'File 1: Choose a file' }).click()
        await (await chooser).setFiles({ name: 'measured.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b') })
      },
      'button:has-text("measured.csv")',
    ],
    'what a connection asks for': [
      '/connections/printer_upstairs',
      page => page.getByRole('button', { name: 'Connect', exact: true }).click(),
      '[role=dialog]',
    ],
    'deleting a connection': [
      '/connections/practice_mail',
      async page => {
        await page.getByRole('button', { name: 'More about this connection' }).click()
        await page.getByRole('menuitem', { name: 'Delete' }).click()
      },
      '[role=dialog]',
    ],
    'a run of a function': [
      '/functions/standalone/forecast',
      async page => {
        await page.getByRole('textbox', { name: 'station' }).fill('Kew Gardens')
        await page.getByRole('button', { name: 'Run', exact: true }).click()
      },
      'text=Succeeded',
    ],
    'an error in a script': [
      '/functions/button/divide',
      async page => {
        await page.getByRole('textbox', { name: /^Source of/ }).click()
        await page.keyboard.press('Control+End')
        await page.keyboard.type('while(true)')
      },
      'section[aria-label=Problems] li',
    ],
    'completion in a script': [
      '/functions/button/divide',
      async page => {
        await page.getByRole('textbox', { name: /^Source of/ }).click()
        await page.keyboard.press('Control+End')
        await page.keyboard.type('"a".toUp')
      },
      '[role=listbox]',
    ],
    'a run of the log': [
      '/functions?view=runs',
      page =>
        page
          .getByRole('button', { name: /^Details of the run/ })
          .first()
          .click(),
      '[role=dialog] h3',
    ],
    'adding a schedule': [
      '/functions/button/divide?part=schedules',
      page => page.getByRole('button', { name: 'Add a schedule' }).click(),
      '[role=dialog]',
    ],
    'adding a variable': [
      '/functions?view=variables',
      page => page.getByRole('button', { name: 'Add a variable' }).click(),
      '[role=dialog]',
    ],
    'what scripts need': [
      '/bring-scripts',
      async page => {
        // what was chosen is kept in the tab
        if (await page.getByRole('button', { name: 'Start again' }).isVisible()) return
        const script =
          'void automation.copy(int id)\n{\n\tlead = zoho.crm.getRecordById("Leads", id, Map(), "crm");\n\tinsert into Log [ Name = "x" ];\n}'
        await page.getByLabel('Or paste a script').fill(script)
        await page.getByRole('button', { name: 'Look at it' }).click()
      },
      'h2:has-text("Connections")',
    ],
    'creating a key': ['/api-keys', page => page.getByRole('button', { name: /Create a key/ }).click(), '[role=dialog]'],
    'inviting somebody': ['/members', page => page.getByRole('button', { name: /Invite/ }).click(), '[role=dialog]'],
  }

  it.each(Object.entries(opened))('%s, open: in light and in dark', async (_name, [path, open, shown]) => {
    const { page } = person
    await page.setViewportSize(wide)
    const found: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await visit(page, path)
      await open(page)
      await page.locator(shown).first().waitFor()
      await page.evaluate('Promise.all(document.getAnimations().map(one => one.finished)).then(() => undefined)')
      found.push(...(await violations(page)).map(one => `${colorScheme}: ${one}`))
    }
    expect(found).toEqual([])
  })
})
