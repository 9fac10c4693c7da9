import type { Command } from 'commander'
import { type Patchbay, type Attempt, type Connection, type Started, type Values } from '../../../sdk/index.ts'
import { askFields, readValues } from '../ask.ts'
import { openBrowser } from '../browser.ts'
import { Failure } from '../failure.ts'
import { browserMs, pause } from '../pause.ts'
import type { Context } from '../patchbay.ts'
import { clean, print, printJson, say, waiting } from '../terminal.ts'

export interface ConnectOptions {
  readonly browser: boolean
  readonly credentialsFile?: string
  readonly json?: true
}

export const credentialsFile = ['--credentials-file <file>', 'answers as JSON { "name": "value" }, or -; asked for otherwise'] as const

const secondsBetweenLooks = 1

/** A started authorisation never needs more steps than fields, then a browser. */
const mostSteps = 3

export function connectCommand(root: Command, context: Context): void {
  root
    .command('connect')
    .description('authorise a connection, in the browser or with values')
    .argument('<link_name>')
    .option(...credentialsFile)
    .option('--no-browser', 'only print the address')
    .option('--json', 'as JSON')
    .action(async (linkName: string, options: ConnectOptions, command: Command) => {
      const patchbay = context.patchbay(command)
      const before = await attemptsOf(patchbay, linkName)
      await finish(patchbay, await patchbay.connections.authorize(linkName), options, before)
    })
}

const attemptsOf = async (patchbay: Patchbay, linkName: string): Promise<readonly Attempt[]> =>
  (await patchbay.connections.attempts(linkName)).data

/**
 * Whatever is left to do until the connection works, then what came of it.
 * @param before  The attempts before this one was started: it is the one that is not among them.
 * @throws Failure with the diagnosis of the attempt, when the service said no
 */
export async function finish(patchbay: Patchbay, started: Started, options: ConnectOptions, before: readonly Attempt[]): Promise<void> {
  const linkName = started.connection.link_name
  let { authorization } = started
  for (let step = 0; authorization.kind !== 'none'; step++) {
    if (step === mostSteps)
      throw new Failure('authorization_failed', 'The authorisation does not come to an end. Look at it in the console.')
    if (authorization.kind === 'redirect') {
      say('Open this page to connect:')
      print(clean(authorization.url))
      if (options.browser) openBrowser(authorization.url)
      await outcome(patchbay, linkName, performance.now() + browserMs, new Set(before.map(one => one.id)))
      break
    }
    const credentials: Values =
      options.credentialsFile === undefined
        ? await askFields(authorization.fields, '--credentials-file')
        : readValues(options.credentialsFile)
    ;({ authorization } = await patchbay.connections.authorize(linkName, { credentials }))
  }
  const connection = await patchbay.connections.get(linkName)
  if (options.json) return printJson(connection)
  report(connection)
}

/** Waits until the browser has come back. @throws Failure */
async function outcome(patchbay: Patchbay, linkName: string, until: number, known: ReadonlySet<string>): Promise<void> {
  const done = waiting('Waiting for the browser')
  try {
    while (performance.now() < until) {
      await pause(secondsBetweenLooks)
      const own = (await attemptsOf(patchbay, linkName)).find(one => !known.has(one.id) && one.outcome !== 'started')
      if (!own) continue
      if (own.outcome === 'connected') return
      throw failed(own)
    }
  } finally {
    done()
  }
  throw new Failure('flow_expired', `Nobody finished it in time. Run "patchbay connect ${linkName}" again.`)
}

function failed({ outcome: how, diagnosis, steps }: Attempt): Failure {
  if (how === 'declined') return new Failure('authorization_declined', 'Access was declined at the service. Nothing was connected.')
  const last = steps.at(-1)
  const words = [last?.error, last?.error_description].filter(Boolean).join(': ')
  return new Failure(
    'authorization_failed',
    diagnosis ?? `The service did not grant the authorisation.${words === '' ? '' : ` It said: ${words}`}`,
  )
}

const warnings: Readonly<Record<string, string>> = {
  no_refresh_token: 'The service gave no refresh token: somebody must connect again when the access token ends.',
  scopes_missing: 'The service granted fewer scopes than were asked for.',
}

export function report(connection: Connection): void {
  const account = connection.account?.label ?? connection.account?.id
  say(`${connection.link_name} is ${connection.status.replaceAll('_', ' ')}${account ? ` (${clean(account)})` : ''}.`)
  if (connection.status_detail !== null) say(clean(connection.status_detail))
  for (const warning of connection.warnings) say(`Warning: ${warnings[warning] ?? warning}`)
}
