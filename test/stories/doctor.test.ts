import { spawn } from 'node:child_process'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminKey, freePort, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { programArguments } from '../support/program.ts'

interface Finding {
  readonly subject: string
  readonly outcome: 'ok' | 'warning' | 'broken'
  readonly sentence: string
}

describe.each(['pglite', 'postgres'] as const)('R-4 patchbay doctor [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
    await story.connect(await story.service('fine'), 'fine')
    await story.connect(await story.service('strayed'), 'strayed')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const findings = async (): Promise<Finding[]> => {
    const answer = await patchbay.admin('GET', '/api/v1/operations/check-up')
    expect(answer.status).toBe(200)
    return answer.json.findings as Finding[]
  }
  const about = async (subject: string) => (await findings()).filter(one => one.subject === subject)

  const doctor = (settings: Record<string, string>, ...more: string[]): Promise<{ code: number | null; out: string; err: string }> => {
    const child = spawn(process.execPath, [...programArguments('patchbay'), 'doctor', ...more], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...settings },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', text => (out += String(text)))
    child.stderr.on('data', text => (err += String(text)))
    return new Promise(resolve => child.on('close', code => resolve({ code, out, err })))
  }

  it('where all is well it says so, subject by subject, and names nothing secret', async () => {
    const found = await findings()
    const broken = found.filter(one => one.outcome === 'broken')
    expect(broken).toEqual([])
    expect(new Set(found.map(one => one.subject))).toEqual(
      new Set(['database', 'clock', 'keys', 'deployment', 'public_url', 'mail', 'egress', 'log', 'connections', 'api_keys']),
    )
    expect((await about('mail'))[0]).toMatchObject({ outcome: 'warning', sentence: expect.stringContaining('PATCHBAY_SMTP_URL') as string })
    expect((await about('public_url'))[0]?.sentence).toContain(`${patchbay.base}/oauth/callback/`)
  })

  it('the command says the same and ends with 0; with --json, as JSON', async () => {
    const settings = { PATCHBAY_URL: patchbay.base, PATCHBAY_API_KEY: adminKey }
    const [said, asJson] = await Promise.all([doctor(settings), doctor(settings, '--json')])
    expect(said).toMatchObject({ code: 0 })
    expect(said.out).toContain(`✓ server       ${patchbay.base} answers and takes calls.`)
    expect(said.out).toMatch(/^! mail {9}No mail server is set/m)
    expect(JSON.parse(asJson.out)).toMatchObject({ findings: expect.arrayContaining([expect.objectContaining({ subject: 'keys' })]) })
  })

  it('what has to be connected again, a refused client and a key that ends are named, with what to do, and the command ends with 1', async () => {
    await sql`update credentials set status = 'reauthorization_required', status_reason = 'revoked_by_provider'
      where connection_id = (select id from connections where link_name = 'strayed')`.execute(patchbay.broker.db)
    const soon = new Date(Date.now() + 3 * 86_400_000).toISOString()
    expect((await patchbay.admin('POST', '/api/v1/api-keys', { name: 'nightly', expires_at: soon })).status).toBe(201)
    const [strayed] = await about('connections')
    expect(strayed).toMatchObject({
      outcome: 'broken',
      sentence: expect.stringContaining('strayed (default) must be connected again') as string,
    })
    expect((await about('api_keys'))[0]?.sentence).toContain(`“nightly” (default) ends on ${soon.slice(0, 10)}`)
    await sql`update credentials set status = 'refresh_failing', status_reason = 'client_invalid'
      where connection_id = (select id from connections where link_name = 'strayed')`.execute(patchbay.broker.db)
    expect((await about('connections'))[0]?.sentence).toMatch(/refuses the client id or secret.*The keeper of strayed must correct them/)
    const said = await doctor({ PATCHBAY_URL: patchbay.base, PATCHBAY_API_KEY: adminKey })
    expect(said.code).toBe(1)
    expect(said.err).toMatch(/broken: 1 broken/)
  })

  it('a database that belongs elsewhere is told', async () => {
    await sql`update settings set value = replace(value::text, 'loopback', 'https://elsewhere.example.com')::jsonb where name = 'deployment'`.execute(patchbay.broker.db) // prettier-ignore
    await patchbay.broker.deployment.reload()
    expect((await about('deployment'))[0]).toMatchObject({
      outcome: 'broken',
      sentence: expect.stringContaining('elsewhere.example.com') as string,
    })
  })

  it('without the server, without a key, and for somebody who is no operator, it says what it can', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    const member = await story.member('Mel')
    const key = await member.ask('POST', '/api/v1/api-keys', { name: 'mels' })
    const [away, keyless, mels] = await Promise.all([
      doctor({ PATCHBAY_URL: nowhere, PATCHBAY_API_KEY: adminKey }),
      doctor({ PATCHBAY_URL: patchbay.base }),
      doctor({ PATCHBAY_URL: patchbay.base, PATCHBAY_API_KEY: key.json.key as string }),
    ])
    expect(away).toMatchObject({ code: 1, out: expect.stringContaining(`${nowhere} cannot be reached from here (ECONNREFUSED)`) as string })
    expect(keyless.code).toBe(1)
    expect(keyless.out).toMatch(/✓ server .*\n✗ server .*patchbay login/)
    expect(mels.out).toContain('administrator of the first organisation')
  })
})
