import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { expectFocus } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, basicDefinition, connect, joins, oauth2Service } from '../support/practice-services.ts'

describe('wrong input in every form: told beside its field, which gets the focus, and nothing is lost [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    const ada = await administrator(patchbay)
    await oauth2Service(patchbay, 'mail', { by: ada.ask, rest: { name: 'Mail' } })
    await ada.ask('POST', '/api/v1/services', basicDefinition(patchbay, 'printer', { name: 'Printer' }))
    await connect(ada, { service: 'mail', name: 'Mail', link_name: 'mail' })
    await joins(patchbay, 'Ben')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  /** Refused: the box says why, is marked, has the focus and still holds what was typed. */
  async function expectRefused(box: Locator, typed: string, sentence: RegExp): Promise<void> {
    await expect.poll(() => box.getAttribute('aria-invalid'), { timeout: 10_000 }).toBe('true')
    await expectFocus(box)
    expect(await box.inputValue()).toBe(typed)
    const page = box.page()
    const told = (await box.getAttribute('aria-describedby')) ?? ''
    const words = await Promise.all(
      told
        .split(' ')
        .filter(Boolean)
        .map(id => page.locator(`[id="${id}"]`).innerText()),
    )
    expect(words.join(' '), 'the error is not tied to its box').toMatch(sentence)
  }
  const textbox = (within: Page | Locator, name: string | RegExp) =>
    within.getByRole('textbox', typeof name === 'string' ? { name, exact: true } : { name })

  it('the first administrator’s form and the sign-in page are tested where they are used; an invitation’s', async () => {
    const invited = await patchbay.admin('POST', '/api/v1/members/invitations', { email: 'gus@example.test', role: 'user' })
    const { page } = await chromium.person(patchbay.base, { email: null })
    await page.goto((invited.json as { accept_url: string }).accept_url)
    await page.getByLabel('Your name').fill('Gus')
    await page.getByLabel('Password').fill('short')
    await page.locator('form').evaluate(form => ((form as unknown as { noValidate: boolean }).noValidate = true))
    await page.locator('form').getByRole('button').click()
    await page
      .getByText(/characters/)
      .first()
      .waitFor()
    expect(await page.getByLabel('Your name').inputValue()).toBe('Gus')
    await page.getByLabel('Password').fill(adminPassword)
    await page.locator('form').getByRole('button').click()
    await page.waitForURL('**/connections')
  })

  it('a new custom service', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-service')
    await page.getByRole('radio', { name: /^OAuth 2/ }).click()
    await textbox(page, 'Authorize URL').fill('not a URL')
    await page.getByRole('button', { name: 'Create the service' }).click()
    await expectRefused(textbox(page, 'Name'), '', /name/i)
    expect(await textbox(page, 'Authorize URL').inputValue()).toBe('not a URL')
    await page
      .getByRole('alert')
      .getByText(/fields have to be corrected/)
      .waitFor()
    await textbox(page, 'Name').fill('Printer')
    await page.getByRole('button', { name: 'Create the service' }).click()
    await expectRefused(textbox(page, 'Link name'), 'printer', /another service/i)
  })

  it('an edited custom service', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/mail/edit')
    await textbox(page, 'Access token URL').fill('ftp://example.com/token')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await expectRefused(textbox(page, 'Access token URL'), 'ftp://example.com/token', /http/i)
  })

  it('the client of a default service', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/hubspot')
    const id = textbox(page, /^Client id/i)
    await id.fill('x'.repeat(5000))
    await page.getByRole('button', { name: 'Save the client' }).click()
    await expectRefused(id, 'x'.repeat(5000), /./)
  })

  it('an edited connection', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections/mail')
    await page.keyboard.press('e')
    const dialog = page.getByRole('dialog', { name: 'Edit Mail' })
    await textbox(dialog, 'Name').fill('x'.repeat(60))
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expectRefused(textbox(dialog, 'Name'), 'x'.repeat(60), /50/)
  })

  it('a call of Try it to a host that is not allowed: not sent, and the reason in words', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections/mail')
    await page.getByRole('button', { name: 'Try it', exact: true }).click()
    const box = page.getByRole('region', { name: 'Try it' })
    const host = box.getByRole('combobox', { name: 'Host' })
    await host.fill('https://example.com')
    await box.getByLabel('Path and query').fill('/me')
    await box.getByRole('button', { name: 'Send' }).click()
    await box.getByRole('alert').getByText('destination_not_allowed').waitFor()
    expect(await host.inputValue()).toBe('https://example.com')
  })

  it('a new API key', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/api-keys')
    await page.getByRole('button', { name: 'Create a key' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Create an API key' })
    await dialog.getByRole('button', { name: 'Create', exact: true }).click()
    await expectRefused(textbox(dialog, 'Name'), '', /name/i)
    await textbox(dialog, 'Name').fill('Nightly')
    await dialog.getByRole('button', { name: 'Create', exact: true }).click()
    await dialog
      .getByText(/connection/i)
      .first()
      .waitFor()
    expect(await textbox(dialog, 'Name').inputValue()).toBe('Nightly')
  })

  it.each([
    ['not an address', /e-mail/i],
    ['ben@example.test', /member/i],
  ])('an invitation to %s', async (email, sentence) => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/members')
    await page.getByRole('button', { name: 'Invite' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Invite somebody' })
    await textbox(dialog, 'E-mail').fill(email)
    await dialog.getByRole('button', { name: 'Invite' }).click()
    await dialog.getByText(sentence).last().waitFor()
    expect(await textbox(dialog, 'E-mail').inputValue()).toBe(email)
  })

  it('another password', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/settings')
    const current = textbox(page, 'Current password')
    await current.fill('not the one')
    await textbox(page, /^New password/).fill('another correct horse')
    await page.getByRole('button', { name: 'Change the password' }).click()
    await expectRefused(current, 'not the one', /./)
    await current.fill(adminPassword)
    await textbox(page, /^New password/).fill('short')
    await page.getByRole('button', { name: 'Change the password' }).click()
    await expectRefused(textbox(page, /^New password/), 'short', /characters/i)
  })

  it('a new organisation', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/settings')
    await page
      .getByRole('button', { name: /organisation/i })
      .last()
      .click()
    const dialog = page.getByRole('dialog', { name: 'Create an organisation' })
    await textbox(dialog, 'Name').fill('Second')
    await textbox(dialog, 'Slug').fill('Not a slug')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await expectRefused(textbox(dialog, 'Slug'), 'Not a slug', /./)
    expect(await textbox(dialog, 'Name').inputValue()).toBe('Second')
  })

  it('credentials that the service’s own test call refuses: told at once', async () => {
    const ada = await administrator(patchbay)
    const tested = { name: 'Tested', advanced: { test_url: `${patchbay.practiceUrl}/basic/me` } }
    const created = await ada.ask('POST', '/api/v1/services', basicDefinition(patchbay, 'tested', tested))
    expect(created.status, created.text).toBe(201)
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=tested')
    await page.getByRole('button', { name: 'Create and Connect' }).click()
    const dialog = page.getByRole('dialog', { name: 'Connect Tested' })
    await textbox(dialog, /User ?name/i).fill('practice')
    await textbox(dialog, /Password/i).fill('wrong')
    await dialog.getByRole('button', { name: 'Connect' }).click()
    await dialog.getByRole('alert').getByText('The service did not accept these values.', { exact: false }).waitFor()
    expect(await textbox(dialog, /Password/i).inputValue()).toBe('wrong')
    await textbox(dialog, /Password/i).fill('practice-password')
    await dialog.getByRole('button', { name: 'Connect' }).click()
    await page.waitForURL('**/connections/tested')
  })
})
