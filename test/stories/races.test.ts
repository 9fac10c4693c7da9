import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { call, connect, echo, joins, keyDefinition, must, oauth2Service, refusal, seen, type Member } from '../support/practice-services.ts'

describe.each(['pglite', 'postgres'] as const)('two people at once [%s]', database => {
  let patchbay: TestPatchbay
  let alice: Member
  let bob: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database, resolve: () => Promise.resolve([]) })
    alice = await joins(patchbay, 'Alice')
    bob = await joins(patchbay, 'Bob')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const credentials = { 'X-Api-Key': 'practice-key' }

  it('a service is deleted while somebody connects it: one of them is told, and neither is an accident', async () => {
    for (let round = 0; round < 8; round++) {
      const linkName = `deleted_${round}`
      must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, linkName)), 201)
      const [created, deleted] = await Promise.all([
        bob.ask('POST', '/api/v1/connections', { service: linkName, name: 'x', link_name: linkName, credentials }),
        alice.ask('DELETE', `/api/v1/services/${linkName}`),
      ])
      const outcome = `${created.status} ${deleted.status}`
      expect(['201 409', '404 204'], created.text + deleted.text).toContain(outcome)
      if (created.status === 201) await echo(patchbay, bob.ask, linkName, '/key/echo')
      else expect(refusal(created)).toBe('service_not_found')
    }
  })

  it('ten who are the first to use a default service all get their connection', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        alice.ask('POST', '/api/v1/connections', { service: 'postmark', name: 'Mail', link_name: `first_${i}` }),
      ),
    )
    expect(answers.map(one => one.status)).toEqual(Array.from({ length: 10 }, () => 201))
    expect(must(await alice.ask('GET', '/api/v1/services?q=postmark'), 200).json.data).toHaveLength(1)
  })

  it('values typed in five windows at once leave one credential that works', async () => {
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'windows')), 201)
    must(await alice.ask('POST', '/api/v1/connections', { service: 'windows', name: 'x', link_name: 'windows' }), 201)
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => alice.ask('POST', '/api/v1/connections/windows/authorize', { credentials })),
    )
    expect(answers.map(one => one.status)).toEqual([200, 200, 200, 200, 200])
    await echo(patchbay, alice.ask, 'windows', '/key/echo')
    expect(must(await alice.ask('GET', '/api/v1/connections/windows/authorizations'), 200).json.data).toHaveLength(1)
  })

  it('a connection is deleted while values for it are stored: the last to come is told', async () => {
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'going')), 201)
    for (let round = 0; round < 8; round++) {
      const linkName = `going_${round}`
      must(await alice.ask('POST', '/api/v1/connections', { service: 'going', name: 'x', link_name: linkName }), 201)
      const [stored, deleted] = await Promise.all([
        alice.ask('POST', `/api/v1/connections/${linkName}/authorize`, { credentials }),
        alice.ask('DELETE', `/api/v1/connections/${linkName}`),
      ])
      expect(deleted.status, deleted.text).toBe(204)
      expect([200, 404], stored.text).toContain(stored.status)
      expect(refusal(await alice.ask('GET', `/api/v1/connections/${linkName}`))).toBe('connection_not_found')
    }
  })

  it('a service is edited while values are stored: what says connected also works', async () => {
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'moving')), 201)
    for (let round = 0; round < 8; round++) {
      const linkName = `moving_${round}`
      const parameters = [{ name: 'X-Api-Key', display_name: `Key ${round}` }]
      const [created, edited] = await Promise.all([
        bob.ask('POST', '/api/v1/connections', { service: 'moving', name: 'x', link_name: linkName, credentials }),
        alice.ask('PATCH', '/api/v1/services/moving', { parameters }),
      ])
      must(edited, 200)
      if (created.status !== 201) {
        expect(refusal(created)).toBe('connection_revoked')
        continue
      }
      const { status } = await seen(bob.ask, linkName)
      expect((await call(patchbay, bob.ask, linkName, '/key/echo')).status).toBe(status === 'connected' ? 200 : 409)
    }
  })

  it('revoking while values are stored ends in one of the two, and says which', async () => {
    for (let round = 0; round < 5; round++) {
      const [authorised, revoked] = await Promise.all([
        alice.ask('POST', '/api/v1/connections/windows/authorize', { credentials }),
        alice.ask('POST', '/api/v1/connections/windows/revoke'),
      ])
      expect([authorised.status, revoked.status]).toEqual([200, 200])
      const { status } = await seen(alice.ask, 'windows')
      const called = await call(patchbay, alice.ask, 'windows', '/key/echo')
      expect(called.status, called.text).toBe(status === 'connected' ? 200 : 409)
    }
  })

  it('two edits of one service: the second is told to read again, nothing is half of each', async () => {
    await oauth2Service(patchbay, 'edited', { by: alice.ask })
    await connect(bob, { service: 'edited', link_name: 'edited' })
    const answers = await Promise.all(
      ['One', 'Two', 'Three', 'Four'].map(name => alice.ask('PATCH', '/api/v1/services/edited', { name, description: name })),
    )
    const done = answers.filter(one => one.status === 200)
    expect(done.length).toBeGreaterThanOrEqual(1)
    for (const one of answers) if (one.status !== 200) expect(refusal(one)).toBe('precondition_failed')
    const { name, description } = must(await alice.ask('GET', '/api/v1/services/edited'), 200).json
    expect(name).toBe(description)
    await echo(patchbay, bob.ask, 'edited', '/api/echo')
  })

  it('an edit that revokes while calls are under way: every call is answered by the service or refused, and afterwards all are', async () => {
    await oauth2Service(patchbay, 'busy', { by: alice.ask })
    await connect(bob, { service: 'busy', link_name: 'busy' })
    const calls = Array.from({ length: 30 }, () => call(patchbay, bob.ask, 'busy', '/api/slow?ms=20'))
    const edit = alice.ask('PATCH', '/api/v1/services/busy', { param_type: 'query' })
    for (const one of await Promise.all(calls)) expect(one.status === 200 || one.json.code === 'connection_revoked', one.text).toBe(true)
    must(await edit, 200)
    expect(refusal(await call(patchbay, bob.ask, 'busy', '/api/echo'))).toBe('connection_revoked')
  })
})
