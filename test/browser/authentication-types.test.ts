import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { connectInWindow, expectConnected, tryIt } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { callbackOf, practice, practiceHost, practiceUrl } from '../support/practice-services.ts'

describe('Create your own: each authentication type, described, connected and used on one page [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const hosts = (page: Page): Locator => page.getByLabel('API hosts', { exact: true })
  const field = (page: Page, label: string): Locator => page.getByRole('textbox', { name: label, exact: true })

  /** The page, its type chosen and its service named. */
  async function begin(type: RegExp, name: string): Promise<{ page: Page; details: Locator }> {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-service?connect=true')
    await page.getByRole('radio', { name: type }).click()
    const details = page.getByRole('region', { name: 'Service details' })
    await details.getByRole('textbox', { name: 'Name', exact: true }).fill(name)
    return { page, details }
  }
  const submit = (page: Page) => page.getByRole('button', { name: 'Create and Connect' })

  it('OAuth 2, with a redirect URL that follows the link name, and a delimiter only for several scopes', async () => {
    const { page, details } = await begin(/^OAuth 2\b/, 'Practice files')
    const callback = callbackOf(patchbay, 'practice_files')
    expect(await details.getByLabel('Redirect URL', { exact: true }).inputValue()).toBe(callback)
    const client = (await practice(patchbay, 'POST', '/oauth2/clients', { redirect_uris: [callback] })).json as Record<string, string>
    await field(page, 'Authorize URL').fill(`${practiceUrl(patchbay)}/oauth2/authorize`)
    await field(page, 'Access token URL').fill(`${practiceUrl(patchbay)}/oauth2/token`)
    await field(page, 'Client id').fill(client.client_id ?? '')
    await page
      .getByLabel(/^Client secret/)
      .first()
      .fill(client.client_secret ?? '')
    const scopes = page.getByRole('textbox', { name: /^Scopes/ }).first()
    await scopes.fill('files.read')
    await scopes.press('Enter')
    expect(await page.getByRole('radiogroup', { name: 'Delimiter' }).count()).toBe(0)
    await scopes.fill('files.write')
    await scopes.press('Enter')
    await page.getByRole('radiogroup', { name: 'Delimiter' }).getByText('Space').click()
    const connection = page.getByRole('region', { name: 'Connection details' })
    await connection.getByRole('checkbox', { name: /^files\.write/ }).uncheck()

    await connectInWindow(page, submit(page))
    await expectConnected(page, 'practice_files')
    expect(await tryIt(page, '/api/echo')).toMatchObject({ via: 'oauth2', scopes: ['files.read'] })
  })

  it('OAuth 1.0a', async () => {
    const { page } = await begin(/^OAuth 1/, 'Practice photographs')
    const consumer = (await practice(patchbay, 'POST', '/oauth1/clients', {})).json as Record<string, string>
    await field(page, 'Request token URL').fill(`${practiceUrl(patchbay)}/oauth1/request_token`)
    await field(page, 'Authorize URL').fill(`${practiceUrl(patchbay)}/oauth1/authorize`)
    await field(page, 'Access token URL').fill(`${practiceUrl(patchbay)}/oauth1/access_token`)
    await field(page, 'Consumer key').fill(consumer.consumer_key ?? '')
    await page
      .getByLabel(/^Consumer secret/)
      .first()
      .fill(consumer.consumer_secret ?? '')

    await connectInWindow(page, submit(page), 'grace')
    await expectConnected(page, 'practice_photographs')
    expect(await tryIt(page, '/oauth1/echo')).toMatchObject({ via: 'oauth1' })
  })

  it('API key: the dialog asks by display name, masks the secret, and its value goes where the service wants it', async () => {
    const { page } = await begin(/^API key/, 'Practice weather')
    await field(page, 'Header 1').fill('X-Api-Key')
    await field(page, 'Display name 1').fill('Key of your weather account')
    await hosts(page).fill(practiceHost(patchbay))
    await submit(page).click()

    const dialog = page.getByRole('dialog', { name: 'Connect Practice weather' })
    const key = dialog.getByRole('textbox', { name: 'Key of your weather account' })
    await key.waitFor()
    expect(await key.getAttribute('type')).toBe('password')
    await dialog.getByRole('button', { name: 'Connect' }).click()
    await dialog
      .getByText(/needed|empty|fill|value/i)
      .first()
      .waitFor()
    await key.fill('practice-key')
    await dialog.getByRole('button', { name: 'Connect' }).click()
    await expectConnected(page, 'practice_weather')
    expect(await tryIt(page, '/key/echo')).toMatchObject({ via: 'key' })
  })

  it('Basic', async () => {
    const { page } = await begin(/^Basic/, 'Practice printer')
    await hosts(page).fill(practiceHost(patchbay))
    await submit(page).click()
    const dialog = page.getByRole('dialog', { name: 'Connect Practice printer' })
    await dialog.getByRole('textbox', { name: /User ?name/i }).fill('practice')
    await dialog.getByRole('textbox', { name: /Password/i }).fill('practice-password')
    await dialog.getByRole('button', { name: 'Connect' }).click()
    await expectConnected(page, 'practice_printer')
    expect(await tryIt(page, '/basic/echo')).toMatchObject({ via: 'basic' })
    // a service's own refusal is an answer, and shown as one
    await tryIt(page, '/basic/status/418', 418)
  })
})
