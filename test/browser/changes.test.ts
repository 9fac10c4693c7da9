import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { expectConnected } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  call,
  connect,
  keyDefinition,
  oauth2Service,
  practiceUrl,
  revocations,
  seen,
  until,
  type Member,
} from '../support/practice-services.ts'

describe('what ends or changes something says first what stops working, and then it does [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    await oauth2Service(patchbay, 'mail', { by: ada.ask, rest: { name: 'Mail', scopes: [{ name: 'read' }, { name: 'send' }] } })
    await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'weather', { name: 'Weather' }))
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const mail = (linkName: string, more = {}) =>
    connect(ada, { service: 'mail', name: linkName, link_name: linkName, scopes: ['read'], ...more })
  const isCalled = async (linkName: string) => (await call(patchbay, ada.ask, linkName, '/api/echo')).json as Record<string, unknown>

  it('an edited custom service: by name whose connections it revokes, which happens', async () => {
    await mail('edited_mail')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/mail/edit')
    await page.getByText('Nothing is changed yet.').waitFor()
    const token = page.getByRole('textbox', { name: 'Access token URL', exact: true })
    await token.fill(`${practiceUrl(patchbay)}/dialects/none/oauth2/token`)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Save Mail' })
    await dialog.getByText('edited_mail').waitFor()
    await dialog.getByText('ada').first().waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(await seen(ada.ask, 'edited_mail')).toMatchObject({ status: 'connected' })
    expect(await token.inputValue()).toContain('/dialects/none/')

    await token.fill(`${practiceUrl(patchbay)}/oauth2/token?tenant=2`)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByRole('button', { name: 'Save and revoke' }).click()
    await page.waitForURL('**/services/mail')
    expect(await seen(ada.ask, 'edited_mail')).toMatchObject({ status: 'revoked' })
  })

  it('an edit that revokes nobody is saved without a question', async () => {
    await mail('kept_mail')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/mail/edit')
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Mail of the college')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.waitForURL('**/services/mail')
    await page.getByRole('heading', { name: 'Mail of the college', level: 1 }).waitFor()
    expect(await seen(ada.ask, 'kept_mail')).toMatchObject({ status: 'connected' })
    await ada.ask('PATCH', '/api/v1/services/mail', { name: 'Mail' })
  })

  it('an edit beside somebody else’s is told, and neither is lost', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/weather/edit')
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('Weather, edited here')
    await ada.ask('PATCH', '/api/v1/services/weather', { description: 'Edited elsewhere.' })
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('alert').getByText('Somebody else has changed Weather meanwhile').waitFor()
    expect(await name.inputValue()).toBe('Weather, edited here')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.waitForURL('**/services/weather')
    const { json } = await ada.ask('GET', '/api/v1/services/weather')
    expect(json).toMatchObject({ name: 'Weather, edited here', description: 'Edited elsewhere.' })
    await ada.ask('PATCH', '/api/v1/services/weather', { name: 'Weather' })
  })

  it('leaving what is not saved asks first', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/weather/edit')
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Never saved')
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Connections' }).click()
    const dialog = page.getByRole('dialog', { name: 'Leave without saving?' })
    await dialog.getByRole('button', { name: 'Stay here' }).click()
    expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('Never saved')
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Connections' }).click()
    await dialog.getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL('**/connections')
  })

  it('revoke: named keys and recent callers first, then the next call is refused and the provider is told', async () => {
    await mail('revoked_mail')
    await ada.ask('POST', '/api/v1/api-keys', { name: 'Nightly export', connections: ['revoked_mail'] })
    expect(await isCalled('revoked_mail')).toMatchObject({ status_code: 200 })
    const before = await revocations(patchbay)
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections/revoked_mail')
    await page.getByRole('button', { name: 'More about this connection' }).click()
    await page.getByRole('menuitem', { name: 'Revoke', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Revoke revoked_mail?' })
    await dialog.getByText('This stops working at once:').waitFor()
    await dialog.getByText(/Nightly export/).waitFor()
    await dialog.getByText('Mail is told to end it too.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(await isCalled('revoked_mail')).toMatchObject({ status_code: 200 })
    await page.getByRole('button', { name: 'More about this connection' }).click()
    await page.getByRole('menuitem', { name: 'Revoke', exact: true }).click()
    // the page shows it before the server has answered
    const revoked = page.waitForResponse('**/api/v1/connections/revoked_mail/revoke')
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('Revoked', { exact: true }).first().waitFor()
    expect((await revoked).status()).toBe(200)
    expect(await isCalled('revoked_mail')).toMatchObject({ code: 'connection_revoked' })
    await until(
      () => revocations(patchbay),
      count => count > before,
    )
  })

  it('delete: the connection is gone, and its page says so', async () => {
    await mail('deleted_mail')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections/deleted_mail')
    await page.getByRole('button', { name: 'More about this connection' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete deleted_mail?' })
    await dialog.getByText('Nobody called through it in the last 30 days', { exact: false }).waitFor()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL('**/connections')
    expect((await ada.ask('GET', '/api/v1/connections/deleted_mail')).status).toBe(404)
    await page.goto('/connections/deleted_mail')
    await page.getByRole('heading', { name: 'There is no such connection' }).waitFor()
  })

  it('other scopes ask for consent again, and what was granted before works until then', async () => {
    await mail('scoped_mail')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections/scoped_mail')
    await page.keyboard.press('e')
    const dialog = page.getByRole('dialog', { name: 'Edit scoped_mail' })
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Mail with scopes')
    await dialog.getByRole('checkbox', { name: 'send' }).check()
    await dialog.getByText(/asks for your consent again/).waitFor()
    // this client’s consent page accepts by itself
    await dialog.getByRole('button', { name: 'Save and connect' }).click()
    await page.getByRole('heading', { name: 'Mail with scopes' }).waitFor()
    await until(
      () => seen(ada.ask, 'scoped_mail'),
      one => (one.granted_scopes as string[]).includes('send'),
    )
    await expectConnected(page, 'scoped_mail')
  })

  it('a service that is in use is not deleted, and names what is in the way', async () => {
    await connect(ada, {
      service: 'weather',
      name: 'Weather of today',
      link_name: 'weather_today',
      credentials: { 'X-Api-Key': 'practice-key' },
    })
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/weather')
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: /^Delete/ }).click()
    const dialog = page.getByRole('dialog', { name: 'Weather is in use' })
    await dialog.getByRole('link', { name: 'Weather of today' }).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await ada.ask('DELETE', '/api/v1/connections/weather_today')
    await page.reload()
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: /^Delete/ }).click()
    await page.getByRole('dialog', { name: 'Delete Weather' }).getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL('**/services')
    expect((await ada.ask('GET', '/api/v1/services/weather')).status).toBe(404)
  })

  it('an API key is shown once, works, and is refused once it is revoked', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/api-keys')
    await page
      .getByRole('button', { name: /^Create/ })
      .first()
      .click()
    const dialog = page.getByRole('dialog', { name: 'Create an API key' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('From the console')
    await dialog.getByRole('radio', { name: /^Every connection/ }).check()
    await dialog.getByRole('checkbox', { name: /^Calls only/ }).uncheck()
    await dialog.getByRole('button', { name: /^Create/ }).click()
    const made = page.getByRole('dialog', { name: 'Your key From the console' })
    const key = await made.getByLabel('the key', { exact: true }).innerText()
    await page.keyboard.press('Escape')
    await made.getByRole('checkbox', { name: 'I have stored the key' }).check()
    await made.getByRole('button', { name: 'Done' }).click()
    await made.waitFor({ state: 'hidden' })
    expect((await patchbay.withKey(key)('GET', '/api/v1/me')).status).toBe(200)
    await page.reload()
    expect(await page.locator('body').innerText()).not.toContain(key)
    await page.getByRole('button', { name: 'Revoke the key From the console' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The key From the console is revoked.').waitFor()
    expect((await patchbay.withKey(key)('GET', '/api/v1/me')).status).toBe(401)
  })
})
