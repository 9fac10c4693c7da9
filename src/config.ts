import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseExceptions, type AddressException } from './egress/addresses.ts'

/**
 * Every setting, and the only reader of the environment. docs/configuration.md and .env.example are generated from this table.
 * A wrong value stops the start with the setting's name and a sentence; a value that is a secret is never repeated.
 */
interface Setting<T> {
  /** Without the prefix PATCHBAY_. */
  readonly name: string
  readonly doc: string
  readonly fallback: string
  readonly parse: (text: string) => T
  readonly secret?: boolean
  /** Sounds dangerous in the documentation because it is. */
  readonly dangerous?: boolean
}

const setting = <T>(
  name: string,
  fallback: string,
  doc: string,
  parse: (text: string) => T,
  more: { secret?: boolean; dangerous?: boolean } = {},
): Setting<T> => ({
  name,
  doc,
  fallback,
  parse,
  ...more,
})

const text = (value: string): string => value
const optional = (value: string): string | null => (value === '' ? null : value)
const list = (value: string): string[] =>
  value
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)

const whole =
  (least: number, most: number) =>
  (value: string): number => {
    if (!/^\d{1,15}$/.test(value) || Number(value) < least || Number(value) > most)
      throw new Error(`Write a whole number from ${least} to ${most}.`)
    return Number(value)
  }

const oneOf =
  <T extends string>(...choices: readonly T[]) =>
  (value: string): T => {
    if (!(choices as readonly string[]).includes(value)) throw new Error(`Choose one of ${choices.join(', ')}.`)
    return value as T
  }

function publicUrl(value: string): string {
  if (!URL.canParse(value)) throw new Error('Write the address that browsers use, such as https://patchbay.example.com.')
  const url = new URL(value)
  if (!/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash || url.username)
    throw new Error('Write scheme and host only, such as https://patchbay.example.com.')
  return url.origin
}

function insecureHosts(value: string): string[] {
  const hosts = list(value).map(host => host.toLowerCase())
  for (const host of hosts)
    if (!/^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?$/.test(host)) throw new Error('Write hosts, each as name or name:port.')
  return hosts
}

function otherHosts(value: string): string[] {
  const names = list(value).map(name => name.toLowerCase())
  for (const name of names)
    if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) throw new Error('Write names only, without scheme and port, separated by commas.')
  return names
}

const mebibyte = 1024 * 1024

