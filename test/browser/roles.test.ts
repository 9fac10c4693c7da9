import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { furnish } from '../support/furnished.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

describe('a person without the role sees no administrator’s action, and cannot reach one by its address [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    await furnish(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const ben = () => chromium.person(patchbay.base, { email: 'ben@example.test' })

  it.each(['/members', '/audit'])('%s says who can, and shows nobody', async path => {
    const { page } = await ben()
    await visit(page, path)
    const main = page.locator('main')
    await main
      .getByText(/administrators?/i)
      .first()
      .waitFor()
    await main.getByText(/ada/).first().waitFor()
    expect(await main.innerText()).not.toContain('cleo@example.test')
    expect(await main.getByRole('button').count()).toBe(0)
  })

  it('a default service without a client tells who can set it up, and lets a member ask', async () => {
    const { page } = await ben()
    await visit(page, '/services/gmail')
    const main = page.locator('main')
    await main.getByText(/needs the organisation’s own client/).waitFor()
    expect(await main.getByLabel(/Client secret/).count()).toBe(0)
    await main.getByLabel('A word to them').fill('For the newsletter')
    await main.getByRole('button', { name: 'Ask for it' }).click()
    await main
      .getByText(/^You asked for it/)
      .first()
      .waitFor()

    const ada = await chromium.person(patchbay.base)
    await visit(ada.page, '/services/gmail')
    await ada.page.getByText(/Ben Osei \(ben@example.test\) asked for it .*For the newsletter/).waitFor()
    await ada.page
      .getByLabel(/^Client secret/)
      .first()
      .waitFor()
  })

  it('somebody else’s custom service is not edited, nor its address of editing', async () => {
    const { page } = await ben()
    await visit(page, '/services/weather')
    expect(await page.getByRole('link', { name: 'Edit' }).count()).toBe(0)
    expect(await page.getByRole('button', { name: 'More', exact: true }).count()).toBe(0)
    await visit(page, '/services/weather/edit')
    await page.getByText('Only its keeper edits a custom service', { exact: false }).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    expect(await page.getByRole('textbox').count()).toBe(0)
  })

  it('a shared connection is called, not managed; a private one of somebody else does not exist', async () => {
    const { page } = await ben()
    await visit(page, '/connections/printer_hall')
    await page.getByRole('button', { name: 'Try it', exact: true }).waitFor()
    await page.keyboard.press('e')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'More about this connection' }).count()).toBe(0)
    await visit(page, '/connections/weather')
    await page.getByRole('heading', { name: 'There is no such connection' }).waitFor()
  })

  it('the view of everybody’s connections is not offered, and its address gives nothing', async () => {
    const { page } = await ben()
    await visit(page, '/connections')
    expect(await page.getByRole('tab', { name: 'All' }).count()).toBe(0)
    await visit(page, '/connections?view=all')
    expect(await page.locator('main').innerText()).not.toMatch(/Photographs of the year|Weather for reports/)
  })

  it('settings of the organisation are told, not offered', async () => {
    const { page } = await ben()
    await visit(page, '/settings')
    for (const name of ['Who may create', 'Scripts']) {
      const group = page.getByRole('group', { name })
      await group.getByText('Administrators decide this.').waitFor()
      expect(await group.locator('input').count(), name).toBe(0)
    }
  })

  it('where only administrators create, others are told who can instead of a form', async () => {
    const ada = await chromium.person(patchbay.base)
    await visit(ada.page, '/settings')
    await ada.page
      .getByRole('group', { name: 'Who may create' })
      .getByRole('radio', { name: /^Administrators/ })
      .check()
    await ada.page.getByText('Saved.').waitFor()
    const { page } = await ben()
    for (const path of ['/add-connection', '/add-connection?service=weather', '/add-service', '/add-service?connect=true']) {
      await visit(page, path)
      await page
        .locator('main')
        .getByText(/your role does not/)
        .waitFor()
      expect(await page.getByRole('button', { name: /Create/ }).count(), path).toBe(0)
    }
    await visit(page, '/connections')
    expect(await page.getByRole('link', { name: 'Add connection' }).count()).toBe(0)
  })

  it('who stops being an administrator is one no longer, in the page that is open', async () => {
    const cleo = await chromium.person(patchbay.base, { email: 'cleo@example.test' })
    const members = (await patchbay.admin('GET', '/api/v1/members')).json as { data: { id: string; email: string }[] }
    const id = members.data.find(one => one.email === 'cleo@example.test')?.id ?? ''
    await patchbay.admin('PATCH', `/api/v1/members/${id}`, { role: 'administrator' })
    await visit(cleo.page, '/members')
    await cleo.page.getByRole('button', { name: 'Invite' }).first().waitFor()
    await patchbay.admin('PATCH', `/api/v1/members/${id}`, { role: 'developer' })
    await cleo.page.getByRole('button', { name: 'Invite' }).first().click()
    const dialog = cleo.page.getByRole('dialog', { name: 'Invite somebody' })
    await dialog.getByLabel('E-mail').fill('frank@example.test')
    await dialog.getByRole('button', { name: 'Invite' }).click()
    await dialog.getByRole('alert').waitFor()
    const invited = (await patchbay.admin('GET', '/api/v1/members/invitations')).text
    expect(invited).not.toContain('frank@example.test')
  })
})
