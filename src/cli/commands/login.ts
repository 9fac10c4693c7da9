import type { Command } from 'commander'
import { Patchbay, PatchbayProblem } from '../../../sdk/index.ts'
import { openBrowser } from '../browser.ts'
import { writeStored } from '../credentials.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { clean, print, say, waiting } from '../terminal.ts'
import { browserMs, pause } from '../pause.ts'

/** RFC 8628 in spirit: this device shows a code, a signed-in browser approves it, and this device fetches its key once. */
export function loginCommand(root: Command, context: Context): void {
  root
    .command('login')
    .description('log in with the browser and keep a key for this computer')
    .option('--no-browser', 'only print the address')
    .action(async (options: { browser: boolean }, command: Command) => {
      const url = context.url(command)
      const patchbay = new Patchbay({ url })
      const login = await patchbay.cliLogins.start()
      say(`Open this page and approve the code ${clean(login.code)}:`)
      print(clean(login.url))
      if (options.browser) openBrowser(login.url)
      const apiKey = await approved(patchbay, login)
      const path = writeStored(context.surroundings.directory, { url, key: apiKey })
      const { user, organization } = await new Patchbay({ url, apiKey }).me()
      say(`Logged in as ${clean(user.name)} (${clean(user.email)}) in ${clean(organization.name)}. The key is in ${path}.`)
    })
}

async function approved(patchbay: Patchbay, login: Awaited<ReturnType<Patchbay['cliLogins']['start']>>): Promise<string> {
  const until = performance.now() + browserMs
  const done = waiting('Waiting for your approval')
  try {
    while (performance.now() < until) {
      await pause(login.interval_seconds)
      const key = await patchbay.cliLogins.poll(login.device_token).catch(async (error: unknown) => {
        if (!(error instanceof PatchbayProblem) || error.retryAfterSeconds === null) throw error
        await pause(error.retryAfterSeconds)
        return null
      })
      if (key !== null) return key
    }
  } finally {
    done()
  }
  throw new Failure('login_not_approved', 'Nobody approved the code in time. Run "patchbay login" again.')
}