export const settings = {
  port: setting('PORT', '4400', 'The port to listen on; 0 takes a free one.', whole(0, 65_535)),
  host: setting('HOST', '', 'The address to listen on. Empty: loopback, IPv4 and IPv6.', optional),
  publicUrl: setting(
    'PUBLIC_URL',
    '',
    'The address that browsers use. Redirect URLs are made from it. Default http://localhost:<port>; needed in production.',
    value => (value === '' ? null : publicUrl(value)),
  ),
  dataDir: setting('DATA_DIR', './data', 'Where the embedded database lives. The key file and the lock stand beside it.', text),
  databaseUrl: setting('DATABASE_URL', '', 'A PostgreSQL URL (15 or newer). Empty: the embedded database.', optional, { secret: true }),
  databaseDirectUrl: setting(
    'DATABASE_DIRECT_URL',
    '',
    'Where DATABASE_URL leads to a connection pooler in transaction mode, such as PgBouncer’s: a URL past it, for notifications and for changes of the schema.',
    optional,
    { secret: true },
  ),
  databaseSchema: setting(
    'DATABASE_SCHEMA',
    '',
    'PostgreSQL only: the schema to use, which must exist. Empty: the user’s default.',
    optional,
  ),
  masterKey: setting(
    'MASTER_KEY',
    '',
    'The master key: 32 bytes, base64 (openssl rand -base64 32). A file is better: the environment can be read by others.',
    optional,
    {
      secret: true,
    },
  ),
  masterKeyFile: setting(
    'MASTER_KEY_FILE',
    '',
    'A file with the master key, mode 0400 or 0600. Several lines, newest first, while rotating. Default <DATA_DIR>.key.',
    optional,
  ),
  adminEmail: setting('ADMIN_EMAIL', '', 'First start without a person: the administrator’s e-mail.', optional),
  adminPassword: setting('ADMIN_PASSWORD', '', 'First start without a person: the administrator’s password.', optional, { secret: true }),
  adminApiKey: setting(
    'ADMIN_API_KEY',
    '',
    'First start without a person: an API key of the administrator; pb_ and 32 characters or more.',
    optional,
    { secret: true },
  ),
  allowPrivateAddresses: setting<readonly AddressException[]>(
    'ALLOW_PRIVATE_ADDRESSES',
    '',
    'Private addresses, and those of Patchbay’s own machine, that may be called: CIDRs with an optional port, such as 10.1.2.0/24:8443, separated by commas. Opens your network to everybody who may call URLs.',
    parseExceptions,
    { dangerous: true },
  ),
  allowInsecureHttp: setting(
    'ALLOW_INSECURE_HTTP',
    '',
    'Hosts that may be called over plain http, separated by commas. Credentials travel readable.',
    insecureHosts,
    {
      dangerous: true,
    },
  ),
  practice: setting(
    'PRACTICE',
    '',
    'The built-in practice service: on or off. On in development; refused in production unless the public URL is loopback.',
    oneOf('', 'on', 'off'),
  ),
  practicePort: setting('PRACTICE_PORT', '0', 'The port of the practice service; 0 takes a free one.', whole(0, 65_535)),
  logLevel: setting('LOG_LEVEL', 'info', 'debug, info, warn or error.', oneOf('debug', 'info', 'warn', 'error', 'silent')),
  otherHosts: setting(
    'OTHER_HOSTS',
    '',
    'Names besides the public URL’s that Patchbay is asked by, separated by commas, such as patchbay.default.svc.cluster.local. Addresses and names without a dot need not be here; any other Host is answered with 421.',
    otherHosts,
  ),
  trustedProxies: setting('TRUSTED_PROXIES', '', 'Addresses or CIDRs whose X-Forwarded-For is believed, separated by commas.', list),
  metricsToken: setting('METRICS_TOKEN', '', 'A token for GET /metrics. Empty: loopback only.', optional, { secret: true }),
  dnsServers: setting('DNS_SERVERS', '', 'Name servers for outgoing calls, ip or ip:port, separated by commas. Empty: the system’s.', list),
  extraCaFile: setting('EXTRA_CA_FILE', '', 'Certificates (PEM) to trust besides the system’s for outgoing calls.', optional),
  smtpUrl: setting(
    'SMTP_URL',
    '',
    'A mail server, smtp://user:password@host:port. Empty: links are shown to the administrator instead of mailed.',
    optional,
    { secret: true },
  ),
  mailFrom: setting('MAIL_FROM', '', 'The sender of mail.', optional),
  retentionDays: setting('RETENTION_DAYS', '90', 'Days that the logs of invocations and of function runs are kept.', whole(1, 3650)),
  functionThreads: setting('FUNCTION_THREADS', '8', 'Functions that run at once; one that waits for a service counts.', whole(1, 256)),
  functionSeconds: setting(
    'FUNCTION_SECONDS',
    '10',
    'Longest run of a function, calls included: buttons, related lists, validation rules, standalone functions, public calls.',
    whole(1, 3600),
  ),
  functionAutomationSeconds: setting('FUNCTION_AUTOMATION_SECONDS', '30', 'Longest run of an automation function.', whole(1, 3600)),
  functionScheduleSeconds: setting('FUNCTION_SCHEDULE_SECONDS', '900', 'Longest run of a scheduled function.', whole(1, 3600)),
  functionStatements: setting('FUNCTION_STATEMENTS', '200000', 'Statements that one run may execute.', whole(100, 1_000_000_000)),
  functionCalls: setting('FUNCTION_CALLS', '100', 'Calls to the outside that one run may make, mails included.', whole(0, 100_000)),
  functionMemoryBytes: setting(
    'FUNCTION_MEMORY_BYTES',
    String(64 * mebibyte),
    'What the variables of one run may hold.',
    whole(mebibyte, 1024 * mebibyte),
  ),
  functionMailsPerDay: setting(
    'FUNCTION_MAILS_PER_DAY',
    '1000',
    'Mails that the scripts of one organisation may send in a day, UTC; each recipient counts.',
    whole(0, 10_000_000),
  ),
  functionSchedules: setting(
    'FUNCTION_SCHEDULES',
    '200',
    'Schedules that one organisation may have, 20 for each function.',
    whole(0, 1000),
  ),
  functionPublicCallsPerMinute: setting(
    'FUNCTION_PUBLIC_CALLS_PER_MINUTE',
    '300',
    'Public calls of one function in a minute, on each instance; the rest is answered with 429 and Retry-After.',
    whole(1, 1_000_000),
  ),
  functionPublicCallsPerMinuteOrganization: setting(
    'FUNCTION_PUBLIC_CALLS_PER_MINUTE_ORGANIZATION',
    '1200',
    'The same for all functions of one organisation together.',
    whole(1, 1_000_000),
  ),
  workers: setting(
    'WORKERS',
    '1',
    'Processes that answer, PostgreSQL only; one more process starts them. What is said of one process (threads, database sessions, limits, quotas) each has for itself.',
    whole(1, 64),
  ),
  workerSilentSeconds: setting(
    'WORKER_SILENT_SECONDS',
    '30',
    'With WORKERS: a process that has not said for so long that it is alive, because it hangs or was stopped, is killed and replaced. 0: never.',
    whole(0, 3600),
  ),
  preStopSeconds: setting(
    'PRE_STOP_SECONDS',
    '',
    'After SIGTERM: seconds for which calls are still taken while /readyz answers 503, for load balancers to notice. Default 5 in production, else 0.',
    value => (value === '' ? null : whole(0, 300)(value)),
  ),
  incomingConnections: setting(
    'INCOMING_CONNECTIONS',
    '10000',
    'Connections that one process keeps open with its callers; more are closed at once.',
    whole(1, 1_000_000),
  ),
  callsUnderWay: setting(
    'CALLS_UNDER_WAY',
    '1024',
    'Calls through connections that one process carries at once; more are answered with 503 and Retry-After.',
    whole(1, 1_000_000),
  ),
  callsUnderWayOrganization: setting(
    'CALLS_UNDER_WAY_ORGANIZATION',
    '512',
    'The same for one organisation; more are answered with 429 and Retry-After.',
    whole(1, 1_000_000),
  ),
  callsPerSecondOrganization: setting(
    'CALLS_PER_SECOND_ORGANIZATION',
    '0',
    'Calls through connections that one organisation may begin in a second, on each process; more are answered with 429, Retry-After and RateLimit. 0: no quota.',
    whole(0, 1_000_000),
  ),
  overloadDelayMs: setting(
    'OVERLOAD_DELAY_MS',
    '200',
    'When everything in a process happens this many milliseconds late, new calls are answered with 503 and Retry-After until it has caught up. 0: never.',
    whole(0, 60_000),
  ),
  proxyMaxBytes: setting('PROXY_MAX_BYTES', String(5 * 1024 * mebibyte), 'Largest body through the proxy, each way.', whole(1, 1024 ** 4)),
  proxyMaxSeconds: setting('PROXY_MAX_SECONDS', '3600', 'Longest call through the proxy.', whole(1, 86_400)),
  invokeMaxRequestBytes: setting(
    'INVOKE_MAX_REQUEST_BYTES',
    String(10 * mebibyte),
    'Largest request body of invoke.',
    whole(1024, 100 * mebibyte),
  ),
  invokeMaxResponseBytes: setting(
    'INVOKE_MAX_RESPONSE_BYTES',
    String(15 * mebibyte),
    'Largest answer of invoke.',
    whole(1024, 100 * mebibyte),
  ),
} as const

