import { accessSync, constants, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page, type Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { setUpTimeoutMs } from './databases.ts'
import { adminEmail, adminPassword } from './patchbay.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome']

/** The browser of this machine. @throws Error that says what to install */
export function findChromium(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of names)
      try {
        accessSync(join(folder, name), constants.X_OK)
        return join(folder, name)
      } catch {
        // not here
      }
  throw new Error(
    `The console is tested in a real browser: install Chromium (apt install chromium), so that one of ${names.join(', ')} is on the PATH.`,
  )
}

/** Without a sandbox: tests run as root in containers, where it cannot start, and only ever open pages of ours. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  })

export interface Looks {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

/** Requests that wait for their answer, by context. */
const underWay = new WeakMap<BrowserContext, Set<Request>>()

/** Motion is off, so that nothing has to be waited for. */
export async function newContext(browser: Browser, base: string, { colorScheme = 'light', width = 1280, height = 860 }: Looks = {}) {
  const context = await browser.newContext({
    baseURL: base,
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/London',
  })
  const requests = new Set<Request>()
  underWay.set(context, requests)
  context.on('request', request => {
    if (!request.url().includes('/stream')) requests.add(request)
  })
  context.on('requestfinished', request => requests.delete(request))
  context.on('requestfailed', request => requests.delete(request))
  return context
}

/** @throws Error with the answer, when it is not a yes */
export async function signIn(context: BrowserContext, base: string, email = adminEmail, password = adminPassword): Promise<void> {
  const answer = await context.request.post('/api/auth/sign-in/email', { data: { email, password }, headers: { origin: base } })
  if (!answer.ok()) throw new Error(`sign-in answered ${answer.status()}: ${await answer.text()}`)
}

/** Somebody at a browser of their own. */
export interface Person {
  readonly page: Page
  readonly context: BrowserContext
  /** What went wrong in any of this person's pages: errors in the console, exceptions, policy violations. Empty, or the test fails. */
  readonly faults: string[]
}

export interface PersonOptions extends Looks {
  /** The administrator when left out; null for somebody who is not signed in. */
  readonly email?: string | null
  readonly password?: string
  /** Console errors that this test brings about on purpose. */
  readonly tolerate?: RegExp
}

export interface Chromium {
  /** Ends with the test. */
  person(base: string, options?: PersonOptions): Promise<Person>
  /** For `beforeAll`: ends with the file, and its faults count for every test. */
  lastingPerson(base: string, options?: PersonOptions): Promise<Person>
}

/** The browser itself reports every answer of 4xx and 5xx; whether that was right is for the test to say. */
const isExpected = (text: string): boolean => text.startsWith('Failed to load resource: the server responded with a status of 4')

/** A violation is reported to the page it happens in: this makes it a line of its console. */
const tellViolations = `document.addEventListener('securitypolicyviolation', event =>
  console.error('policy violation: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))`

async function open(browser: Browser, base: string, options: PersonOptions): Promise<Person> {
  const { email, password, tolerate, ...looks } = options
  const context = await newContext(browser, base, looks)
  context.setDefaultTimeout(15_000)
  const faults: string[] = []
  const note = (text: string) => {
    if (!isExpected(text) && !tolerate?.test(text)) faults.push(text.slice(0, 2000))
  }
  await context.addInitScript(tellViolations)
  context.on('console', message => {
    if (message.type() === 'error') note(message.text())
  })
  context.on('weberror', error => note(`uncaught: ${error.error().stack ?? error.error().message}`))
  if (email !== null) await signIn(context, base, email, password)
  return { context, faults, page: await context.newPage() }
}

/** Where a failed test leaves what its pages looked like. */
async function keepPictures(person: Person, test: string): Promise<void> {
  const folder = join(tmpdir(), 'patchbay-failed')
  mkdirSync(folder, { recursive: true })
  for (const [index, page] of person.context.pages().entries()) {
    if (page.url() === 'about:blank') continue
    const path = join(folder, `${test.replace(/[^a-z0-9]+/gi, '-').slice(0, 80)}-${index}.png`)
    await page.screenshot({ path, timeout: 5000 }).catch(() => undefined)
    process.stderr.write(`what ${page.url()} looked like: ${path}\n`)
  }
}

/** One browser for a test file, and people in it. Call it inside the file's `describe` or at its top. */
export function useChromium(): Chromium {
  let browser: Browser | undefined
  let people: Person[] = []
  const lasting: Person[] = []
  beforeAll(async () => {
    browser = await launchChromium()
  }, setUpTimeoutMs)
  afterAll(() => browser?.close())
  afterEach(async ({ task }) => {
    const gone = people
    people = []
    const failed = task.result?.state === 'fail'
    if (failed) for (const person of [...gone, ...lasting]) await keepPictures(person, task.name)
    const faults = [...gone, ...lasting].flatMap(person => person.faults.splice(0))
    await Promise.all(gone.map(person => person.context.close()))
    if (failed && faults.length > 0) process.stderr.write(`the browser reported: ${faults.join('\n')}\n`)
    expect(faults, 'what the browser reported').toEqual([])
  })
  const begin = (base: string, options: PersonOptions = {}) => {
    if (!browser) throw new Error('a person begins inside a test or a hook')
    return open(browser, base, options)
  }
  return {
    async person(base, options) {
      const person = await begin(base, options)
      people.push(person)
      return person
    },
    async lastingPerson(base, options) {
      const person = await begin(base, options)
      lasting.push(person)
      return person
    },
  }
}

/** Until nothing has been asked for a moment; Playwright's own `networkidle` takes half a second every time. */
async function quiet(page: Page): Promise<void> {
  const requests = underWay.get(page.context())
  // those of a window that has closed never end
  const isOurs = (request: Request) => !request.isNavigationRequest() && request.frame().page() === page
  for (let calm = 0, tries = 0; calm < 3 && tries < 500; tries++) {
    calm = [...(requests ?? [])].some(isOurs) ? 0 : calm + 1
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Waits until the page shows what it has: its title is there, nothing is a skeleton, no request is under way and the fonts are loaded. */
export async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  await quiet(page)
  await page.locator('[role=status][aria-label=Loading], .mantine-Skeleton-root').first().waitFor({ state: 'detached' })
  await page.evaluate('document.fonts.ready.then(() => undefined)')
}

/** Opens a path of the console and waits until it is there. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await settled(page)
}
