import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useChromium, visit } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { expectFocus, tryIt } from '../support/console-walks.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, until, type Member } from '../support/practice-services.ts'

const credentials = { 'X-Api-Key': 'practice-key' }

describe('Try it: calls that take long, files, and answers that are none [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({
      database: 'pglite',
      consoleDirectory: await builtConsole(),
      settings: { PATCHBAY_INVOKE_MAX_REQUEST_BYTES: '1000000' },
    })
    ada = await administrator(patchbay)
    await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'weather', { name: 'Weather' }))
    await ada.ask(
      'POST',
      '/api/v1/services',
      keyDefinition(patchbay, 'writes', { name: 'Writes', advanced: { methods: ['PATCH', 'POST'] } }),
    )
    await connect(ada, { service: 'weather', name: 'Weather', link_name: 'weather', credentials })
    await connect(ada, { service: 'writes', name: 'Writes', link_name: 'writes', credentials })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const opened = async (linkName: string, tolerate?: RegExp) => {
    const { page } = await chromium.person(patchbay.base, { ...(tolerate && { tolerate }) })
    await visit(page, `/connections/${linkName}`)
    await page.getByRole('button', { name: 'Try it', exact: true }).click()
    return { page, box: page.getByRole('region', { name: 'Try it' }) }
  }

  it('a call under way is cancelled by its button and by Escape, which says what is known, and the service is let go', async () => {
    const { page, box } = await opened('weather')
    await box.getByLabel('Path and query').fill('/key/slow?ms=60000')
    await box.getByRole('button', { name: 'Send' }).click()
    await box.getByRole('button', { name: 'Cancel' }).click()
    const note = box.getByRole('status').filter({ hasText: 'Cancelled' })
    await note.getByText(/^After .* had not answered. It may have received the request.$/).waitFor()
    expect(await box.getByRole('button', { name: 'Cancel' }).count()).toBe(0)
    await expectFocus(box.getByLabel('Path and query'))
    // the server has given it up too, long before the service would have answered
    await until(
      async () => (await ada.ask('GET', '/api/v1/invocations?connection=weather')).json as { data: unknown[] },
      ({ data }) => data.length === 1,
    )

    await box.getByRole('combobox', { name: 'Method' }).click()
    await page.getByRole('option', { name: 'POST' }).click()
    await box.getByRole('button', { name: 'Send' }).click()
    await box.getByRole('button', { name: 'Cancel' }).waitFor()
    await page.keyboard.press('Escape')
    await note.getByText(/received the POST and done what it says/).waitFor()

    // and the next call is as if nothing had been
    await box.getByRole('combobox', { name: 'Method' }).click()
    await page.getByRole('option', { name: 'GET' }).click()
    expect(await tryIt(page, '/key/echo')).toMatchObject({ method: 'GET' })
    expect(await note.count()).toBe(0)
  })

  it('a form with a file, and a file as the body, arrive byte for byte', async () => {
    const { page, box } = await opened('writes')
    await box.getByRole('radiogroup', { name: 'Kind of body' }).getByText('Form', { exact: true }).click()
    await box.getByRole('button', { name: 'Add a field' }).click()
    await box.getByLabel('Name of field 1').fill('title')
    await box.getByLabel('Value of field 1').fill('Measured')
    await box.getByRole('button', { name: 'Add a file' }).click()
    const bytes = Buffer.from([0, 1, 0xff, 0xfe, 10, 13])
    const chooser = page.waitForEvent('filechooser')
    await box.getByRole('button', { name: 'File 1: Choose a file' }).click()
    await (await chooser).setFiles({ name: 'é "1".bin', mimeType: 'application/x-measure', buffer: bytes })
    await box.getByText('é "1".bin').waitFor()
    const { body: parts } = await tryIt(page, '/key/echo')
    expect(parts).toMatchObject([
      { name: 'title', filename: null, text: 'Measured' },
      { name: 'file', content_type: 'application/x-measure', base64: bytes.toString('base64') },
    ])

    await box.getByRole('radiogroup', { name: 'Kind of body' }).getByText('File', { exact: true }).click()
    const second = page.waitForEvent('filechooser')
    await box.getByRole('button', { name: 'File as the body' }).click()
    await (await second).setFiles({ name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from('a,é\n1,2\n') })
    const whole = await tryIt(page, '/key/echo')
    expect(whole).toMatchObject({ body: 'a,é\n1,2\n', headers: { 'content-type': 'text/csv' } })

    const third = page.waitForEvent('filechooser')
    await box.getByRole('button', { name: /^File as the body: rows.csv/ }).click()
    await (await third).setFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: bytes })
    await box.getByRole('button', { name: 'Send' }).click()
    await box
      .getByRole('alert')
      .getByText(/a.jpg is not text/)
      .waitFor()

    const fourth = page.waitForEvent('filechooser')
    await box.getByRole('button', { name: /^File as the body: a.jpg/ }).click()
    await (await fourth).setFiles({ name: 'long.txt', mimeType: 'text/plain', buffer: Buffer.alloc(4 * 1024 * 1024, 'a') })
    await box.getByRole('button', { name: 'Send' }).click()
    await box.getByRole('alert').getByText('request_too_large').waitFor()
  })

  it('begins with a method that the service allows, and offers no other', async () => {
    const { page, box } = await opened('writes')
    expect(await box.getByRole('combobox', { name: 'Method' }).inputValue()).toBe('POST')
    await box.getByRole('combobox', { name: 'Method' }).click()
    expect(await page.getByRole('option').allInnerTexts()).toEqual(['POST', 'PATCH'])
  })

  it('an answer that is not Patchbay’s is told as what it is', async () => {
    const { page, box } = await opened('weather')
    await page.route('**/api/v1/invoke', route =>
      route.fulfill({ status: 200, contentType: 'text/html', body: '<b>Please sign in to the Wi-Fi</b>' }),
    )
    await box.getByRole('button', { name: 'Send' }).click()
    const alert = box.getByRole('alert')
    await alert.getByText('The answer cannot be read').waitFor()
    await alert.getByText('<b>Please sign in to the Wi-Fi</b>', { exact: false }).waitFor()
    expect(await alert.innerText()).not.toContain('could not be reached')
  })
})
