import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { connectInWindow, expectConnected, expectFocus, serviceWindow, tabTo, tryIt } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, joins, keyDefinition, oauth2Service, seen, type Member } from '../support/practice-services.ts'

describe('Create and Connect in the console [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    await oauth2Service(patchbay, 'asking', { habits: { auto: 'ask' }, rest: { name: 'Asking', scopes: [{ name: 'read' }] } })
    await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, 'weather', { name: 'Weather' }))
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const createAndConnect = (page: Page) => page.getByRole('button', { name: 'Create and Connect' })
  const nameBox = (page: Page) => page.getByRole('textbox', { name: 'Name', exact: true })
  const linkNameBox = (page: Page) => page.getByRole('textbox', { name: 'Link name', exact: true })

  it('from the grid to a working connection, whose link name follows the name', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.getByRole('link', { name: 'Add connection' }).first().click()
    // the list that is left has a search box as well
    await page.getByRole('heading', { name: 'Add connection', level: 1 }).waitFor()
    await page.getByRole('searchbox').fill('aski')
    await page.getByRole('link', { name: /Asking/ }).click()
    await nameBox(page).fill('Files of the Çollege')
    expect(await linkNameBox(page).inputValue()).toMatch(/^files_of_the_[a-z_]+$/)
    await linkNameBox(page).fill('college_files')
    await page.getByText('Free', { exact: true }).waitFor()
    await connectInWindow(page, createAndConnect(page))
    await expectConnected(page, 'college_files')
    expect(await seen(ada.ask, 'college_files')).toMatchObject({ name: 'Files of the Çollege', status: 'connected' })
  })

  it('says that access was declined, and connects at the second try without creating twice', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=asking')
    await nameBox(page).fill('Declined once')
    const consent = await serviceWindow(page, () => createAndConnect(page).click())
    await consent.getByRole('button', { name: 'Reject' }).click()
    await consent
      .getByText(/declined/i)
      .first()
      .waitFor()
    const dialog = page.getByRole('dialog', { name: 'Connect Asking' })
    await dialog.getByText('Access was declined', { exact: true }).waitFor()
    await connectInWindow(page, dialog.getByRole('button', { name: 'Try again' }))
    await expectConnected(page, 'declined_once')
  })

  it('keeps what was typed when the dialog is cancelled, and goes on with the connection that exists', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=asking')
    await nameBox(page).fill('Cancelled once')
    const consent = await serviceWindow(page, () => createAndConnect(page).click())
    // what was asked about the link name while it was typed is answered by then: it is taken now, by this connection
    await page.waitForTimeout(600)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await consent.close()
    await page.getByText('Cancelled once was created, and is not connected yet').waitFor()
    await page.reload()
    await page.getByText('Cancelled once was created, and is not connected yet').waitFor()
    await connectInWindow(page, page.getByRole('button', { name: 'Connect', exact: true }))
    await expectConnected(page, 'cancelled_once')
  })

  it('uses the same tab when the browser blocks the window', async () => {
    const { page, context } = await chromium.person(patchbay.base)
    await context.addInitScript('window.open = () => null')
    await visit(page, '/add-connection?service=asking')
    await nameBox(page).fill('Without a window')
    await createAndConnect(page).click()
    await page.getByRole('button', { name: 'Accept' }).click()
    await expectConnected(page, 'without_a_window')
    expect(context.pages()).toHaveLength(1)
  })

  it('tells a wrong value beside its box, focuses the first one, and loses nothing', async () => {
    await connect(ada, { service: 'weather', link_name: 'taken', credentials: { 'X-Api-Key': 'practice-key' } })
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=weather')
    await nameBox(page).fill('')
    await linkNameBox(page).fill('Not a link name')
    await createAndConnect(page).click()
    await page.getByText('A name is needed.').waitFor()
    await page.getByText(/^A link name begins with a letter/).waitFor()
    await expectFocus(nameBox(page))
    expect(await nameBox(page).getAttribute('aria-invalid')).toBe('true')
    expect(await linkNameBox(page).inputValue()).toBe('Not a link name')

    await nameBox(page).fill('Taken')
    await linkNameBox(page).fill('taken')
    await page.getByText('Another connection has this link name.').waitFor()
    await page.getByRole('button', { name: 'Use taken_2' }).click()
    expect(await linkNameBox(page).inputValue()).toBe('taken_2')
    await page.getByRole('radio', { name: 'Members that I name' }).check()
    await createAndConnect(page).click()
    await page.getByText('Name somebody, or choose “Only me”.').waitFor()
    expect(await nameBox(page).inputValue()).toBe('Taken')
  })

  it('keeps the draft when somebody goes back to the services and comes again', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=weather')
    await nameBox(page).fill('Half typed')
    await page.getByRole('link', { name: /Pick your service/ }).click()
    await page.getByRole('link', { name: /Weather/ }).click()
    await expect.poll(() => nameBox(page).inputValue()).toBe('Half typed')
    await page.reload()
    await settled(page)
    expect(await nameBox(page).inputValue()).toBe('Half typed')
  })

  it('with the keyboard alone, from the list to the connected service', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.keyboard.press('n')
    await page.waitForURL('**/add-connection')
    await settled(page)
    await expectFocus(page.getByRole('searchbox'))
    await page.keyboard.type('weather')
    const card = page.getByRole('link', { name: /^Weather/ })
    await card.waitFor()
    await tabTo(page, card)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/add-connection?service=weather')
    await settled(page)
    await tabTo(page, nameBox(page))
    await page.keyboard.press('Control+a')
    await page.keyboard.type('By keyboard')
    await page.keyboard.press('Enter')
    const key = page.getByRole('dialog', { name: 'Connect Weather' }).getByRole('textbox', { name: 'API key' })
    await expectFocus(key)
    await page.keyboard.type('practice-key')
    await page.keyboard.press('Enter')
    await expectConnected(page, 'by_keyboard')
  })

  it('asks each person for an account of their own, and calls as them', async () => {
    await joins(patchbay, 'Ben')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=asking')
    await nameBox(page).fill('Mail of everybody')
    await page.getByRole('radio', { name: 'Each with their own account' }).click()
    await connectInWindow(page, createAndConnect(page), 'ada')
    await expectConnected(page, 'mail_of_everybody')
    const adas = await tryIt(page, '/api/me')

    const ben = await chromium.person(patchbay.base, { email: 'ben@example.test' })
    await visit(ben.page, '/connections?view=available')
    await connectInWindow(ben.page, ben.page.getByRole('button', { name: 'Connect Mail of everybody' }), 'grace')
    await visit(ben.page, '/connections/mail_of_everybody')
    const bens = await tryIt(ben.page, '/api/me')
    expect([adas.id, bens.id]).toEqual(['ada', 'grace'])

    await visit(page, '/connections/mail_of_everybody')
    const people = page.getByRole('region', { name: 'Who has authorised it' })
    await people.getByRole('row', { name: /Ben/ }).waitFor()
    expect(await people.getByRole('row').count()).toBe(3)
  })

  it('refuses a callback that comes back in another browser, and says why', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/add-connection?service=asking')
    await nameBox(page).fill('Carried away')
    const consent = await serviceWindow(page, () => createAndConnect(page).click())
    // what its form would be answered with: the way back, with a code
    const back = await fetch(`${consent.url()}&auto=accept`, { redirect: 'manual' })
    const other = await chromium.person(patchbay.base)
    await other.page.goto(back.headers.get('location') ?? '')
    await other.page
      .getByText(/browser/i)
      .first()
      .waitFor()
    expect(await seen(ada.ask, 'carried_away')).toMatchObject({ status: 'authorization_required' })
  })

  it('shows the page of the service only to whoever the link is for', async () => {
    await connect(ada, { service: 'weather', link_name: 'for_ada', credentials: { 'X-Api-Key': 'practice-key' } })
    const { page } = await chromium.person(patchbay.base, { email: 'ben@example.test' })
    await page.goto(`/connect?organization=default&connection=for_ada&for=${ada.id}`)
    await page.getByText('This link is for somebody else.', { exact: false }).waitFor()
  })
})
