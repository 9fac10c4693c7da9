import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { expectFocus } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, joins, keyDefinition, seen, type Member } from '../support/practice-services.ts'

const sentence = 'Patchbay is being restarted.'
const refusal = { status: 503, code: 'storage_unavailable', title: 'Unavailable', detail: sentence, request_id: 'r-1' }

/** Calls of one method to one path wait here until they are let through or refused. */
async function hold(page: Page, method: string, path: string) {
  const waiting: Route[] = []
  await page.route(`**/api/v1/${path}`, route => (route.request().method() === method ? void waiting.push(route) : route.fallback()))
  const next = async (): Promise<Route> => {
    await expect.poll(() => waiting.length, { timeout: 10_000 }).toBeGreaterThan(0)
    return waiting.shift() as Route
  }
  return {
    letThrough: async () => (await next()).continue(),
    refuse: async (problem: typeof refusal & { errors?: unknown } = refusal) =>
      (await next()).fulfill({ status: problem.status, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  }
}

describe('what is small or can be undone is on the screen at once, and off it again when it is refused [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    await joins(patchbay, 'Ben')
    await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'weather', { name: 'Weather' }))
    await connect(ada, { service: 'weather', name: 'Weather', link_name: 'weather', credentials: { 'X-Api-Key': 'practice-key' } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const at = async (path: string) => {
    const { page } = await chromium.person(patchbay.base, { tolerate: /status of 503/ })
    await visit(page, path)
    return page
  }

  it('a revoked API key', async () => {
    await ada.ask('POST', '/api/v1/api-keys', { name: 'Nightly export', connections: ['weather'] })
    const page = await at('/api-keys')
    const row = page.getByRole('row', { name: /Nightly export/ })
    const held = await hold(page, 'DELETE', 'api-keys/*')
    const revoke = async () => {
      await page.getByRole('button', { name: 'Revoke the key Nightly export' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
      await row.waitFor({ state: 'hidden' })
    }
    await revoke()
    await held.refuse()
    await row.waitFor()
    await page.getByText(`${sentence} (Request r-1)`).waitFor()
    await revoke()
    await held.letThrough()
    await page.getByText('The key Nightly export is revoked.').waitFor()
    await row.waitFor({ state: 'hidden' })
  })

  it('another role', async () => {
    const page = await at('/members')
    const role = page.getByRole('combobox', { name: 'Role of Ben' })
    const held = await hold(page, 'PATCH', 'members/*')
    const choose = async () => {
      await role.click()
      await page.getByRole('option', { name: /^Developer/ }).click()
      await expect.poll(() => role.inputValue()).toBe('Developer')
    }
    await choose()
    await held.refuse()
    await page.getByText(sentence).waitFor()
    await expect.poll(() => role.inputValue()).toBe('User')
    await choose()
    await held.letThrough()
    await page.getByText('Ben is developer now.').waitFor()
    expect(await role.inputValue()).toBe('Developer')
  })

  it('an invitation that is withdrawn', async () => {
    await ada.ask('POST', '/api/v1/members/invitations', { email: 'dora@example.test', role: 'user' })
    const page = await at('/members')
    const row = page.getByRole('row', { name: /dora@example.test/ })
    const held = await hold(page, 'DELETE', 'members/invitations/*')
    const withdraw = async () => {
      await page.getByRole('button', { name: 'Withdraw the invitation of dora@example.test' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
      await row.waitFor({ state: 'hidden' })
    }
    await withdraw()
    await held.refuse()
    await row.waitFor()
    await page.getByText(sentence).waitFor()
    await withdraw()
    await held.letThrough()
    await page.getByText('The invitation is withdrawn.').waitFor()
  })

  it('a setting', async () => {
    const page = await at('/settings')
    const developers = page.getByRole('radio', { name: 'Developers' })
    const held = await hold(page, 'PATCH', 'settings')
    await developers.click()
    await expect.poll(() => developers.isChecked()).toBe(true)
    await held.refuse()
    await page.getByText(sentence).waitFor()
    expect(await page.getByRole('radio', { name: 'Everyone' }).isChecked()).toBe(true)
  })

  it('another name: the form comes back with everything typed, and the sentence under its box', async () => {
    const page = await at('/connections/weather')
    const held = await hold(page, 'PATCH', 'connections/weather')
    await page.keyboard.press('e')
    const dialog = page.getByRole('dialog', { name: 'Edit Weather' })
    const name = dialog.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('Weather of today')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByRole('heading', { name: 'Weather of today', level: 1 }).waitFor()
    await held.refuse({ ...refusal, status: 422, code: 'validation_failed', errors: [{ path: 'name', message: 'Not that one.' }] })
    await dialog.getByText('Not that one.').waitFor()
    expect(await name.inputValue()).toBe('Weather of today')
    await expectFocus(name)
    await expect.poll(() => page.locator('h1').innerText()).not.toContain('of today')

    await dialog.getByRole('button', { name: 'Save' }).click()
    await held.letThrough()
    await page.getByText('Saved.').waitFor()
    await page.getByRole('heading', { name: 'Weather of today', level: 1 }).waitFor()
    expect(await seen(ada.ask, 'weather')).toMatchObject({ name: 'Weather of today' })
  })

  it('a revoked connection, on its own page and in the list', async () => {
    const page = await at('/connections/weather')
    const held = await hold(page, 'POST', 'connections/weather/revoke')
    const main = page.locator('main')
    await page.getByRole('button', { name: 'More about this connection' }).click()
    await page.getByRole('menuitem', { name: 'Revoke', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await main.getByText('Revoked', { exact: true }).first().waitFor()
    await held.refuse()
    await main.getByText('Connected', { exact: true }).first().waitFor()
    await page.getByText(sentence).waitFor()
    expect(await seen(ada.ask, 'weather')).toMatchObject({ status: 'connected' })

    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Connections' }).click()
    await page.getByRole('button', { name: 'More about Weather of today' }).click()
    await page.getByRole('menuitem', { name: 'Revoke', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await main.getByText('Revoked', { exact: true }).first().waitFor()
    await held.letThrough()
    await page
      .getByText('Revoked here.')
      .or(page.getByText(/is being told/))
      .first()
      .waitFor()
    await main.getByText('Being revoked.').waitFor({ state: 'hidden' })
    await main.getByText('Revoked', { exact: true }).first().waitFor()
    expect(await seen(ada.ask, 'weather')).toMatchObject({ status: 'revoked' })
  })
})
