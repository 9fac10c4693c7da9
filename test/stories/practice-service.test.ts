import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePracticeService } from '../../src/broker/practice-service.ts'
import type { Principal } from '../../src/core/principal.ts'
import { freshDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import {
  administrator,
  echo,
  joins,
  must,
  practice,
  practiceHost,
  practiceUrl,
  refusal,
  seen,
  type Member,
} from '../support/practice-services.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

const path = '/api/v1/practice-service'

describe.each(['pglite', 'postgres'] as const)('the practice service of a first run [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  /** Create and Connect; a person accepts on the consent page. */
  async function connects(member: Member, linkName: string, decision = 'accept') {
    const body = {
      service: 'practice',
      name: 'Practice',
      link_name: linkName,
      scopes: ['read'],
      return_to: `/authorized?connection=${linkName}`,
    }
    const created = must(await member.ask('POST', '/api/v1/connections', body), 201).json
    expect(created.authorization.kind).toBe('redirect')
    const consent = await member.browser.visit(created.authorization.url)
    expect(consent.url, 'somebody is asked').toContain(`${practiceUrl(patchbay)}/oauth2/authorize`)
    expect(consent.text).toContain('Patchbay asks for access')
    return member.browser.visit(`${created.authorization.url}&auto=${decision}`)
  }

  it('is made once, asks on its consent page, and answers a call through the new connection', async () => {
    expect(must(await ada.ask('GET', path), 200).json).toEqual({ url: practiceUrl(patchbay), service: null })
    const made = { url: practiceUrl(patchbay), service: 'practice' }
    expect(must(await ada.ask('POST', path), 200).json).toEqual(made)
    const first = must(await ada.ask('GET', '/api/v1/services/practice'), 200).json
    expect(first).toMatchObject({
      name: 'Practice service',
      kind: 'custom',
      auth_type: 'oauth2',
      has_client_secret: true,
      api_hosts: [practiceHost(patchbay)],
    })

    const landed = await connects(ada, 'practice')
    expect(new URL(landed.url).pathname + new URL(landed.url).search).toBe('/authorized?connection=practice')
    expect(await seen(ada.ask, 'practice')).toMatchObject({ status: 'connected' })
    expect(await echo(patchbay, ada.ask, 'practice', '/api/echo?hello=world')).toMatchObject({
      query: { hello: 'world' },
      scopes: ['read'],
    })
    expect(must(await ada.ask('POST', '/api/v1/connections/practice/test'), 200).json).toMatchObject({ ok: true, status_code: 200 })

    expect(must(await ada.ask('POST', path), 200).json, 'once more').toEqual(made)
    expect(must(await ada.ask('GET', path), 200).json).toEqual(made)
    const again = must(await ada.ask('GET', '/api/v1/services/practice'), 200).json
    expect([again.revision, again.client_id]).toEqual([first.revision, first.client_id])
    expect(await seen(ada.ask, 'practice')).toMatchObject({ status: 'connected' })
  })

  it('consent that is refused leaves a connection that can be connected', async () => {
    const landed = await connects(ada, 'refused', 'reject')
    expect(landed.status).toBe(400)
    const attempts = must(await ada.ask('GET', '/api/v1/connections/refused/attempts'), 200).json.data
    expect(attempts[0]).toMatchObject({ outcome: 'declined' })
    expect(await seen(ada.ask, 'refused')).toMatchObject({ status: 'authorization_required' })
  })

  it('a practice service that has forgotten its clients is told of them by whoever connects next; nobody’s authorisation ends', async () => {
    const before = must(await ada.ask('GET', '/api/v1/services/practice'), 200).json
    const ben = await joins(patchbay, 'Ben')
    await connects(ben, 'bens')
    must(await practice(patchbay, 'POST', '/practice/reset'), 200)
    must(await ben.ask('POST', path), 200)
    const after = must(await ada.ask('GET', '/api/v1/services/practice'), 200).json
    expect([after.client_id, after.revision, after.keeper]).toEqual([before.client_id, before.revision, before.keeper])
    expect(await echo(patchbay, ben.ask, 'bens', '/api/echo')).toMatchObject({ scopes: ['read'] })
    await connects(ada, 'anew')
    for (const linkName of ['practice', 'anew']) {
      expect(await echo(patchbay, ada.ask, linkName, '/api/echo'), linkName).toMatchObject({ scopes: ['read'] })
      expect(await seen(ada.ask, linkName), linkName).toMatchObject({ status: 'connected' })
    }
  })

  it('two who ask first at once get one service, and both connect', async () => {
    const organization = must(await ada.ask('POST', '/api/v1/organizations', { name: 'Twice', slug: 'twice' }), 201).json
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: organization.slug }), 200)
    const answers = await Promise.all(Array.from({ length: 4 }, () => ada.ask('POST', path)))
    expect(answers.map(one => [one.status, one.json.service])).toEqual(Array.from({ length: 4 }, () => [200, 'practice']))
    await connects(ada, 'first')
    expect(await seen(ada.ask, 'first')).toMatchObject({ status: 'connected' })
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
  })

  it('another service of this name is left alone', async () => {
    const organization = must(await ada.ask('POST', '/api/v1/organizations', { name: 'Second', slug: 'second' }), 201).json
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: organization.slug }), 200)
    const own = { link_name: 'practice', name: 'Piano', auth_type: 'basic', api_hosts: ['piano.example'] }
    must(await ada.ask('POST', '/api/v1/services', own), 201)
    expect(refusal(await ada.ask('POST', path))).toBe('link_name_taken: link_name')
    expect(must(await ada.ask('GET', path), 200).json.service).toBe(null)
    expect(must(await ada.ask('GET', '/api/v1/services/practice'), 200).json.name).toBe('Piano')
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
  })

  it('only who may create services makes it; everybody is told whether they may', async () => {
    const ben = await joins(patchbay, 'Cleo')
    expect(must(await ben.ask('GET', '/api/v1/me'), 200).json.may_create).toBe(true)
    must(await ada.ask('PATCH', '/api/v1/settings', { who_may_create: 'developers' }), 200)
    expect(must(await ben.ask('GET', '/api/v1/me'), 200).json.may_create).toBe(false)
    expect(must(await ada.ask('GET', '/api/v1/me'), 200).json.may_create).toBe(true)
    expect(refusal(await ben.ask('POST', path))).toBe('forbidden')
    expect(must(await ben.ask('GET', path), 200).json.service).toBe('practice')
    expect(refusal(await patchbay.nobody('GET', path))).toBe('unauthenticated')
    expect(refusal(await patchbay.nobody('POST', path))).toBe('unauthenticated')
  })
})

