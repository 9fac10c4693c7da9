import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDataDir, setUpTimeoutMs } from '../../test/support/databases.ts'
import { startOAuthStory, eventually, type OAuthStory } from '../../test/support/oauth-story.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../../test/support/patchbay.ts'
import { createPostgresDatabase } from '../../test/support/postgres.ts'
import { programArguments } from '../../test/support/program.ts'

const masterKey = randomBytes(32).toString('base64')
const root = fileURLToPath(new URL('../..', import.meta.url))

async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise(done => server.close(done))
  return port
}

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

describe.each(['pglite', 'postgres'] as const)('the command line [%s]', database => {
  let server: TestPatchbay
  let story: OAuthStory
  let home = ''

  beforeAll(async () => {
    server = await startPatchbay({ database, settings: { PATCHBAY_MASTER_KEY: masterKey } })
    story = await startOAuthStory(server)
    home = await mkdtemp(join(tmpdir(), 'patchbay-cli-'))
    // stands where a desktop's opener would: it notes the page instead of showing it
    await writeFile(join(home, 'xdg-open'), `#!/bin/sh\necho "$1" >> "${join(home, 'opened')}"\n`)
    await chmod(join(home, 'xdg-open'), 0o755)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })

  /** A command line in a process of its own, as its user types it. */
  function start(args: readonly string[], input = '', settings: Record<string, string> = {}): { ran: Promise<Ran> } {
    const child = spawn(process.execPath, [...programArguments('patchbay'), ...args], {
      cwd: root,
      env: {
        PATH: `${home}${delimiter}${process.env.PATH ?? ''}`,
        HOME: home,
        XDG_CONFIG_HOME: join(home, 'config'),
        PATCHBAY_URL: server.base,
        ...settings,
      },
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.stdin.on('error', () => undefined).end(input)
    return { ran: new Promise(resolve => child.on('close', code => resolve({ code, out, err }))) }
  }
  const patchbay = (args: readonly string[], input?: string) => start(args, input, { PATCHBAY_API_KEY: adminKey }).ran
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(home, name), text)
    return join(home, name)
  }
  const opened = async (): Promise<string> => {
    const text = await eventually(
      'a page',
      () => readFile(join(home, 'opened'), 'utf8').catch(() => ''),
      one => one.endsWith('\n'),
    )
    await rm(join(home, 'opened'))
    return text.trim()
  }

  // It speaks HTTP: which database stands behind that matters to backup and restore alone, and each line is a process.
  if (database === 'pglite') describe('of its users', commandsOfUsers)

  function commandsOfUsers() {
    it('says what it can do, and what was written wrongly', async () => {
      const help = await patchbay(['--help'])
      expect(help.code).toBe(0)
      for (const verb of ['login', 'services', 'connections', 'connect', 'invoke', 'keys', 'backup', 'restore', 'adopt'])
        expect(help.out).toContain(`  ${verb}`)
      for (const wrong of [['--nonsense'], ['nonsense'], ['invoke', 'crm'], ['invoke', 'crm', 'https://x/', '-X', 'BREW'], []])
        expect([wrong, (await patchbay(wrong)).code]).toEqual([wrong, 2])
    })

    it('needs a key, and sends a stored one nowhere but to the Patchbay that gave it', async () => {
      const without = await start(['connections', 'list']).ran
      expect(without).toMatchObject({ code: 1, out: '' })
      expect(without.err).toMatch(/^not_logged_in: /)

      const login = start(['login'])
      const page = new URL(await opened())
      expect(page.origin).toBe(server.base)
      const approved = await story.ada.browser.ask('POST', `/api/v1/cli-logins/${page.searchParams.get('code') ?? ''}/approve`, {})
      expect(approved.status, approved.text).toBe(204)
      const ran = await login.ran
      expect(ran.code, ran.err).toBe(0)
      expect(ran.out).toBe(`${page.href}\n`)
      expect(ran.err).toContain('Logged in as')

      const path = join(home, 'config', 'patchbay', 'credentials.json')
      const stored = JSON.parse(await readFile(path, 'utf8')) as { url: string; key: string }
      expect(stored.url).toBe(server.base)
      expect(ran.out + ran.err).not.toContain(stored.key)
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
      expect((await start(['connections', 'list']).ran).code).toBe(0)
      // the same machine under another name is another Patchbay
      const elsewhere = await start(['connections', 'list', '--url', server.base.replace('127.0.0.1', 'localhost')]).ran
      expect(elsewhere.err).toMatch(/^not_logged_in: .*You are logged in at/)
      await rm(join(home, 'config'), { recursive: true })
    })

    it('takes the key from a file, and says when nobody answers', async () => {
      const key = await file('key', `${adminKey}\n`)
      expect((await start(['services', 'list', '--key-file', key]).ran).code).toBe(0)
      expect((await start(['services', 'list', '--key-file', '-'], adminKey).ran).code).toBe(0)
      const nobody = await patchbay(['services', 'list', '--url', `http://127.0.0.1:${await unusedPort()}`])
      expect(nobody).toMatchObject({ code: 1, out: '', err: 'unreachable: Patchbay does not answer there (ECONNREFUSED). Check --url.\n' })
      const refused = await start(['services', 'list', '--key-file', await file('wrong', 'pb_wrong')]).ran
      expect(refused.err).toMatch(/^unauthenticated: /)
    })

    it('creates, lists and shows services; a client secret is never in the command line', async () => {
      const definition = {
        link_name: 'keyed',
        name: 'Keyed',
        auth_type: 'api_key',
        parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
        api_hosts: [story.host],
      }
      const created = await patchbay(['services', 'create', '-'], JSON.stringify(definition))
      expect(created.code, created.err).toBe(0)
      expect(created.out).toMatch(/Link name +keyed\n/)
      const wrong = await patchbay(['services', 'create', '-'], JSON.stringify({ ...definition, link_name: 'Wrong Name' }))
      expect(wrong.code).toBe(1)
      expect(wrong.err).toMatch(/^validation_failed: .*\n {2}link_name: /)
      expect(await patchbay(['services', 'create', '-'], '{"client_secret":"s3cret"')).toMatchObject({
        code: 2,
        err: 'usage: - is not JSON.\n',
      })

      const secret = await file('client-secret', 's3cret\n')
      const client = await patchbay(['services', 'client', 'github', '--client-id', 'id', '--client-secret-file', secret])
      expect(client.code, client.err).toBe(0)
      expect(client.err).toContain(`${server.base}/oauth/callback/default/github`)
      const asked = await patchbay(['services', 'client', 'github', '--client-id', 'id'])
      expect(asked.code).toBe(2)
      expect(asked.err).toContain('--client-secret-file')
      expect((await patchbay(['services', 'show', 'github'])).out).toMatch(/Client secret +yes\n/)

      const listed = JSON.parse((await patchbay(['services', 'list', '--json'])).out) as { link_name: string }[]
      expect(listed.length).toBeGreaterThan(40)
      const table = (await patchbay(['services', 'list', '--kind', 'custom'])).out.trim().split('\n')
      expect(table.map(line => line.split(/ {2,}/)[0])).toEqual(['LINK NAME', 'keyed'])
    })

    it('connects with values, lists, shows, revokes and deletes', async () => {
      const asked = await patchbay(['connections', 'create', 'keyed', '--link-name', 'first'])
      expect(asked.code).toBe(2)
      expect(asked.err).toContain('--credentials-file')
      const unauthorised = await patchbay(['invoke', 'first', `${story.practice}/key/echo`])
      expect(unauthorised.code).toBe(1)
      expect(unauthorised.err).toMatch(/^authorization_required: .*\n {2}connect_url: http/)

      const connected = await patchbay(['connect', 'first', '--credentials-file', '-'], JSON.stringify({ 'X-Api-Key': 'practice-key' }))
      expect(connected).toMatchObject({ code: 0, err: 'first is connected.\n' })
      expect((await patchbay(['connections', 'list'])).out).toMatch(/\nfirst +Keyed +keyed +connected /)
      expect((await patchbay(['connections', 'show', 'first'])).out).toMatch(/Status +connected since /)
      expect(JSON.parse((await patchbay(['connections', 'show', 'first', '--json'])).out)).toMatchObject({ link_name: 'first' })

      expect(await patchbay(['connections', 'revoke', 'first'])).toMatchObject({
        code: 0,
        err: expect.stringContaining('Revoked one authorisation.') as string,
      })
      expect((await patchbay(['connections', 'delete', 'first'])).code).toBe(0)
      expect((await patchbay(['connections', 'show', 'first'])).err).toMatch(/^connection_not_found: /)
    })

    it('connects in the browser, and says why it did not work', async () => {
      await story.service('drive')
      const creating = start(['connections', 'create', 'drive', '--scope', 'files.read'], '', { PATCHBAY_API_KEY: adminKey })
      const landed = await walk(await opened())
      expect(landed.url).toBe(`${server.base}/connections/drive`)
      const created = await creating.ran
      expect(created.code, created.err).toBe(0)
      expect(created.err).toContain('drive is connected')

      const again = start(['connect', 'drive', '--json'], '', { PATCHBAY_API_KEY: adminKey })
      await story.control('misbehave', {
        endpoint: 'token',
        status: 400,
        body: { error: 'invalid_grant', error_description: 'redirect_uri does not match' },
      })
      await walk(await opened())
      const failed = await again.ran
      expect(failed.code).toBe(1)
      expect(failed.err).toMatch(/authorization_failed: .*redirect URL/i)
      expect(failed.err).toContain(`${server.base}/oauth/callback/default/drive`)
    })

    /** As a person does: from the page that the command line opened, on to the service, and back. */
    async function walk(page: string) {
      const { browser } = story.ada
      expect((await browser.visit(page)).text).toContain(`${new URL(page).pathname}/continue`)
      return browser.visit(`${page}/continue`)
    }

    it('invokes and prints what came, byte for byte', async () => {
      const credentials = await file('credentials', JSON.stringify({ 'X-Api-Key': 'practice-key' }))
      expect((await patchbay(['connections', 'create', 'keyed', '--credentials-file', credentials])).code).toBe(0)
      const echo = async (...args: string[]) =>
        JSON.parse((await patchbay(['invoke', 'keyed', `${story.practice}/key/echo`, ...args])).out) as Record<string, unknown>
      expect(await echo('-p', 'a=1', '-p', 'b=x=y', '-H', 'X-Mine: yes')).toMatchObject({
        method: 'GET',
        query: { a: '1', b: 'x=y' },
        headers: { 'x-mine': 'yes' },
      })
      expect(await echo('-d', '{"id":1234567890123456789}')).toMatchObject({
        method: 'POST',
        body_type: 'json',
        headers: { 'content-type': 'application/json' },
      })
      expect(await echo('-X', 'PUT', '-d', 'plain')).toMatchObject({ method: 'PUT', body: 'plain' })
      expect(await echo('-d', `@${await file('body', '{"from":"a file"}')}`)).toMatchObject({ body: { from: 'a file' } })
      expect(JSON.parse((await patchbay(['invoke', 'keyed', `${story.practice}/key/echo`, '-d', '@-'], '{"piped":1}')).out)).toMatchObject({
        body: { piped: 1 },
      })

      const included = await patchbay(['invoke', '-i', 'keyed', `${story.practice}/key/status/404`])
      expect(included).toMatchObject({ code: 0, out: expect.stringMatching(/^HTTP 404\n/) as string })
      expect((await patchbay(['invoke', 'keyed', `${story.practice}/key/status/404`])).err).toBe('The service answered 404.\n')
      const document = JSON.parse((await patchbay(['invoke', '--json', '-', `${story.practice}/open/echo`])).out) as unknown
      expect(document).toMatchObject({ status_code: 200, body: { method: 'GET' } })
      const refused = await patchbay(['invoke', 'keyed', 'https://elsewhere.example/'])
      expect(refused).toMatchObject({ code: 1, out: '' })
      expect(refused.err).toMatch(/^destination_not_allowed: /)
    })
  }

  it('wraps the keys again, backs up, and restores into an empty database only', async () => {
    const rotated = await patchbay(['keys', 'rotate'])
    expect(rotated).toMatchObject({ code: 0, out: 'Wrapped again: 0. With an older master key: 0.\n' })
    await story.service('calendar')
    await story.connect('calendar', 'calendar')
    const resealed = await patchbay(['keys', 'rotate', '--data'])
    expect(resealed.code, resealed.err).toBe(0)
    expect(resealed.out).toMatch(/^Sealed again: [1-9]\d*\. Damaged: 0\. Old data keys to be destroyed: 1\.\n$/)
    expect((await patchbay(['keys', 'verify', '--all'])).out).toMatch(/^Data keys: 2\. Secrets: [1-9]\d*\. Damaged: 0\.\n$/)
    expect((await patchbay(['keys', 'status'])).out).toMatch(/^master key +state +data keys\n[0-9a-f]{16} +newest +2\n$/)
    expect((await patchbay(['adopt', '--online'])).err).toContain('belongs to loopback already')
    expect(await patchbay(['adopt', '--restored-from', 'yesterday'])).toMatchObject({ code: 2 })

    const backup = join(home, `${database}.backup`)
    const made = await patchbay(['backup', backup])
    expect(made.code, made.err).toBe(0)
    const rows = Number(/holds (\d+) rows/.exec(made.err)?.[1])
    expect(rows).toBeGreaterThan(10)
    expect(((await stat(backup)).mode & 0o777).toString(8)).toBe('600')
    expect((await patchbay(['backup', backup])).err).toMatch(/^file_exists: /)

    const place: Record<string, string> =
      database === 'pglite' ? { PATCHBAY_DATA_DIR: await freshDataDir() } : { PATCHBAY_DATABASE_URL: await createPostgresDatabase() }
    const whole = await readFile(backup)
    const cut = join(home, `${database}.cut`)
    await writeFile(cut, whole.subarray(0, whole.length - 200))
    const damaged = await start(['restore', cut], '', place).ran
    expect(damaged).toMatchObject({
      code: 1,
      err: expect.stringContaining('storage_unavailable: The backup is damaged or cut short. Nothing was imported.') as string,
    })
    expect((await start(['restore', join(home, 'nothing')], '', place).ran).err).toContain('ENOENT: ')

    const restored = await start(['restore', backup], '', place).ran
    expect(restored.code, restored.err).toBe(0)
    expect(restored.err).toMatch(
      new RegExp(`Restored ${rows} rows of 20.* into .*\\nAuthorisations with a refresh token of that time: [1-9]\\d*\\.`),
    )
    const twice = await start(['restore', backup], '', place).ran
    expect(twice.code).toBe(1)
    expect(twice.err).toContain('storage_unavailable: The database is not empty')

    // what was sealed before opens afterwards, for the same key
    const again = await startPatchbay({ database, bare: true, settings: { PATCHBAY_MASTER_KEY: masterKey, ...place } })
    try {
      const listed = await start(['connections', 'list', '--url', again.base], '', { PATCHBAY_API_KEY: adminKey }).ran
      expect(listed.out, listed.err).toMatch(/\ncalendar .* connected /)
      const shown = await again.admin('POST', '/api/v1/connections/calendar/authorize', {})
      expect(shown.status, shown.text).toBe(200)
    } finally {
      await again.stop()
    }
  }, 120_000)
})
