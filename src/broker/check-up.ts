import { statusReasons } from '../core/connection.ts'
import { Problem } from '../core/problem.ts'
import { databaseClock, endingKeys, statementLimit, troubledCredentials } from '../storage/check-up.ts'
import type { Broker } from './broker.ts'
import { mismatch } from './deployment.ts'
import { keyStatus } from './keys.ts'

export interface Finding {
  readonly subject: 'database' | 'clock' | 'keys' | 'deployment' | 'public_url' | 'mail' | 'egress' | 'log' | 'connections' | 'api_keys'
  /** broken: something does not work now; warning: it will not, or should not be so. */
  readonly outcome: 'ok' | 'warning' | 'broken'
  /** What is so, and what to do about it. */
  readonly sentence: string
}

const mostNamed = 10
const clockWarningSeconds = 2
const clockBrokenSeconds = 30
const slowDatabaseMs = 100
const endingDays = 14
const longLog = 1_000

const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)

/** What an operator wants to know before somebody else asks: `patchbay doctor`. Nothing is changed, nobody outside is called. */
export async function checkUp(
  broker: Broker,
  around: { readonly database: string; readonly pooled: boolean; readonly production: boolean; readonly mail: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = []
  const say = (subject: Finding['subject'], outcome: Finding['outcome'], sentence: string) =>
    void findings.push({ subject, outcome, sentence })

  const { ahead, answeredMs } = await databaseClock(broker.db, Date.now, broker.monotonic)
  const answered = `${around.database} answers in ${answeredMs.toFixed(1)} ms.`
  if (answeredMs > slowDatabaseMs) say('database', 'warning', `${answered} Calls of connections that are not in memory wait for it.`)
  else say('database', 'ok', answered)
  if (around.pooled && (await statementLimit(broker.db)) === '0')
    say('database', 'warning', 'Through the pooler a statement may take as long as it likes: ALTER ROLE … SET statement_timeout = \'5s\' on PostgreSQL, for Patchbay’s user, and SET jit = off.') // prettier-ignore
  const apart = `This server’s clock and the database’s are ${Math.abs(ahead).toFixed(1)} s apart.`
  if (Math.abs(ahead) > clockBrokenSeconds)
    say(
      'clock',
      'broken',
      `${apart} Patchbay goes by the database’s: when that one is wrong, OAuth 1 services refuse calls. Let both follow a time server.`,
    )
  else if (Math.abs(ahead) > clockWarningSeconds) say('clock', 'warning', `${apart} Let both follow a time server.`)
  else say('clock', 'ok', apart)

  const { master_keys, rotation } = await keyStatus(broker)
  const missing = master_keys.filter(one => one.state === 'missing')
  const older = master_keys.filter(one => one.state === 'older')
  if (missing.length > 0)
    say('keys', 'broken', `Data keys are wrapped by master keys that this server does not have (${missing.map(one => one.id).join(', ')}): add them below the newest, and restart.`) // prettier-ignore
  else if (older.some(one => one.data_keys > 0))
    say('keys', 'warning', 'Some data keys are wrapped by an older master key: run "patchbay keys rotate".')
  else if (older.length > 0)
    say('keys', 'warning', 'Nothing is wrapped by the older master key any more: remove it from the key file, and restart.')
  else say('keys', 'ok', 'The newest master key wraps every data key.')
  if (rotation !== null && rotation.damaged > 0)
    say('keys', 'broken', `${rotation.damaged} secrets did not open when they were sealed again: "patchbay keys verify --all" names them.`)

  const foreign = broker.deployment.foreign()
  if (foreign === null) say('deployment', 'ok', 'The database is this deployment’s own.')
  else say('deployment', 'broken', mismatch(foreign, broker.deployment.own).message)

  const { protocol, hostname } = new URL(broker.publicUrl)
  const redirects = `Redirect URLs to register with services begin with ${broker.publicUrl}/oauth/callback/.`
  if (protocol === 'https:') say('public_url', 'ok', redirects)
  else if (isLoopback(hostname) && !around.production)
    say('public_url', 'ok', `${redirects} Only browsers on this machine can follow them, which is right for trying it out.`)
  else say('public_url', 'broken', `${redirects} Cookies and authorisation codes travel readable: put https in front and set PATCHBAY_PUBLIC_URL.`) // prettier-ignore

  if (around.mail) say('mail', 'ok', 'A mail server is set.')
  else say('mail', 'warning', 'No mail server is set (PATCHBAY_SMTP_URL): invitations and reset links are shown to administrators, and sendmail in functions fails.') // prettier-ignore

  const { allowPrivateAddresses, allowInsecureHttp } = broker.limits
  if (allowPrivateAddresses.length > 0)
    say('egress', 'warning', `Whoever may call URLs reaches ${allowPrivateAddresses.length} private address ranges (PATCHBAY_ALLOW_PRIVATE_ADDRESSES).`) // prettier-ignore
  if (allowInsecureHttp.length > 0)
    say('egress', 'warning', `Credentials travel readable to ${allowInsecureHttp.join(', ')} (PATCHBAY_ALLOW_INSECURE_HTTP).`)
  if (allowPrivateAddresses.length + allowInsecureHttp.length === 0) say('egress', 'ok', 'Calls leave for public addresses only, over TLS.')

  try {
    broker.invocations.assertRoom()
    const waiting = broker.invocations.waiting()
    if (waiting > longLog) say('log', 'warning', `${waiting} calls wait to be written into the log: the database is too slow for them.`)
    else say('log', 'ok', 'The log of calls is written as they happen.')
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    say('log', 'broken', 'The log of calls cannot be written, so calls are refused. The server’s own log says why.')
  }

  const troubled = await troubledCredentials(broker.db, mostNamed)
  const total = Number(troubled[0]?.total ?? 0)
  if (total === 0) say('connections', 'ok', 'Every authorisation that was made works, as far as its last use tells.')
  for (const { slug, link_name, service, status, status_reason, status_since } of troubled) {
    const reason = status_reason === null ? '' : ` ${statusReasons[status_reason]}`
    const since = status_since.toISOString().slice(0, 16).replace('T', ' ')
    if (status_reason === 'client_invalid')
      say('connections', 'broken', `${link_name} (${slug}), since ${since} UTC:${reason} The keeper of ${service} must correct them.`)
    else if (status === 'refresh_failing')
      say('connections', 'warning', `${link_name} (${slug}) cannot be renewed just now, since ${since} UTC.${reason} It is tried again.`)
    else say('connections', 'broken', `${link_name} (${slug}) must be connected again, since ${since} UTC.${reason}`)
  }
  if (total > troubled.length) say('connections', 'broken', `So it is with ${total - troubled.length} more.`)

  const ending = await endingKeys(broker.db, endingDays, mostNamed)
  if (ending.length === 0) say('api_keys', 'ok', `No API key ends within ${endingDays} days.`)
  for (const { name, slug, expires_at } of ending)
    say(
      'api_keys',
      'warning',
      `The API key “${name}” (${slug}) ends on ${expires_at?.toISOString().slice(0, 10) ?? ''}: make its successor.`,
    )
  return findings
}
