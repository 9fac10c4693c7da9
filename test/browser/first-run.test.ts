import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { accept, serviceWindow } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

describe('the first run, from the set-up link to an answer [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', bare: true, consoleDirectory: await builtConsole() })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('takes three clicks after the form, and shows what a call through the new connection answered', async () => {
    const { page } = await chromium.person(patchbay.base, { email: null })
    await page.goto(patchbay.setUpUrl ?? '')
    await page.getByLabel('Organisation').fill('Acme')
    await page.getByLabel('Your name').fill('Ada Lovelace')
    await page.getByLabel('E-mail').fill('ada@example.test')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button').click()
    await page.waitForURL('**/welcome')
    await settled(page)
    await page.getByRole('heading', { name: 'Welcome, Ada' }).waitFor()
    expect(await page.getByRole('button', { name: 'Call it' }).isEnabled()).toBe(false)

    const connect = page.getByRole('button', { name: 'Connect the practice service' })
    const consent = await serviceWindow(page, () => connect.click())
    await page
      .getByRole('status')
      .getByText(/^Waiting for/)
      .waitFor()
    await accept(consent)
    await page.getByRole('button', { name: 'Call it' }).click()
    const answer = page.getByLabel('The answer')
    await answer.waitFor()
    const echoed = JSON.parse(await answer.innerText()) as Record<string, unknown>
    expect(echoed).toMatchObject({ method: 'GET', query: { hello: 'world' }, via: 'oauth2' })
    await page.getByRole('heading', { name: 'What next' }).waitFor()
  })

  it('goes on where it was when somebody comes back', async () => {
    const { page } = await chromium.person(patchbay.base)
    await page.goto('/welcome')
    await settled(page)
    expect(await page.getByRole('button', { name: 'Connect the practice service' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Call it' }).click()
    await page.getByLabel('The answer').waitFor()
    await page.getByRole('link', { name: 'Go to Connections' }).click()
    await page.getByRole('link', { name: 'Practice service' }).waitFor()
  })

  it('is over after the first: the set-up link works once, and says so', async () => {
    const { page } = await chromium.person(patchbay.base, { email: null })
    await page.goto(patchbay.setUpUrl ?? '')
    expect(await page.locator('main').innerText()).toMatch(/link|administrator/i)
    expect(await page.getByLabel('Password').count()).toBe(0)
  })
})
