import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { furnish } from '../support/furnished.ts'
import { adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { practiceHost } from '../support/practice-services.ts'

describe('an ended session, a server that fails and a lost network cost nothing that is on the screen [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    await furnish(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const signInAgain = async (page: Page) => {
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
    await dialog.getByRole('textbox', { name: 'Password' }).fill(adminPassword)
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await dialog.waitFor({ state: 'hidden' })
  }

  it('a session that ends in the middle of a form: sign in on top of it, and send what was typed', async () => {
    const { page, context } = await chromium.person(patchbay.base)
    await visit(page, '/add-service')
    await page.getByRole('radio', { name: /^Basic/ }).click()
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('Typed before the end')
    const hosts = page.getByLabel('API hosts', { exact: true })
    await hosts.fill(practiceHost(patchbay))
    await hosts.press('Enter')
    await context.clearCookies()
    await page.getByRole('button', { name: 'Create the service' }).click()
    await signInAgain(page)
    expect(await name.inputValue()).toBe('Typed before the end')
    await page.getByRole('button', { name: 'Create the service' }).click()
    await page.waitForURL('**/services/typed_before_the_end')
  })

  it('another person who signs in there does not see what the first one had open', async () => {
    const { page, context } = await chromium.person(patchbay.base)
    await visit(page, '/connections/weather')
    await context.clearCookies()
    await page.keyboard.press('e')
    const edit = page.getByRole('dialog', { name: 'Edit Weather' })
    await edit.getByRole('textbox', { name: 'Name', exact: true }).fill('Somebody else’s')
    await edit.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
    await dialog.getByRole('textbox', { name: 'E-mail' }).fill('ben@example.test')
    await dialog.getByRole('textbox', { name: 'Password' }).fill(adminPassword)
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(url => url.pathname === '/connections')
    await settled(page)
    expect(await page.locator('body').innerText()).not.toContain('Somebody else’s')
  })

  /** Something of each page that is there before, and must be there after, a failed refresh. */
  const pages: readonly (readonly [path: string, shown: string])[] = [
    ['/connections', 'Practice mail'],
    ['/connections/practice_mail', 'practice_mail'],
    ['/services?kind=custom', 'Weather of the world'],
    ['/services/practice_mail', 'mail.read'],
    ['/invocations', 'weather'],
    ['/members', 'Cleo Marchetti'],
    ['/api-keys', 'Nightly export'],
    ['/audit', 'connection'],
    ['/add-connection?service=practice_mail', 'mail.read'],
  ]

  it.each(pages)('a refresh that fails leaves %s as it is', async (path, shown) => {
    const { page } = await chromium.person(patchbay.base, { tolerate: /status of 503/ })
    await page.clock.install()
    await visit(page, path)
    const text = page.locator('main').getByText(shown).first()
    await text.waitFor()
    let refused = 0
    await page.route('**/api/v1/**', route => {
      refused++
      const problem = {
        type: '/docs/problems#unavailable',
        title: 'Unavailable',
        status: 503,
        code: 'storage_unavailable',
        detail: 'Patchbay is being restarted.',
      }
      return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) })
    })
    // what is on the screen is old by then; somebody comes back to the tab, and every further try fails as well
    await page.clock.fastForward(120_000)
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`)
    for (let second = 0; second < 12; second++) await page.clock.runFor(1000)
    await expect.poll(() => refused, { message: 'nothing was asked', timeout: 5000 }).toBeGreaterThan(0)
    await text.waitFor({ timeout: 5000 })
    expect(await page.locator('main h1').isVisible()).toBe(true)
    await expect.poll(() => page.locator('.mantine-Skeleton-root').count(), { timeout: 5000 }).toBe(0)
  })

  it('a list that could not be refreshed says so with another try, which works', async () => {
    const { page } = await chromium.person(patchbay.base, { tolerate: /status of 503/ })
    await page.clock.install()
    await visit(page, '/connections')
    await page.route('**/api/v1/connections?**', route =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: '{"status":503,"code":"storage_unavailable","title":"Unavailable","detail":"Patchbay is being restarted.","request_id":"r-1"}',
      }),
    )
    await page.clock.fastForward(31_000)
    for (let second = 0; second < 12; second++) await page.clock.runFor(1000)
    const note = page.getByRole('alert').filter({ hasText: 'Patchbay is being restarted.' }).first()
    await note.waitFor()
    await page.getByRole('link', { name: 'Practice mail', exact: true }).waitFor()
    await page.unrouteAll()
    await note.getByRole('button', { name: 'Try again' }).click()
    await note.waitFor({ state: 'hidden' })
  })

  it('without a network a form keeps what was typed, and says that this device is offline', async () => {
    const { page, context } = await chromium.person(patchbay.base, { tolerate: /ERR_INTERNET_DISCONNECTED/ })
    await visit(page, '/members')
    await page.getByRole('button', { name: 'Invite' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Invite somebody' })
    await dialog.getByLabel('E-mail').fill('erin@example.test')
    await context.setOffline(true)
    await dialog.getByRole('button', { name: 'Invite' }).click()
    await dialog
      .getByText(/offline|could not be reached/i)
      .first()
      .waitFor()
    expect(await dialog.getByLabel('E-mail').inputValue()).toBe('erin@example.test')
    await context.setOffline(false)
    await dialog.getByRole('button', { name: 'Invite' }).click()
    await page.getByRole('dialog', { name: 'Invited' }).waitFor()
  })
})
