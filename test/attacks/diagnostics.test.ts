import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { adminEmail, adminPassword, freePort, type Answer, type Asker } from '../support/patchbay.ts'
import { must } from '../support/practice-services.ts'
import { launch, launchReady, type PatchbayProcess } from '../support/process.ts'
import { programArguments } from '../support/program.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { findSecrets } from '../support/sinks.ts'

const secrets = {
  password: 'CANARY-password-0123456789-abc',
  'API key value': 'CANARY-key-0123456789-abcdef',
  'client secret': 'CANARY-client-0123456789-abc',
  'access token': 'CANARY-access-0123456789-abc',
  'refresh token': 'CANARY-refresh-0123456789-ab',
  'in a fault': 'CANARY-fault-0123456789-abcd',
}
/** A module that is loaded first, as an operator may load one, and that fails on a signal with an error that quotes a secret. */
const faulty = `process.on('SIGUSR2', () => void Promise.reject(new Error(${JSON.stringify(secrets['in a fault'].split('-'))}.join('-'))))`

describe('X10 a process of which everything is printed that can be [pglite]', () => {
  let up: ScriptedUpstream
  let settings: Record<string, string>
  let running: PatchbayProcess
  const answers: [where: string, text: string][] = []
  beforeAll(async () => {
    up = await startScriptedUpstream()
    const port = await freePort()
    const open = settingsFor(up)
    settings = {
      ...open,
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: await freshDataDir(),
      // nobody is there, so that every name fails to be looked up
      PATCHBAY_DNS_SERVERS: `127.0.0.1:${await freePort()}`,
      PATCHBAY_LOG_LEVEL: 'debug',
    }
    running = await launchReady(
      {
        ...settings,
        DEBUG: '*',
        NODE_DEBUG: 'http,https,net,tls,dns,timer',
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(faulty)}`,
      },
      '',
    )
  }, setUpTimeoutMs)
  afterAll(async () => {
    if (running.process.exitCode === null && running.process.signalCode === null) running.process.kill('SIGKILL')
    await up.close()
  })

  it('prints, answers and shows no secret, whatever goes wrong', async () => {
    const heard =
      (ask: Asker): Asker =>
      async (...request) => {
        const answer: Answer = await ask(...request)
        answers.push([`${request[0]} ${request[1]}`, `${[...answer.headers].join('\n')}\n${answer.text}`])
        return answer
      }
    const browser = running.browser()
    await browser.signIn(adminEmail, adminPassword)
    const ask = heard(browser.ask)
    const service = (link_name: string, rest: Record<string, unknown>) =>
      ask('POST', '/api/v1/services', { link_name, name: link_name, ...rest }).then(answer => must(answer, 201))
    const connection = (name: string, credentials: Record<string, string>) =>
      ask('POST', '/api/v1/connections', { service: name, name, link_name: name, credentials }).then(answer => must(answer, 201))
    const api_hosts = [up.host, 'nobody.example.test']
    await service('basic', { auth_type: 'basic', api_hosts })
    await connection('basic', { username: 'ada', password: secrets.password })
    for (const param_type of ['header', 'query', 'form']) {
      await service(param_type, { auth_type: 'api_key', param_type, parameters: [{ name: 'key', display_name: 'Key' }], api_hosts })
      await connection(param_type, { key: secrets['API key value'] })
    }

    // reset, time-out, half an answer, no TLS, no such name, a status of its own
    up.on('/gone', (_, response) => response.destroy())
    up.on('/late', () => {})
    up.on('/half', (_, response) => response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy()))
    up.on('/teapot', (_, response) => response.writeHead(418).end('no'))
    const faults = [
      `${up.url}/gone`,
      `${up.url}/late`,
      `${up.url}/half`,
      `${up.url}/teapot`,
      `https://${up.host}/`,
      'https://nobody.example.test/',
    ]
    for (const name of ['basic', 'header', 'query', 'form'])
      await Promise.all(
        faults.map(url => ask('POST', '/api/v1/invoke', { connection: name, url, type: 'POST', parameters: { a: '1' }, timeout_ms: 1000 })),
      )
    expect(up.connections).toBeGreaterThan(4)

    // tokens in answers that are no token answers
    const quoted = `${secrets['access token']} ${secrets['refresh token']} ${secrets['client secret']}`
    const tokens = { access_token: secrets['access token'], refresh_token: secrets['refresh token'] }
    const odd = [
      `{"access_token":"${secrets['access token']}", oops`,
      JSON.stringify({ ...tokens, token_type: { of: quoted } }),
      JSON.stringify({ ...tokens, access_token: `${secrets['access token']}\r\nX: y`, token_type: 'bearer' }),
      '['.repeat(5000) + JSON.stringify(tokens),
      `<html>${quoted}</html>`,
    ]
    await service('tokens', {
      auth_type: 'oauth2',
      grant_type: 'client_credentials',
      client_id: 'client',
      client_secret: secrets['client secret'],
      access_token_url: `${up.url}/token`,
      api_hosts,
      scope_delimiter: 'space',
    })
    let refused = 0
    for (const [i, body] of odd.entries()) {
      up.on('/token', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
      const answer = await ask('POST', '/api/v1/connections', { service: 'tokens', name: `tokens ${i}`, link_name: `tokens_${i}` })
      if (answer.status >= 400) refused++
    }
    expect(refused, 'most of them are refused').toBeGreaterThan(2)

    // what stands for a secret in a form is no secret, and nothing is shown of the one that is stored
    const masked = await ask('PATCH', '/api/v1/services/tokens', { client_secret: '••••••••' })
    expect([masked.status, masked.json.errors[0].path]).toEqual([422, 'client_secret'])
    up.on('/token', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    await ask('POST', '/api/v1/connections', { service: 'tokens', name: 'tokens', link_name: 'tokens' })
    const sent = up.last('/token')
    expect(sent.body.toString() + sent.rawHeaders.join()).toContain(secrets['client secret'])
    for (const path of ['/api/v1/services', '/api/v1/services/tokens', '/api/v1/connections', '/metrics', '/healthz', '/debug', '/nowhere'])
      await ask('GET', path, undefined, { accept: 'text/html' })

    const { pid } = running.process
    expect(findSecrets([['command line', readFileSync(`/proc/${pid}/cmdline`, 'latin1')]], { ...secrets, adminPassword })).toEqual([])
    running.process.kill('SIGUSR2')
    expect(await running.exited).toBe(1)
    const { stdout, stderr } = running.said
    expect(stdout).toContain('a fault that nothing caught')
    expect(stderr).toMatch(/^(NET|HTTP|TLS) \d+/m)
    expect(findSecrets([...answers, ['stdout', stdout], ['stderr', stderr]], secrets)).toEqual([])
    const received = up.arrived.map(one => one.rawHeaders.join('\n') + one.target + one.body.toString()).join('\n')
    for (const name of ['password', 'API key value', 'client secret'] as const)
      expect(findSecrets([['upstream', received]], { [name]: secrets[name] }).length, name).toBeGreaterThan(0)
  }, 120_000)

  it.each(['undici', 'http,UNDICI', 'und*', '*', 'stream'])(
    'does not start with NODE_DEBUG=%s, which prints calls as they are',
    async section => {
      const refused = launch({ ...settings, NODE_DEBUG: section })
      expect(await refused.exited).toBe(1)
      expect(refused.said.stderr).toContain('NODE_DEBUG: "')
    },
    60_000,
  )

  it('the help of the command line tool shows no key that it was given', async () => {
    const key = `pb_${'CANARY-key-0123456789'.repeat(3)}`
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...programArguments('patchbay'), '--help'], {
      env: { PATH: process.env['PATH'] ?? '', PATCHBAY_API_KEY: key, PATCHBAY_URL: 'http://127.0.0.1:9' },
    })
    expect(stdout).toContain('patchbay')
    expect(findSecrets([['help', stdout + stderr]], { key })).toEqual([])
  }, 60_000)
})
