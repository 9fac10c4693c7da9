import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminEmail, adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { basicDefinition, joins } from '../support/practice-services.ts'

describe('the frame around every page [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    await patchbay.admin('POST', '/api/v1/services', basicDefinition(patchbay, 'label_printer', { name: 'Label printer' }))
    await joins(patchbay, 'Ben')
    const connection = { service: 'label_printer', name: 'Printer in the hall', link_name: 'printer_hall' }
    await patchbay.admin('POST', '/api/v1/connections', connection)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('sends whoever is not signed in to the sign-in page, and back to where they wanted to go', async () => {
    const { page } = await chromium.person(patchbay.base, { email: null })
    await page.goto('/services/label_printer?tab=1')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await page.getByLabel('E-mail').fill(adminEmail)
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('do not belong together').waitFor()
    expect(await page.getByLabel('E-mail').inputValue()).toBe(adminEmail)
    await page.getByLabel('Password').fill(adminPassword)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/services/label_printer?tab=1')
    await settled(page)
  })

  it('goes anywhere from the palette, without a mouse', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.keyboard.press('Control+k')
    const box = page.getByRole('textbox', { name: 'Search everything' })
    const ready = () => box.and(page.locator(':focus')).waitFor()
    await ready()
    await page.keyboard.type('api ke')
    await page
      .getByRole('button', { name: 'API keys' })
      .or(page.getByRole('option', { name: 'API keys' }))
      .first()
      .waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL('**/api-keys')
    await settled(page)

    await page.keyboard.press('Control+k')
    await ready()
    await page.keyboard.type('hall')
    await page.getByText('Printer in the hall').first().waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL('**/connections/printer_hall')
    await settled(page)

    await page.keyboard.press('Control+k')
    await ready()
    await page.keyboard.press('Escape')
    await box.waitFor({ state: 'hidden' })
  })

  it('goes to the lists by two keys, adds by one, and keeps keys out of what is typed', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    for (const [keys, path] of [
      ['gs', '/services'],
      ['gf', '/functions'],
      ['gi', '/invocations'],
      ['gm', '/members'],
      ['gk', '/api-keys'],
      ['gc', '/connections'],
    ] as const) {
      for (const key of keys) await page.keyboard.press(key)
      await page.waitForURL(`**${path}`)
    }
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    await page.keyboard.press('n')
    expect(new URL(page.url()).pathname).toBe('/connections')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'hidden' })
    await page.keyboard.press('n')
    await page.waitForURL('**/add-connection')
  })

  it('begins with a way past itself, and shows where the keyboard is', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to the content' })
    expect(await skip.evaluate(element => element === element.ownerDocument.activeElement)).toBe(true)
    expect((await skip.boundingBox())?.x).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('content')
    await page.keyboard.press('Tab')
    const outline = await page.evaluate(`(() => {
      const style = getComputedStyle(document.activeElement)
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
    })()`)
    expect(outline, 'the focus has no outline').toBe(true)
  })

  it('keeps the chosen appearance, and otherwise follows the system', async () => {
    const { page } = await chromium.person(patchbay.base, { colorScheme: 'dark' })
    const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme')
    await visit(page, '/connections')
    expect(await scheme()).toBe('dark')
    await page.getByRole('button', { name: /^Your account/ }).click()
    await page.getByRole('menuitemradio', { name: 'Light' }).click()
    expect(await scheme()).toBe('light')
    await page.reload()
    await settled(page)
    expect(await scheme()).toBe('light')
    await page.getByRole('button', { name: /^Your account/ }).click()
    expect(await page.getByRole('menuitemradio', { name: 'Light' }).getAttribute('aria-checked')).toBe('true')
    await page.getByRole('menuitemradio', { name: 'As the system' }).click()
    expect(await scheme()).toBe('dark')
  })

  it('names each page in the tab', async () => {
    const { page } = await chromium.person(patchbay.base)
    const titles: string[] = []
    for (const path of [
      '/connections',
      '/services',
      '/functions',
      '/add-function',
      '/bring-scripts',
      '/invocations',
      '/members',
      '/api-keys',
      '/audit',
      '/settings',
      '/add-connection',
    ]) {
      await visit(page, path)
      expect(await page.title()).toMatch(/^.+ · Patchbay$/)
      titles.push(await page.title())
    }
    expect(new Set(titles).size, titles.join(', ')).toBe(titles.length)
  })

  it('has a sheet instead of the rail on a telephone, and nothing is wider than the screen', async () => {
    const { page } = await chromium.person(patchbay.base, { width: 360, height: 740 })
    await visit(page, '/connections')
    expect(await page.getByRole('complementary').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Pages' }).click()
    await page.getByRole('dialog', { name: 'Pages' }).getByRole('link', { name: 'Services' }).click()
    await page.waitForURL('**/services')
    await page.getByRole('dialog', { name: 'Pages' }).waitFor({ state: 'hidden' })
  })

  it('shows a member no page that is for administrators, in the rail or in the palette', async () => {
    const { page } = await chromium.person(patchbay.base, { email: 'ben@example.test' })
    await visit(page, '/connections')
    const rail = page.getByRole('navigation', { name: 'Pages' })
    await rail.getByRole('link', { name: 'API keys' }).waitFor()
    expect(await rail.getByRole('link', { name: /Members|Audit/ }).count()).toBe(0)
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search everything' }).fill('audit')
    await page.getByText('Nothing has this name.').waitFor()
  })

  it('says so when there is no such page, and leads back', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.evaluate(`history.pushState({}, '', '/no-such-page')`)
    await page.evaluate(`dispatchEvent(new PopStateEvent('popstate'))`)
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    await page.getByRole('link', { name: 'Go to the connections' }).click()
    await page.waitForURL('**/connections')
  })

  it('is in no other site’s frame, and its pages are kept in no cache', async () => {
    const { context } = await chromium.person(patchbay.base)
    for (const path of ['/connections', '/settings', '/api-keys', '/sign-in']) {
      const answer = await context.request.get(path, { maxRedirects: 0 })
      const policy = answer.headers()['content-security-policy'] ?? ''
      expect(policy, path).toContain("frame-ancestors 'none'")
      expect(policy, path).not.toMatch(/unsafe-inline|unsafe-eval|\*/)
      if (path === '/sign-in') continue
      expect(answer.headers()['cache-control']).toBe('no-store')
      expect(policy).toContain("script-src 'self';")
    }
  })

  it('tells a person whose session has ended to sign in again on top of the page, and goes on', async () => {
    const { page, context } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await context.clearCookies()
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search everything' }).fill('printer')
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
    await dialog.getByRole('textbox', { name: 'Password' }).fill('something else')
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await dialog.getByText('do not belong together').waitFor()
    await dialog.getByRole('textbox', { name: 'Password' }).fill(adminPassword)
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(new URL(page.url()).pathname).toBe('/connections')
    expect((await context.request.get('/api/v1/me')).status()).toBe(200)
  })
})