describe.each(['pglite', 'postgres'] as const)('the practice service after Patchbay was started again [%s]', database => {
  let settings: Record<string, string>
  let patchbay: TestPatchbay
  const starts = async () => {
    patchbay = await startPatchbay({ database, settings })
    return administrator(patchbay)
  }
  beforeAll(async () => {
    settings = {
      PATCHBAY_DATA_DIR: await freshDataDir(),
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      ...(database === 'postgres' && { PATCHBAY_DATABASE_URL: await createPostgresDatabase() }),
    }
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it(
    'a member’s connection works where the practice service is now, and so does a new one',
    async () => {
      await starts()
      const before = practiceUrl(patchbay)
      const ben = await joins(patchbay, 'Ben')
      must(await patchbay.admin('POST', path), 200)
      const body = { service: 'practice', name: 'Practice', scopes: ['read'] }
      const created = must(await ben.ask('POST', '/api/v1/connections', { ...body, link_name: 'bens' }), 201).json
      await ben.browser.visit(`${created.authorization.url}&auto=accept`)
      await echo(patchbay, ben.ask, 'bens', '/api/echo')
      await patchbay.stop()

      await starts()
      const after = practiceUrl(patchbay)
      expect(after, 'it listens at another port').not.toBe(before)
      const again = patchbay.browser()
      await again.signIn('ben@example.test', 'correct horse battery')
      expect(must(await again.ask('GET', path), 200).json).toEqual({ url: after, service: 'practice' })
      expect(await seen(again.ask, 'bens')).toMatchObject({
        status: 'connected',
        api_hosts: [practiceHost(patchbay)],
        hosts_to_confirm: [],
      })
      expect(await echo(patchbay, again.ask, 'bens', '/api/echo')).toMatchObject({ scopes: ['read'] })
      expect(must(await again.ask('POST', '/api/v1/connections/bens/test'), 200).json).toMatchObject({ ok: true })
      const fresh = must(await again.ask('POST', '/api/v1/connections', { ...body, link_name: 'new_one' }), 201).json
      await again.visit(`${fresh.authorization.url}&auto=accept`)
      expect(await echo(patchbay, again.ask, 'new_one', '/api/echo')).toMatchObject({ scopes: ['read'] })
    },
    setUpTimeoutMs,
  )
})

describe('a practice service that answers something else', () => {
  let patchbay: TestPatchbay
  let strange: ScriptedUpstream
  beforeAll(async () => {
    strange = await startScriptedUpstream()
    const settings = {
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${strange.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: strange.host,
    }
    patchbay = await startPatchbay({ database: 'pglite', settings })
  }, setUpTimeoutMs)
  afterAll(() => Promise.all([patchbay.stop(), strange.close()]))

  it('is refused in a sentence, or taken at its word; never a failure of ours', async () => {
    const { user, organization } = must(await patchbay.admin('GET', '/api/v1/me'), 200).json
    const principal: Principal = {
      organizationId: organization.id,
      organizationSlug: organization.slug,
      userId: user.id,
      userName: user.name,
      role: 'administrator',
      subjectId: user.id,
      key: null,
      sessionId: null,
    }
    const ensure = () => ensurePracticeService(patchbay.broker, { principal, requestId: 'r', ip: null }, strange.url)
    const answers = (status: number) =>
      strange.on('/oauth2/clients', (_, response) => void response.writeHead(status, { 'content-type': 'text/html' }).end('<p>Hello'))
    answers(403)
    await expect(ensure()).rejects.toMatchObject({ code: 'upstream_unreachable', message: expect.stringContaining('no client (403)') })
    expect(refusal(await patchbay.admin('GET', '/api/v1/services/practice'))).toBe('service_not_found')
    answers(201)
    expect((await ensure()).definition.link_name).toBe('practice')
  })
})

describe('the practice service [off]', () => {
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', settings: { PATCHBAY_PRACTICE: 'off' } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('says that it does not run here', async () => {
    for (const method of ['GET', 'POST']) {
      const answer = await patchbay.admin(method, path)
      expect(refusal(answer)).toBe('not_found')
      expect(answer.json.detail).toContain('PATCHBAY_PRACTICE=on')
    }
  })
})

describe('the first administrator', () => {
  let patchbay: TestPatchbay
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite', bare: true })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('goes from the set-up form to the first run', async () => {
    const token = new URL(patchbay.setUpUrl ?? '').searchParams.get('token') ?? ''
    const form = { token, organization_name: 'Acme', name: 'Ada', email: 'ada@example.test', password: 'correct horse battery' }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await patchbay.browser().ask('POST', '/setup', new URLSearchParams(form).toString(), headers)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/welcome'])
  })
})
