import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { connectInWindow, expectConnected, expectFocus, tabTo } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  connect,
  joins,
  keyDefinition,
  must,
  oauth2Service,
  practice,
  practiceUrl,
  type Member,
} from '../support/practice-services.ts'

const source = (page: Page) => page.getByRole('textbox', { name: /^Source of/ })
const problems = (page: Page) => page.getByRole('region', { name: 'Problems' })
const runPanel = (page: Page) => page.getByRole('complementary', { name: 'Run' })

/** Puts another text into the editor, as somebody does who pastes it. */
async function write(page: Page, text: string): Promise<void> {
  await source(page).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}

/** The line that has the cursor, by its number. */
const currentLine = (page: Page) => page.locator('.cm-lineNumbers .cm-activeLineGutter').innerText()

describe('functions in the console [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'echo')), 201)
    await connect(ada, { service: 'echo', link_name: 'echo_mine', credentials: { 'X-Api-Key': 'practice-key' } })
    await joins(patchbay, 'Ben')
    await joins(patchbay, 'Cleo', 'developer')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const save = async (name: string, text: string) => {
    const answer = await ada.ask('PUT', `/api/v1/functions/standalone/${name}`, { source: text })
    expect([200, 201], answer.text).toContain(answer.status)
  }

  it('writes the first function, which runs as it is', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions')
    await page.getByText('There is no function yet.').waitFor()
    await page.getByRole('link', { name: 'Write the first function' }).click()
    await page.getByRole('radio', { name: 'Automation' }).check()
    await page.getByRole('textbox', { name: 'Name' }).fill('first')
    await page.getByText('automation.first').waitFor()
    await problems(page).getByText('No problems.').waitFor()
    await page.getByRole('button', { name: 'Create function' }).click()
    await page.waitForURL('**/functions/automation/first')
    await settled(page)
    await runPanel(page).getByRole('textbox', { name: 'name' }).fill('Ada')
    await runPanel(page).getByRole('button', { name: 'Run', exact: true }).click()
    await runPanel(page).getByText('Succeeded').waitFor()
    expect(await runPanel(page).getByLabel('output', { exact: true }).innerText()).toBe('Hello Ada')
  })

  it('shows an error on its line as one types, saves and runs with arguments, and shows info and output', async () => {
    await save('sums', 'int standalone.sums(int one, list more)\n{\n\treturn one;\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/sums')
    const wrong =
      'int standalone.sums(int one, list more)\n{\n\tsum = one;\n\tfor each x in more\n\t{\n\t\tsum = sum + y;\n\t}\n\treturn sum;\n}'
    await write(page, wrong)
    await problems(page)
      .getByRole('button', { name: /^Line 6: .*y/ })
      .waitFor()
    await page.locator('.cm-lintRange-error').first().waitFor()
    await problems(page)
      .getByRole('button', { name: /^Line 6/ })
      .click()
    expect(await currentLine(page)).toBe('6')
    await write(page, wrong.replace('+ y', '+ x').replace('return', 'info "sum " + sum;\n\treturn'))
    await problems(page).getByText('No problems.').waitFor()
    await page.keyboard.press('Control+s')
    await page.getByText('Revision 2 is live.').waitFor()
    const panel = runPanel(page)
    await panel.getByRole('textbox', { name: 'one' }).fill('many')
    await panel.getByRole('button', { name: 'Run', exact: true }).click()
    await panel.getByText('Give a whole number.').waitFor()
    await expectFocus(panel.getByRole('textbox', { name: 'one' }))
    await panel.getByRole('textbox', { name: 'one' }).fill('1234567890123456789')
    await panel.getByRole('textbox', { name: 'more' }).fill('[1, 2]')
    await panel.getByRole('button', { name: 'Run', exact: true }).click()
    await panel.getByText('Succeeded').waitFor()
    await panel.getByText('sum 1234567890123456792').waitFor()
    // every digit of it
    expect(await panel.getByLabel('output', { exact: true }).innerText()).toBe('1234567890123456792')
    await panel.getByRole('button', { name: 'Go to line 8' }).click()
    expect(await currentLine(page)).toBe('8')
    await page.reload()
    await settled(page)
    expect(await panel.getByRole('textbox', { name: 'one' }).inputValue()).toBe('1234567890123456789')
  })

  it('offers built-ins, attributes and the caller’s connections, and explains a word', async () => {
    await save('offers', 'string standalone.offers()\n{\n\tx = "abc".toUpperCase();\n\treturn x;\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/offers')
    await source(page).click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    await page.keyboard.type('\ny = x.toLow')
    const offered = page.getByRole('listbox')
    await offered.getByRole('option', { name: /toLowerCase/ }).waitFor()
    await page.waitForTimeout(150) // completion takes no key right after it opened
    await page.keyboard.press('Enter')
    await page.getByText('toLowerCase()').waitFor()
    await page.keyboard.press('End')
    await page.keyboard.type(';\nz = invokeurl\n[\nconnection: "')
    await offered.getByRole('option', { name: /echo_mine/ }).waitFor()
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    await page.getByText('"echo_mine').waitFor()
    await page.locator('.cm-line', { hasText: 'toUpperCase' }).hover({ position: { x: 150, y: 10 } })
    await page.getByText('All letters in upper case.').waitFor()
  })

  it('stays where a save is refused, with the error at its line, and asks before it is left', async () => {
    await save('refused', 'string standalone.refused()\n{\n\treturn "";\n}')
    const { page } = await chromium.person(patchbay.base, { email: 'cleo@example.test' })
    await visit(page, '/functions/standalone/refused')
    // no mistake of the language: only the save knows that the connection is somebody else's
    const text = `string standalone.refused()\n{\n\tx = 1;\n\ty = invokeurl\n\t[\n\t\turl: "${practiceUrl(patchbay)}/key/echo"\n\t\tconnection: "echo_mine"\n\t];\n\treturn y;\n}`
    await write(page, text)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await problems(page)
      .getByRole('button', { name: /You may not use the connection echo_mine/ })
      .waitFor()
    expect(Number(await currentLine(page))).toBeGreaterThanOrEqual(4)
    await page.getByText('Changed, not saved yet.').waitFor()
    await page.getByRole('tab', { name: 'Runs' }).click()
    await page.getByText('No runs yet.').waitFor()
    await page.getByRole('tab', { name: 'Editor' }).click()
    await page.getByText('Changed, not saved yet.').waitFor()
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Services' }).click()
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL('**/services')
  })

  it('says that somebody else saved meanwhile, and loses nothing of either', async () => {
    await save('shared', 'string standalone.shared()\n{\n\treturn "one";\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/shared')
    await write(page, 'string standalone.shared()\n{\n\treturn "mine";\n}')
    await save('shared', 'string standalone.shared()\n{\n\treturn "theirs";\n}')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const note = page.getByRole('alert').filter({ hasText: 'saved revision 2 meanwhile' })
    await note.waitFor()
    await note.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Revision 3 is live.').waitFor()
    expect((await ada.ask('GET', '/api/v1/functions/standalone/shared')).json.source).toContain('mine')
  })

  it('marks the line where a run failed, and connects there what was missing: the run succeeds', async () => {
    await oauth2Service(patchbay, 'each', { by: ada.ask, habits: { auto: 'ask' } })
    must(await ada.ask('POST', '/api/v1/connections', { service: 'each', name: 'Of each', link_name: 'of_each', use_login_user_credentials: true }), 201) // prettier-ignore
    await save('missing', `string standalone.missing()\n{\n\tx = invokeurl\n\t[\n\t\turl: "${practiceUrl(patchbay)}/api/echo"\n\t\ttype: GET\n\t\tconnection: "of_each"\n\t];\n\treturn x.get("method");\n}`) // prettier-ignore
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/missing')
    const panel = runPanel(page)
    await panel.getByRole('button', { name: 'Run', exact: true }).click()
    await page.locator('.cm-failedLine').waitFor()
    await connectInWindow(page, panel.getByRole('button', { name: 'Connect Of each' }))
    await panel.getByText('Succeeded').waitFor()
    expect(await panel.getByLabel('output', { exact: true }).innerText()).toBe('GET')
    expect(await page.locator('.cm-failedLine').count()).toBe(0)
  })

  it('ends a run that is cancelled', async () => {
    // a service that takes its time: nothing else ends the run before somebody does
    must(await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'api', kind: 'slow', ms: 30_000 }), 200)
    await save(
      'waiting',
      `string standalone.waiting()\n{\n\tinfo "begun";\n\tx = getUrl("${practiceUrl(patchbay)}/api/echo");\n\treturn "";\n}`,
    )
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/waiting')
    const panel = runPanel(page)
    await panel.getByRole('button', { name: 'Run', exact: true }).click()
    await panel.getByText('begun').waitFor()
    await panel.getByRole('button', { name: 'Cancel the run' }).click()
    await panel.getByText('Cancelled: it was ended where it was.').waitFor()
    expect(await panel.getByText('Failed').count()).toBe(0)
    await panel.getByRole('button', { name: 'Run', exact: true }).waitFor()
    const logged = () => ada.ask('GET', '/api/v1/functions/standalone/waiting/runs').then(answer => answer.json.data[0]?.error?.message as string | undefined) // prettier-ignore
    await expect.poll(logged).toBe('The run was cancelled.')
  })

  it('restores an earlier version', async () => {
    await save('past', 'string standalone.past()\n{\n\treturn "the first";\n}')
    await save('past', 'string standalone.past()\n{\n\treturn "the second";\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/past?part=history')
    await page.locator('.cm-deletedChunk').getByText('the first').waitFor()
    await page.getByRole('button', { name: /^Revision 1/ }).click()
    await page.getByRole('button', { name: 'Restore' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click()
    await page.getByRole('heading', { name: 'Revision 3' }).waitFor()
    await page.getByRole('tab', { name: 'Editor' }).click()
    await source(page).getByText('the first').waitFor()
  })

  it('opens a function to the outside, and its address works', async () => {
    await save('outside', 'string standalone.outside(string who)\n{\n\treturn "Hello " + who;\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/outside?part=exposure')
    await page.getByRole('switch').first().click()
    const address = await page.getByLabel('the address with the key', { exact: true }).innerText()
    await page.getByRole('combobox', { name: 'Where who comes from' }).click()
    await page.getByRole('option', { name: 'Header' }).click()
    await page.getByRole('textbox', { name: 'Which header for who' }).fill('X-Who')
    const saved = page.waitForResponse(response => response.url().endsWith('/exposure') && response.request().method() === 'PUT')
    await page.getByRole('button', { name: 'Save where arguments come from' }).click()
    expect((await saved).status()).toBe(200)
    const answer = await fetch(address, { headers: { 'x-who': 'Grace' } })
    expect(answer.status, await answer.clone().text()).toBe(200)
    expect(await answer.text()).toContain('Hello Grace')
  })

  it('schedules a run, with what the times mean, and keeps a secret variable to itself', async () => {
    await save('timed', 'string standalone.timed()\n{\n\treturn "";\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/timed?part=schedules')
    await page.getByRole('button', { name: 'Add a schedule' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a schedule' })
    await dialog.getByRole('textbox', { name: 'When' }).fill('70 * * * *')
    await dialog.getByText('it is from 0 to 59').waitFor()
    await dialog.getByRole('textbox', { name: 'When' }).fill('30 6 * * mon')
    await dialog.getByText('At 06:30 on Monday.').waitFor()
    await dialog.getByRole('button', { name: 'Create schedule' }).click()
    await page.getByRole('table', { name: 'Schedules' }).getByText('30 6 * * mon').waitFor()

    await page.getByRole('tab', { name: 'Variables' }).click()
    await page.getByRole('button', { name: 'Add a variable' }).click()
    const variable = page.getByRole('dialog', { name: 'Add a variable' })
    await variable.getByRole('textbox', { name: 'Name' }).fill('token')
    await variable.getByRole('checkbox', { name: 'Secret' }).check()
    await variable.getByLabel('Value').fill('quite secret')
    await variable.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Stored, secret').waitFor()
    expect(await page.content()).not.toContain('quite secret')
  })

  it('says what scripts need, and imports them', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/bring-scripts')
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose files' }).click()
    const script = (text: string) => Buffer.from(text)
    await (
      await chooser
    ).setFiles([
      { name: 'lead.dg', mimeType: 'text/plain', buffer: script('map automation.lead(int id)\n{\n\tlead = zoho.crm.getRecordById("Leads", id, Map(), "crm_link");\n\treturn lead;\n}') }, // prettier-ignore
      { name: 'log.dg', mimeType: 'text/plain', buffer: script('void automation.log_it()\n{\n\tinsert into Log [ Name = "x" ];\n}') },
      { name: 'notes.png', mimeType: 'image/png', buffer: script('no script') },
    ])
    await page.getByText('1 file left out').waitFor()
    await page.getByText('crm_link', { exact: true }).waitFor()
    await page.getByText('log.dg:3').first().waitFor()
    await page.getByRole('button', { name: 'Import 1 function' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await page.getByText('1 function imported.').waitFor()
    expect((await ada.ask('GET', '/api/v1/functions/automation/lead')).json.source).toContain('crm_link')
  })

  it('leads from what scripts need to a connection of that name, with the scopes that their calls imply', async () => {
    await oauth2Service(patchbay, 'planned', { by: ada.ask, rest: { name: 'Planned', scopes: [{ name: 'files.read' }, { name: 'files.write' }, { name: 'mail.read' }] } }) // prettier-ignore
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/bring-scripts')
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose files' }).click()
    const text = `map standalone.files()\n{\n\treturn invokeurl [ url: "${practiceUrl(patchbay)}/api/files" type: GET connection: "planned_files" ];\n}`
    await (await chooser).setFiles([{ name: 'files.dg', mimeType: 'text/plain', buffer: Buffer.from(text) }])
    await page.getByRole('link', { name: 'Create the connection' }).click()
    await page.getByRole('heading', { name: 'Connect Planned', level: 1 }).waitFor()
    expect(await page.getByRole('textbox', { name: 'Link name', exact: true }).inputValue()).toBe('planned_files')
    const ticked = await page.getByRole('checkbox', { name: /^(files|mail)\./, checked: true }).evaluateAll(boxes => boxes.length)
    expect([ticked, await page.getByRole('checkbox', { name: /^files\.read/ }).isChecked()]).toEqual([1, true])
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Files of scripts')
    await page.reload()
    await settled(page)
    expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('Files of scripts')
    await page.getByRole('button', { name: 'Create and Connect' }).click()
    await expectConnected(page, 'planned_files')
    expect((await ada.ask('GET', '/api/v1/connections/planned_files')).json).toMatchObject({
      name: 'Files of scripts',
      scopes: ['files.read'],
    })
  })

  it('renames a function, names who calls it, and shows long numbers and passwords of a run log as they are kept', async () => {
    const id = '9007199254740993001'
    await save('inner', 'map standalone.inner(int id, password token)\n{\n\treturn {"id":id};\n}')
    await save('outer', 'map standalone.outer()\n{\n\treturn standalone.inner(1, "x");\n}')
    must(await ada.ask('POST', '/api/v1/functions/standalone/inner/run', `{"arguments":{"id":${id}}}`), 200)
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/functions/standalone/inner?part=runs')
    await page.getByRole('link', { name: 'standalone.outer' }).waitFor()
    await page.getByRole('row').nth(1).getByRole('button').first().click()
    const drawer = page.getByRole('dialog', { name: /^Run of/ })
    expect(await drawer.getByLabel('output', { exact: true }).innerText()).toContain(id)
    expect(await drawer.getByLabel('arguments', { exact: true }).innerText()).toContain(id)
    await page.keyboard.press('Escape')

    await page.getByRole('tab', { name: 'Exposure' }).click()
    await page.getByRole('combobox', { name: 'Where token comes from' }).click()
    await page.getByRole('option', { name: 'Fixed value' }).click()
    await page.getByLabel('Value of token', { exact: true }).fill('mapped-secret')
    await page.getByRole('button', { name: 'Save where arguments come from' }).click()
    await page.getByRole('button', { name: 'Replace: Value of token' }).waitFor()
    expect(await page.content()).not.toContain('mapped-secret')

    await page.getByRole('button', { name: 'More about this function' }).click()
    await page.getByRole('menuitem', { name: 'Rename or describe' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename or describe standalone.inner' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('2nd')
    await dialog.getByText('These functions call it as standalone.inner').waitFor()
    await dialog.getByRole('button', { name: 'Rename all the same' }).click()
    await dialog.getByText('A function name starts with a letter').waitFor()
    await expectFocus(dialog.getByRole('textbox', { name: 'Name' }))
    await dialog.getByRole('textbox', { name: 'Name' }).fill('inside')
    await dialog.getByRole('button', { name: 'Rename all the same' }).click()
    await page.waitForURL('**/functions/standalone/inside**')
    expect((await ada.ask('GET', '/api/v1/functions/standalone/inside')).json).toMatchObject({ revision: 2, called_by: [] })
  })

  it('lets an administrator say who the administrator of scripts is', async () => {
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/settings')
    await page.getByRole('combobox', { name: 'Administrator' }).click()
    await page.getByRole('option', { name: /^Cleo/ }).click()
    await page.getByRole('button', { name: 'Save function settings' }).click()
    await page.getByText('Saved.').waitFor()
    const { admin_user_id } = (await ada.ask('GET', '/api/v1/functions/settings')).json
    expect(admin_user_id).toEqual(expect.any(String))
    await page.reload()
    await settled(page)
    await expect.poll(() => page.getByRole('combobox', { name: 'Administrator' }).inputValue()).toContain('Cleo')
  })

  it('works from the keyboard alone: there, in and out of the editor, saved and run', async () => {
    await save('keys', 'string standalone.keys()\n{\n\treturn "old";\n}')
    const { page } = await chromium.person(patchbay.base)
    await visit(page, '/connections')
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await page.waitForURL('**/functions')
    await settled(page)
    await tabTo(page, page.getByRole('link', { name: /^standalone.keys/ }))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/functions/standalone/keys')
    await settled(page)
    await tabTo(page, source(page))
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText('string standalone.keys()\n{\n\treturn "new";\n}')
    // inside, Tab indents; behind Escape it leaves
    await page.keyboard.press('Tab')
    await expectFocus(source(page))
    await page.keyboard.press('Control+Enter')
    await runPanel(page).getByText('Succeeded').waitFor()
    expect(await runPanel(page).getByLabel('output', { exact: true }).innerText()).toBe('new')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    expect(await source(page).evaluate(element => element === element.ownerDocument.activeElement)).toBe(false)
  })

  it('shows a member what to run, and neither source nor settings', async () => {
    await save('forall', 'string standalone.forall()\n{\n\treturn "for all";\n}')
    const { page } = await chromium.person(patchbay.base, { email: 'ben@example.test' })
    await visit(page, '/functions')
    expect(await page.getByRole('link', { name: 'New function' }).count()).toBe(0)
    await visit(page, '/functions/standalone/forall')
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(['Run', 'Runs'])
    expect(await source(page).count()).toBe(0)
    await runPanel(page).getByRole('button', { name: 'Run', exact: true }).click()
    await runPanel(page).getByText('Succeeded').waitFor()
    await visit(page, '/add-function')
    await page.getByText('Only developers and administrators write functions.').waitFor()
  })
})
