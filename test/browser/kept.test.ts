import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, signIn, useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { furnish, password } from '../support/furnished.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

const tenMinutesMs = 600_000

describe('what a browser keeps, and what it knows of the time and of the server [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    await furnish(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('in a browser that is shared nobody is shown another’s drafts, and the first one finds them again', async () => {
    const { page, context } = await chromium.person(patchbay.base)
    const name = page.getByRole('textbox', { name: 'Name', exact: true }).first()
    const type = async (path: string, text: string) => {
      await visit(page, path)
      await name.fill(text)
    }
    const shown = async (path: string) => {
      await visit(page, path)
      return name.inputValue()
    }
    await type('/add-service', 'Ada’s own service')
    await type('/add-connection?service=practice_mail', 'Ada’s own mail')

    // the session ended, and somebody else signed in: the tab is the same
    await context.clearCookies()
    await signIn(context, patchbay.base, 'ben@example.test', password)
    expect(await shown('/add-service')).toBe('')
    expect(await page.locator('body').innerText()).not.toContain('Ada’s')
    expect(await shown('/add-connection?service=practice_mail')).toBe('Practice mail')

    await context.clearCookies()
    await signIn(context, patchbay.base)
    expect(await shown('/add-service')).toBe('Ada’s own service')
    expect(await shown('/add-connection?service=practice_mail')).toBe('Ada’s own mail')
  })

  it('the answer to a secret variable is kept nowhere, so leaving it asks first', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-service?connect=true')
    // as after a reload: with a variable that the service calls secret
    await page.getByRole('textbox', { name: 'Name', exact: true }).first().fill('With a secret')
    await page.evaluate(`{
      const key = Object.keys(sessionStorage).find(one => one.includes('add-service'))
      const kept = JSON.parse(sessionStorage.getItem(key))
      kept.service.authorize_url = 'https://api.example.com/{workspace}/authorize'
      kept.service.advanced = { variables: { workspace: { label: 'Workspace token', secret: true } } }
      sessionStorage.setItem(key, JSON.stringify(kept))
    }`)
    await page.reload()
    await settled(page)
    await page.getByLabel('Workspace token').last().fill('hunter2-hunter2')
    const places = page.getByRole('navigation', { name: 'Pages' })
    await places.getByRole('link', { name: 'Connections' }).click()
    const dialog = page.getByRole('dialog', { name: 'Leave without saving?' })
    await dialog.getByRole('button', { name: 'Stay here' }).click()
    expect(await page.getByLabel('Workspace token').last().inputValue()).toBe('hunter2-hunter2')
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage })')).not.toContain('hunter2')
    await places.getByRole('link', { name: 'Connections' }).click()
    await dialog.getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL('**/connections')
  })

  it('a key that ends in 7 days ends in 7 days, whatever the browser’s clock says', async () => {
    const { page } = await chromium.person(patchbay.base)
    await page.clock.install({ time: Date.now() + tenMinutesMs })
    await visit(page, '/api-keys')
    await page.getByRole('button', { name: 'Create a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create an API key' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('For a week')
    await dialog.getByRole('radio', { name: /^Every connection/ }).check()
    await dialog.getByRole('combobox', { name: 'Expires' }).click()
    await page.getByRole('option', { name: 'In 7 days' }).click()
    await dialog.getByRole('button', { name: /^Create/ }).click()
    await page.getByRole('dialog', { name: 'Your key For a week' }).waitFor()
    const { data } = (await patchbay.admin('GET', '/api/v1/api-keys?all=true')).json as { data: { name: string; expires_at: string }[] }
    const ends = Date.parse(data.find(one => one.name === 'For a week')?.expires_at ?? '')
    expect(Math.abs(ends - Date.now() - 7 * 86_400_000)).toBeLessThan(60_000)
  })

  it('the invocations are live once the server has begun to tell, and not before', async () => {
    const { page } = await chromium.person(patchbay.base)
    let letThrough = () => {}
    const held = new Promise<void>(resolve => (letThrough = resolve))
    await page.route('**/api/v1/invocations/stream**', async route => {
      await held
      await route.continue()
    })
    await visit(page, '/invocations')
    await page.getByRole('switch', { name: 'Live' }).check({ force: true })
    const main = page.locator('main')
    await main.getByText('Connecting …').waitFor()
    // everything else has been answered by now
    await settled(page)
    expect(await main.getByText('New calls appear as they happen.').count()).toBe(0)
    letThrough()
    await main.getByText('New calls appear as they happen.').waitFor()
    await patchbay.admin('POST', '/api/v1/invoke', { connection: 'printer_hall', url: 'https://only-live.example/' })
    await main.getByText('only-live.example').first().waitFor()
  })

  it('a row whose refresh keeps failing leads to its details', async () => {
    const { page } = await chromium.person(patchbay.base, { width: 390, height: 844 })
    await visit(page, '/connections')
    const details = page.getByRole('link', { name: 'Details of Ledger of this year' })
    // none of the word is cut off
    type Box = { scrollWidth: number; clientWidth: number }
    const { scrollWidth, clientWidth } = await details.evaluate(({ scrollWidth, clientWidth }: Box) => ({ scrollWidth, clientWidth }))
    expect(clientWidth).toBeGreaterThan(50)
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth + 1)
    await details.click()
    await page.waitForURL('**/connections/ledger')
  })
})
