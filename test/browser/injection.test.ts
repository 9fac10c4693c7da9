import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled, useChromium, visit, type Person } from '../support/chromium.ts'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { hostileTexts, shortHostileTexts } from '../support/hostile-texts.ts'
import { adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  callbackOf,
  joins,
  must,
  oauth2Service,
  practiceHost,
  practiceUrl,
  type Member,
} from '../support/practice-services.ts'

/* X22: whatever somebody outside may have written is text on every page: it runs nothing, loads nothing and is read as it is. */

/** Payloads that stand for the others on the pages of one connection and one service. */
const singled = [0, 4, 12, 23] as const

describe('X22 names, descriptions and answers from outside are text [pglite]', () => {
  const chromium = useChromium()
  let patchbay: TestPatchbay
  let ada: Member
  let person: Person
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', consoleDirectory: await builtConsole() })
    ada = await administrator(patchbay)
    const post = async (path: string, body: unknown) => must(await ada.ask('POST', path, body), 201).json as Record<string, unknown>
    for (const [index, text] of shortHostileTexts.entries()) {
      await post('/api/v1/services', {
        link_name: `s${index}`,
        name: text,
        description: hostileTexts[index % hostileTexts.length],
        category: text,
        auth_type: 'basic',
        api_hosts: [practiceHost(patchbay)],
      })
      await post('/api/v1/connections', {
        service: `s${index}`,
        name: text,
        link_name: `c${index}`,
        credentials: { username: 'practice', password: 'practice-password' },
      })
      await post('/api/v1/api-keys', { name: text, connections: [`c${index}`] })
    }
    await post('/api/v1/services', {
      link_name: 'parameters',
      name: 'Parameters',
      auth_type: 'api_key',
      param_type: 'header',
      api_hosts: [practiceHost(patchbay)],
      parameters: hostileTexts.slice(0, 20).map((text, index) => ({ name: `X-${index}`, display_name: text })),
    })
    await post('/api/v1/connections', { service: 'parameters', name: 'Parameters', link_name: 'parameters' })
    const scopes = hostileTexts.map((text, index) => ({
      name: text.replace(/[^\x21-\x7e]/g, '+').slice(0, 300) + index,
      description: text,
    }))
    await oauth2Service(patchbay, 'scoped', { by: ada.ask, rest: { scopes }, habits: { auto: 'ask' } })
    await post('/api/v1/connections', {
      service: 'scoped',
      name: 'Scoped',
      link_name: 'scoped',
      scopes: scopes.map(one => one.name).slice(0, 40),
    })
    for (const text of hostileTexts)
      await ada.ask('POST', '/api/v1/invoke', {
        connection: 'c0',
        url: `${practiceUrl(patchbay)}/basic/echo?q=${encodeURIComponent(text)}`,
      })
    for (const [index, text] of hostileTexts.slice(0, 3).entries())
      await post('/api/v1/organizations', { name: text, slug: `organisation-${index}` })
    for (const [index, text] of hostileTexts.entries())
      await post('/api/v1/functions', {
        source: `string standalone.f${index}(string given) { info given; return given; }`,
        description: text,
        note: text.slice(0, 200),
      })
    for (const [index, text] of hostileTexts.slice(0, 8).entries()) {
      must(await ada.ask('POST', '/api/v1/functions/standalone/f0/run', { arguments: { given: text } }), 200)
      must(await ada.ask('PUT', `/api/v1/functions/variables/v${index}`, { value: text, description: text.slice(0, 200) }), 201)
    }
    const ben = await joins(patchbay, 'Ben')
    for (const [index, text] of hostileTexts.slice(0, 5).entries()) {
      const invited = await post('/api/v1/members/invitations', { email: `person${index}@example.test`, role: 'user' })
      const token = String(invited.accept_url).split('/').at(-1)
      must(await patchbay.nobody('POST', `/api/v1/invitations/${token}/accept`, { name: text, password: adminPassword }), 200)
    }
    must(await ben.ask('POST', '/api/v1/services/hubspot/request', { note: hostileTexts[1] }), 201)
    // tall, since long lists draw only what can be seen
    person = await chromium.lastingPerson(patchbay.base, { height: 6000 })
    person.page.on('dialog', dialog => {
      person.faults.push(`a dialog of the browser: ${dialog.message()}`)
      void dialog.dismiss()
    })
    person.context.on('request', request => {
      if (!request.url().startsWith(patchbay.base) && !request.url().startsWith(practiceUrl(patchbay)))
        person.faults.push(`asked for ${request.url()}`)
    })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const expectText = async (page: Page, texts: readonly string[]) => {
    expect(await page.evaluate('window.__x')).toBeUndefined()
    const words = await page.locator('body').evaluate(body => body.textContent ?? '')
    expect(texts.filter(text => !words.includes(text))).toEqual([])
    expect(new URL(page.url()).origin).toBe(patchbay.base)
  }

  it.each([
    ['/connections', shortHostileTexts],
    ['/services?kind=custom', shortHostileTexts],
    ['/add-connection', shortHostileTexts],
    ['/api-keys', shortHostileTexts],
    ['/members', hostileTexts.slice(0, 5)],
    ['/audit', []],
    ['/invocations', []],
    ['/settings', hostileTexts.slice(0, 3)],
    ['/functions', hostileTexts],
    ['/functions?view=runs', []],
    ['/functions?view=variables', hostileTexts.slice(0, 8)],
    ['/functions/standalone/f0', [hostileTexts[0] ?? '']],
    ['/functions/standalone/f1?part=history', [hostileTexts[1] ?? '']],
    ['/services/scoped', hostileTexts],
    ['/services/scoped/edit', []],
    ['/services/parameters', hostileTexts.slice(0, 20)],
    ['/services/parameters/edit', []],
    ['/services/hubspot', [hostileTexts[1] ?? '']],
    ['/add-connection?service=scoped', hostileTexts],
    ['/connections/scoped', []],
    ...singled.flatMap(index => [
      [`/connections/c${index}`, [shortHostileTexts[index] ?? '']] as const,
      [`/services/s${index}`, [shortHostileTexts[index] ?? '']] as const,
      [`/add-connection?service=s${index}`, [shortHostileTexts[index] ?? '']] as const,
    ]),
  ] as const)('%s', async (path, texts) => {
    await visit(person.page, path)
    await expectText(person.page, texts)
  })

  it('would be noticed: markup that gets into a page is reported', async () => {
    const { page, faults } = person
    await visit(page, '/settings')
    await page.evaluate(
      `document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=window.__x=1><a style="color:red">x</a>')`,
    )
    await expect.poll(() => faults.filter(one => one.startsWith('policy violation')).length).toBeGreaterThan(1)
    faults.splice(0)
  })

  it('what is closed at first: details, menus, tabs and dialogs', async () => {
    const { page } = person
    await visit(page, '/connections/c0')
    for (const summary of await page.locator('main summary').all()) await summary.click()
    for (const tab of await page.getByRole('tab').all()) await tab.click()
    await page.getByRole('button', { name: 'More about this connection' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page
      .getByRole('dialog')
      .getByText(/API key named for it/)
      .waitFor()
    await expectText(page, [shortHostileTexts[0] ?? ''])
    await page.keyboard.press('Escape')
    await page.keyboard.press('e')
    await page.getByRole('dialog', { name: /^Edit/ }).waitFor()
    await expectText(page, [])

    await visit(page, '/connections/parameters')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Connect', exact: true }).waitFor()
    await expectText(page, hostileTexts.slice(0, 20))

    await visit(page, '/invocations')
    for (const row of (await page.locator('main').getByRole('button', { expanded: false }).all()).slice(0, 4)) await row.click()
    await expectText(page, [])
    await visit(page, '/audit')
    for (const row of (await page.locator('main').getByRole('button', { expanded: false }).all()).slice(0, 4)) await row.click()
    await expectText(page, [])
  })

  it('the palette, and the menu of organisations', async () => {
    const { page } = person
    await visit(page, '/settings')
    await page.getByRole('button', { name: /^Organisation / }).click()
    await expectText(page, hostileTexts.slice(0, 3))
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search everything' }).fill('onerror=')
    await page.getByText('<img src=x onerror=window.__x=1>').first().waitFor()
    await expectText(page, ['<img src=x onerror=window.__x=1>'])
  })

  it('what a service answers to Try it, HTML included', async () => {
    const { page } = person
    await visit(page, '/connections/c0')
    await page.getByRole('button', { name: 'Try it', exact: true }).click()
    const box = page.getByRole('region', { name: 'Try it' })
    for (const path of [`/basic/echo?q=${encodeURIComponent(hostileTexts.join('\n'))}`, '/basic/html-error']) {
      await box.getByLabel('Path and query').fill(path)
      await box.getByRole('button', { name: 'Send' }).click()
      await box.getByRole('button', { name: 'Send' }).and(page.locator(':not([data-loading])')).waitFor()
      await box.getByRole('region', { name: 'Answer' }).waitFor()
      await expectText(page, [])
    }
    await visit(page, '/connections/c0')
    await page.getByRole('button', { name: 'Try it', exact: true }).click()
    await page.getByRole('button', { name: 'Recent' }).click()
    await expectText(page, [])
  })

  it('what a function says and gives back, and a script that names it', async () => {
    const { page } = person
    await visit(page, '/functions/standalone/f0')
    const run = page.getByRole('complementary', { name: 'Run' })
    for (const text of [hostileTexts[0] ?? '', hostileTexts[4] ?? '', JSON.stringify({ html: hostileTexts[2] })]) {
      await run.getByRole('textbox', { name: 'given' }).fill(text)
      await run.getByRole('button', { name: 'Run', exact: true }).click()
      await run.getByRole('listitem').filter({ hasText: text }).waitFor()
      await run.getByText('Output').waitFor()
      await expectText(page, [text])
    }
    await page.getByRole('textbox', { name: /^Source of/ }).click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.insertText(`x = "${hostileTexts[4]?.replaceAll('"', '')}".<img src=x onerror=window.__x=1>;`)
    await page.getByRole('region', { name: 'Problems' }).getByRole('listitem').first().waitFor()
    await expectText(page, [])
    // otherwise leaving would ask
    await page.keyboard.press('Control+z')
    await page.getByText('Revision 1 is live.').waitFor()
  })

  it('what a provider says at the callback, on its page and in the recorded authorisation', async () => {
    const { page } = person
    for (const text of hostileTexts.slice(0, 6)) {
      const started = await person.context.request.post('/api/v1/connections/scoped/authorize', {
        data: {},
        headers: { origin: patchbay.base },
      })
      const { authorization } = (await started.json()) as { authorization: { url: string } }
      const state = new URL(authorization.url).searchParams.get('state') ?? ''
      const query = new URLSearchParams({ error: 'server_error', error_description: text, error_uri: 'javascript:window.__x=1', state })
      await page.goto(`${callbackOf(patchbay, 'scoped')}?${query.toString()}`)
      await expectText(page, [])
    }
    await visit(page, '/connections/scoped')
    await page.getByRole('button', { name: /^Show all/ }).click()
    for (const summary of await page.locator('main summary').all()) await summary.click()
    await settled(page)
    await expectText(page, hostileTexts.slice(0, 6))
  })

  it('an address that is none is no link', async () => {
    const { page } = person
    const addresses = [
      'javascript:window.__x=1',
      'data:text/html,<script>window.__x=1</script>',
      'https://example.com/"onmouseover="window.__x=1',
    ]
    for (const documentation_url of addresses) {
      // whether or not the server takes it
      await ada.ask('PATCH', '/api/v1/services/s0', { documentation_url })
      for (const path of ['/services/s0', '/add-connection?service=s0']) {
        await visit(page, path)
        for (const link of await page.locator('a[href]').all()) expect(await link.getAttribute('href')).toMatch(/^(https?:\/\/|\/|#)/)
        await expectText(page, [])
      }
    }
  })
})