/** What the command line reads besides its options. The server knows the names and ignores the values. */
export const cliSettings = {
  url: setting('URL', '', 'Command line: where Patchbay is. Default: where `patchbay login` was, else http://localhost:4400.', value =>
    value === '' ? null : publicUrl(value),
  ),
  apiKey: setting('API_KEY', '', 'Command line: the API key to call with, instead of the one that `patchbay login` stored.', optional, {
    secret: true,
  }),
} as const

export interface CliConfig {
  readonly url: string | null
  readonly apiKey: string | null
  /** Where `patchbay login` keeps its key. */
  readonly directory: string
}

/** @throws Error with a sentence when a setting is wrong. */
export function cliConfig(environment: Readonly<Record<string, string | undefined>> = process.env): CliConfig {
  const read = <T>({ name, parse }: Setting<T>): T => {
    try {
      return parse(environment[`PATCHBAY_${name}`]?.trim() ?? '')
    } catch (error) {
      throw new Error(`PATCHBAY_${name}: ${error instanceof Error ? error.message : 'is not right.'}`, { cause: error })
    }
  }
  // XDG Base Directory Specification; a relative path in it is to be ignored
  const given = environment.XDG_CONFIG_HOME ?? ''
  const home = given.startsWith('/')
    ? given
    : process.platform === 'win32' && environment.APPDATA
      ? environment.APPDATA
      : join(homedir(), '.config')
  return { url: read(cliSettings.url), apiKey: read(cliSettings.apiKey), directory: join(home, 'patchbay') }
}

