import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { expectFocus } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  callbackOf,
  connect,
  joins,
  keyDefinition,
  must,
  oauth2Definition,
  practiceHost,
  practiceUrl,
  registerClient,
  type Member,
} from '../support/practice-services.ts'

describe('services in the console [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  let ben: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    ben = await joins(patchbay, 'Ben')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'weather', { name: 'Weather' })), 201)
    await connect(ada, { service: 'weather', name: 'Hers', link_name: 'hers', credentials: { 'X-Api-Key': 'practice-key' } })
    await connect(ben, { service: 'weather', name: 'His', link_name: 'his', credentials: { 'X-Api-Key': 'practice-key' } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const field = (within: Page | Locator, name: string): Locator => within.getByRole('textbox', { name, exact: true })
  const derived = (page: Page): Locator => page.getByRole('list', { name: 'Derived API hosts' }).getByRole('listitem')
  const isStored = async (linkName: string): Promise<boolean> => (await ada.ask('GET', `/api/v1/services/${linkName}`)).status === 200

  it('the API hosts appear while the URLs are typed, as the server would store them, and stay until it has answered', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-service')
    await field(page, 'Access token URL').fill('https://login.mailchimp.com/oauth2/token')
    await derived(page).getByText('*.api.mailchimp.com', { exact: true }).waitFor()
    await page.route('**/api/v1/services/check', async route => {
      await new Promise(resolve => setTimeout(resolve, 1500))
      await route.continue()
    })
    await field(page, 'Authorize URL').fill('https://accounts.example.com/authorize')
    await page.waitForTimeout(600)
    expect(await derived(page).allInnerTexts(), 'the ones before').toContain('*.api.mailchimp.com')
    await derived(page).getByText('*.example.com', { exact: true }).waitFor()

    const shown = await derived(page).allInnerTexts()
    await field(page, 'Name').fill('Letters')
    await field(page, 'Client id').fill('an id')
    await page.getByRole('button', { name: 'Create the service' }).click()
    await page.waitForURL('**/services/letters')
    expect((await ada.ask('GET', '/api/v1/services/letters')).json.api_hosts).toEqual(shown)
  })

  it('they are live in the editing form too, once the named ones are taken away', async () => {
    const definition = oauth2Definition(patchbay, 'edited', { client_id: 'x', client_secret: 'y' }, { name: 'Edited' })
    must(await ada.ask('POST', '/api/v1/services', definition), 201)
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/services/edited/edit')
    expect(await derived(page).count()).toBe(0)
    await page
      .getByLabel(/^API hosts/)
      .first()
      .press('Backspace')
    await derived(page).getByText(practiceHost(patchbay), { exact: true }).waitFor()
  })

  it('a connection that is refused leaves no service behind, and nothing typed is lost', async () => {
    const { page } = await chromium.person(patchbay.base, { email: ben.email })
    await visit(page, '/add-service?connect=true')
    const client = await registerClient(patchbay, 'shelf', { auto: 'ask' })
    await field(page.getByRole('region', { name: 'Service details' }), 'Name').fill('Shelf')
    await field(page, 'Authorize URL').fill(`${practiceUrl(patchbay)}/oauth2/authorize`)
    await field(page, 'Access token URL').fill(`${practiceUrl(patchbay)}/oauth2/token`)
    await field(page, 'Client id').fill(client.client_id)
    await page
      .getByLabel(/^Client secret/)
      .first()
      .fill(client.client_secret)
    const linkName = field(page.getByRole('region', { name: 'Connection details' }), 'Link name')
    // Ada's, which Ben does not see: only the server can tell
    await linkName.fill('hers')
    const closed = page.waitForEvent('popup').then(opened => opened.waitForEvent('close'))
    await page.getByRole('button', { name: 'Create and Connect' }).click()
    await expect.poll(() => linkName.getAttribute('aria-invalid'), { timeout: 10_000 }).toBe('true')
    await expectFocus(linkName)
    await closed
    await page.getByText('This link name is in use already').waitFor()
    expect(await isStored('shelf')).toBe(false)
    expect(await field(page, 'Client id').inputValue()).toBe(client.client_id)

    await linkName.fill('shelf')
    const [opened] = await Promise.all([page.waitForEvent('popup'), page.getByRole('button', { name: 'Create and Connect' }).click()])
    await opened.getByRole('button', { name: 'Accept' }).click()
    await page.waitForURL('**/connections/shelf')
    expect(await isStored('shelf')).toBe(true)
  })

  it('Test tries a service that is not stored, and says what has to be corrected first', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-service')
    const test = page.getByRole('button', { name: 'Test', exact: true })
    await test.click()
    await expectFocus(field(page, 'Name'))
    const { client_id, client_secret } = await registerClient(patchbay, 'tried')
    expect(await field(page, 'Redirect URL').count()).toBe(1)
    await field(page, 'Name').fill('Tried')
    expect(await field(page, 'Redirect URL').inputValue()).toBe(callbackOf(patchbay, 'tried'))
    await field(page, 'Authorize URL').fill(`${practiceUrl(patchbay)}/oauth2/authorize`)
    await field(page, 'Access token URL').fill(`${practiceUrl(patchbay)}/oauth2/token`)
    await field(page, 'Client id').fill(client_id)
    const secret = page.getByLabel(/^Client secret/).first()
    await secret.fill('not this one')
    await test.click()
    await page.getByText('The client is refused').waitFor()
    await secret.fill(client_secret)
    await page.getByText('The client is refused').waitFor({ state: 'detached' })
    await test.click()
    await page.getByText('The client is accepted').waitFor()
    expect(await isStored('tried')).toBe(false)
  })

  it('the list counts connections: everybody’s for an administrator, one’s own for a member', async () => {
    const hers = await chromium.person(patchbay.base)
    await visit(hers.page, '/services?kind=custom&q=weather')
    await hers.page.getByRole('link', { name: '2 connections with Weather' }).click()
    await hers.page.waitForURL(/\/connections\?.*service=weather/)
    await hers.page.getByRole('link', { name: 'His', exact: true }).waitFor()

    const his = await chromium.person(patchbay.base, { email: ben.email })
    await visit(his.page, '/services?kind=custom&q=weather')
    await his.page.getByRole('link', { name: '1 own connection with Weather' }).click()
    await his.page.waitForURL('**/connections?service=weather')
    await his.page.getByRole('link', { name: 'His', exact: true }).waitFor()
  })

  it('connecting client credentials again opens no window', async () => {
    const client = await registerClient(patchbay, 'robot', { grant_types: ['client_credentials'] })
    const grant = { name: 'Robot', grant_type: 'client_credentials', authorize_url: null }
    must(await ada.ask('POST', '/api/v1/services', oauth2Definition(patchbay, 'robot', client, grant)), 201)
    await connect(ada, { service: 'robot', name: 'Robot', link_name: 'robot' })
    must(await ada.ask('POST', '/api/v1/connections/robot/revoke', {}), 200)
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections?q=robot')
    let opened = 0
    page.on('popup', () => opened++)
    await page.getByRole('button', { name: /^Connect again/ }).click()
    await page.getByText('Robot is connected.').waitFor()
    expect(opened).toBe(0)
  })
})
