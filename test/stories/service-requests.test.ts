import { gunzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Patchbay } from '../../sdk/index.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, joins, keyDefinition, must, oauth2Service, refusal, type Member } from '../support/practice-services.ts'

describe.each(['pglite', 'postgres'] as const)('S-2 asking for a default service [%s]', database => {
  let patchbay: TestPatchbay
  let mail: MailServer
  let ada: Member
  let bob: Member
  let carol: Member
  beforeAll(async () => {
    mail = await startMailServer()
    patchbay = await startPatchbay({ database, settings: { PATCHBAY_SMTP_URL: mail.url } })
    ada = await administrator(patchbay)
    bob = await joins(patchbay, 'Bob')
    carol = await joins(patchbay, 'Carol')
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await mail.close()
  })
  beforeEach(() => {
    mail.mails.length = 0
    mail.refuse = false
  })

  const waiting = async () => must(await ada.ask('GET', '/api/v1/services/requests'), 200).json.data
  const askedByMe = async (member: Member, linkName: string) =>
    must(await member.ask('GET', `/api/v1/services/${linkName}`), 200).json.requested_by_me
  const client = { client_id: 'an id', client_secret: 'a-secret' }

  it('the refusal says that one can ask; the request names the administrators, mails them, and is seen by them and by its asker', async () => {
    const refused = await bob.ask('POST', '/api/v1/connections', { service: 'dropbox', name: 'Files', link_name: 'files' })
    expect(refusal(refused)).toBe('service_not_configured')
    expect(refused.json.detail).toContain('POST /api/v1/services/dropbox/request')
    expect(await askedByMe(bob, 'dropbox')).toBe(false)

    const note = 'For the\r\nquarterly  figures <b>'
    const asked = must(await bob.ask('POST', '/api/v1/services/dropbox/request', { note }), 201).json
    expect(asked).toEqual({ requested_at: expect.any(String), administrators: [{ id: ada.id, name: 'ada' }], mailed: true })
    expect(mail.mails.map(one => one.to)).toEqual([ada.email])
    const text = mail.mails[0]?.text ?? ''
    expect(text).toMatch(/^Subject: Dropbox is asked for in Patchbay\r$/m)
    expect(text).toMatch(/^Content-Type: text\/plain/m)
    for (const words of ['Bob (bob@example.test)', 'They write: For the quarterly figures <b>', `${patchbay.base}/services/dropbox`])
      expect(text).toContain(words)

    expect(await waiting()).toEqual([
      {
        service: { link_name: 'dropbox', name: 'Dropbox' },
        requested_by: { id: bob.id, name: 'Bob', email: 'bob@example.test' },
        note: 'For the quarterly figures <b>',
        requested_at: asked.requested_at,
      },
    ])
    expect([await askedByMe(bob, 'dropbox'), await askedByMe(carol, 'dropbox'), await askedByMe(bob, 'box')]).toEqual([true, false, false])
    const listed = must(await bob.ask('GET', '/api/v1/services?q=dropbox'), 200).json.data
    expect(listed.map((one: { requested_by_me: boolean }) => one.requested_by_me)).toEqual([true])
  })

  it('asked again it is the same request, newer and with the new words, and nobody is mailed a second time in a day', async () => {
    const first = must(await bob.ask('POST', '/api/v1/services/box/request'), 201).json
    const second = must(await bob.ask('POST', '/api/v1/services/box/request', { note: 'please' }), 201).json
    expect(second.mailed).toBe(true)
    expect(mail.mails).toHaveLength(1)
    const rows = (await waiting()).filter((one: { service: { link_name: string } }) => one.service.link_name === 'box')
    expect(rows).toMatchObject([{ note: 'please', requested_at: second.requested_at }])
    expect(Date.parse(second.requested_at)).toBeGreaterThanOrEqual(Date.parse(first.requested_at))
    await sql`update service_requests set mailed_at = now() - interval '25 hours'`.execute(patchbay.broker.db)
    must(await bob.ask('POST', '/api/v1/services/box/request'), 201)
    expect(mail.mails).toHaveLength(2)
    const audit = must(await ada.ask('GET', '/api/v1/audit?action=service.requested&object=service:box'), 200).json.data
    expect(audit.map((one: { details: unknown }) => one.details)).toEqual([{ again: true }, { again: true }, { again: false }])
    expect(audit[0].actor).toEqual({ id: bob.id, name: 'Bob' })
  })

  it('a mail server that refuses is no failure, is said, and the next request tries it again', async () => {
    mail.refuse = true
    expect(must(await bob.ask('POST', '/api/v1/services/asana/request'), 201).json.mailed).toBe(false)
    mail.refuse = false
    expect(must(await bob.ask('POST', '/api/v1/services/asana/request'), 201).json.mailed).toBe(true)
    expect(mail.mails).toHaveLength(1)
  })

  it('the registration answers every request: the askers are told, nothing waits, and asking is refused', async () => {
    for (const member of [ada, bob, carol]) must(await member.ask('POST', '/api/v1/services/github/request'), 201)
    mail.mails.length = 0
    must(await ada.ask('PUT', '/api/v1/services/github/client', client), 200)
    expect(mail.mails.map(one => one.to).sort(), 'not the one who did it').toEqual(['bob@example.test', 'carol@example.test'])
    for (const { text } of mail.mails) expect(text).toContain('ada has set up GitHub')
    expect((await waiting()).some((one: { service: { link_name: string } }) => one.service.link_name === 'github')).toBe(false)
    expect(await askedByMe(bob, 'github')).toBe(false)
    const late = must(await bob.ask('POST', '/api/v1/services/github/request'), 409)
    expect(late.json).toMatchObject({ code: 'service_configured', service: 'github' })
    mail.mails.length = 0
    must(await ada.ask('PUT', '/api/v1/services/github/client', client), 200)
    expect(mail.mails, 'once').toEqual([])
  })

  it('only a default OAuth service is asked for', async () => {
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'own_keys')), 201)
    await oauth2Service(patchbay, 'own_oauth')
    for (const linkName of ['own_keys', 'own_oauth', 'openai'])
      expect(refusal(await bob.ask('POST', `/api/v1/services/${linkName}/request`))).toBe('validation_failed: link_name')
    expect(refusal(await bob.ask('POST', '/api/v1/services/no_such_service/request'))).toBe('service_not_found')
    expect(refusal(await patchbay.nobody('POST', '/api/v1/services/slack/request'))).toBe('unauthenticated')
  })

  it.each([
    ['more than 500 characters', 'x'.repeat(501)],
    ['a NUL', 'a\0b'],
    ['an escape', 'a\x1b[2J'],
    ['a direction override', 'a\u202eb'],
    ['half a pair', 'a\ud800b'],
    ['a number', 7],
  ])('a note with %s is refused, and nothing is mailed', async (_, note) => {
    expect(refusal(await bob.ask('POST', '/api/v1/services/slack/request', { note }))).toBe('validation_failed: note')
    expect(mail.mails).toEqual([])
    expect(await askedByMe(bob, 'slack')).toBe(false)
  })

  it('500 emoji are 500 characters; nothing but blanks is no note', async () => {
    must(await bob.ask('POST', '/api/v1/services/slack/request', { note: '🦊'.repeat(500) }), 201)
    expect((await waiting())[0].note).toBe('🦊'.repeat(500))
    must(await bob.ask('POST', '/api/v1/services/slack/request', { note: ' \n ' }), 201)
    expect((await waiting())[0].note).toBeNull()
  })

  it('the list is for administrators, by pages; no service can take its path', async () => {
    expect(refusal(await bob.ask('GET', '/api/v1/services/requests'))).toBe('forbidden')
    const all = await waiting()
    expect(all.length).toBeGreaterThan(3)
    const paged: unknown[] = []
    for await (const one of new Patchbay({ url: patchbay.base, apiKey: adminKey }).services.requests({ limit: 1 })) paged.push(one)
    expect(paged).toEqual(all)
    expect(refusal(await ada.ask('GET', '/api/v1/services/requests?cursor=abc'))).toBe('validation_failed: cursor')
    expect(refusal(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'requests')))).toBe('validation_failed: link_name')
  })

  it('of another organisation nobody sees a request, and it is answered by its own administrators only', async () => {
    must(await patchbay.admin('POST', '/api/v1/organizations', { name: 'Side', slug: 'side' }), 201)
    const other = patchbay.browser()
    await other.signIn(ada.email, 'correct horse battery')
    must(await other.ask('PUT', '/api/v1/me/organization', { slug: 'side' }), 200)
    expect(must(await other.ask('GET', '/api/v1/services/requests'), 200).json.data).toEqual([])
    must(await other.ask('PUT', '/api/v1/services/slack/client', client), 200)
    expect(mail.mails).toEqual([])
    expect(await askedByMe(bob, 'slack')).toBe(true)
  })

  it('a request is in the back-up, and goes with its asker', async () => {
    must(await carol.ask('POST', '/api/v1/services/zoom/request', { note: 'carol asks' }), 201)
    const backup = await fetch(`${patchbay.base}/api/v1/operations/backup`, { headers: { authorization: `Bearer ${adminKey}` } })
    expect(gunzipSync(Buffer.from(await backup.arrayBuffer())).toString()).toContain('"carol asks"')
    must(await ada.ask('DELETE', `/api/v1/members/${carol.id}`), 204)
    expect((await waiting()).map((one: { requested_by: { name: string } }) => one.requested_by.name)).not.toContain('Carol')
  })

  it('the SDK asks', async () => {
    const asked = await new Patchbay({ url: patchbay.base, apiKey: adminKey }).services.request('trello', { note: 'boards' })
    expect(asked.administrators).toEqual([{ id: ada.id, name: 'ada' }])
    expect(asked.mailed, 'nobody mails themselves').toBe(false)
    expect(mail.mails).toEqual([])
  })

  it('who made and who keeps a custom service are named', async () => {
    const made = must(await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'bobs_keys')), 201).json
    expect([made.created_by, made.keeper]).toEqual([
      { id: bob.id, name: 'Bob' },
      { id: bob.id, name: 'Bob' },
    ])
    const kept = must(await ada.ask('POST', '/api/v1/services/bobs_keys/take-over'), 200).json
    expect([kept.created_by, kept.keeper]).toEqual([
      { id: bob.id, name: 'Bob' },
      { id: ada.id, name: 'ada' },
    ])
  })
})