type Values = { readonly [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> }

export interface Config extends Values {
  readonly production: boolean
  /** Whether the practice service runs. */
  readonly practiceOn: boolean
  readonly preStopSeconds: number
}

const isLoopback = (host: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)

/** Sections of Node's debugging output that hold the URLs of calls, whose query may be a credential, or the bytes themselves. */
const telltale = ['undici', 'fetch', 'stream', 'http2']

/** The first of these that NODE_DEBUG switches on, read as Node reads it: separated by commas, in any case, `*` for anything. */
function telltaleDebug(nodeDebug = ''): string | null {
  const wanted = nodeDebug.split(',').map(one => new RegExp(`^${one.replace(/[|\\{}()[\]^$+?.]/g, '\\$&').replaceAll('*', '.*')}$`, 'i'))
  return telltale.find(section => wanted.some(pattern => pattern.test(section))) ?? null
}

/** @throws Error with one line for each setting that is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const wrong: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(settings)) {
    const given = environment[`PATCHBAY_${one.name}`]?.trim()
    try {
      values[name] = one.parse(given ? given : one.fallback)
    } catch (error) {
      wrong.push(`PATCHBAY_${one.name}: ${error instanceof Error ? error.message : 'is not right.'}`)
    }
  }
  const known = new Set([...Object.values(settings), ...Object.values(cliSettings)].map(one => `PATCHBAY_${one.name}`))
  for (const name of Object.keys(environment))
    if (name.startsWith('PATCHBAY_') && !known.has(name)) wrong.push(`${name}: there is no such setting. See docs/configuration.md.`)

  const telling = telltaleDebug(environment.NODE_DEBUG)
  if (telling) wrong.push(`NODE_DEBUG: "${telling}" prints what is sent, credentials too. Leave it out; http, net and tls may be used.`)

  const production = environment.NODE_ENV === 'production'
  const config = values as unknown as Values
  if (wrong.length === 0) {
    if (production && config.publicUrl === null)
      wrong.push('PATCHBAY_PUBLIC_URL: production needs the address that browsers use, such as https://patchbay.example.com.')
    if ((config.adminEmail === null) !== (config.adminPassword === null))
      wrong.push('PATCHBAY_ADMIN_EMAIL and PATCHBAY_ADMIN_PASSWORD: set both or neither.')
    if (config.adminApiKey !== null && config.adminEmail === null)
      wrong.push('PATCHBAY_ADMIN_API_KEY: needs PATCHBAY_ADMIN_EMAIL and PATCHBAY_ADMIN_PASSWORD.')
    if (config.adminApiKey !== null && !/^pb_[\x21-\x7e]{32,200}$/.test(config.adminApiKey))
      wrong.push('PATCHBAY_ADMIN_API_KEY: begin with pb_ and add 32 characters or more.')
    if (config.workers > 1 && config.databaseUrl === null)
      wrong.push(
        'PATCHBAY_WORKERS: the embedded database belongs to one process. Set PATCHBAY_DATABASE_URL, or leave PATCHBAY_WORKERS out.',
      )
    if (config.databaseDirectUrl !== null && config.databaseUrl === null)
      wrong.push('PATCHBAY_DATABASE_DIRECT_URL: goes with PATCHBAY_DATABASE_URL, which leads to the pooler. Set both, or the other one.')
    const onLoopback = config.publicUrl === null || isLoopback(new URL(config.publicUrl).hostname)
    if (config.practice === 'on' && production && !onLoopback)
      wrong.push('PATCHBAY_PRACTICE: the practice service is not for production. Leave it out.')
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  const practiceOn = config.practice === 'on' || (config.practice === '' && !production)
  return { ...config, production, practiceOn, preStopSeconds: config.preStopSeconds ?? (production ? 5 : 0) }
}
