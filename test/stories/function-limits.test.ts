import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { runScheduled, sendDueSchedules } from '../../src/broker/function-due.ts'
import { tellInterrupted } from '../../src/broker/upkeep.ts'
import { pastMoments } from '../../src/core/cron-past.ts'
import { parseCron } from '../../src/core/cron.ts'
import { keepRunsAlive } from '../../src/storage/function-runs.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { administrator, joins, must, refusal, type Member } from '../support/practice-services.ts'

/** What one organisation may use up (X14), and what becomes of schedules and runs when Patchbay ends or is away. */
describe.each(['pglite', 'postgres'] as const)('limits and schedules of functions [%s]', database => {
  let mail: MailServer
  let upstream: ScriptedUpstream
  let patchbay: TestPatchbay
  let ada: Member
  let dev: Member
  beforeAll(async () => {
    mail = await startMailServer()
    upstream = await startScriptedUpstream()
    patchbay = await startPatchbay({
      database,
      settings: {
        PATCHBAY_SMTP_URL: mail.url,
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${upstream.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: upstream.host,
        PATCHBAY_FUNCTION_MAILS_PER_DAY: '3',
        PATCHBAY_FUNCTION_SCHEDULES: '3',
        PATCHBAY_FUNCTION_PUBLIC_CALLS_PER_MINUTE: '3',
        PATCHBAY_FUNCTION_PUBLIC_CALLS_PER_MINUTE_ORGANIZATION: '5',
      },
    })
    ada = await administrator(patchbay)
    dev = await joins(patchbay, 'Cleo', 'developer')
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await mail.close()
    await upstream.close()
  })

  const at = (name: string, rest = '') => `/api/v1/functions/standalone/${name}${rest}`
  const save = async (by: Member, name: string, source: string) => must(await by.ask('PUT', at(name), { source }), 201)
  const inOther = async (work: () => Promise<void>) => {
    await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' })
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    try {
      await work()
    } finally {
      must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    }
  }

  const mails = 'void standalone.mails(list to) { sendmail [ from: zoho.adminuserid to: to subject: "Order" message: "Sea" ] }'
  const sendTo = async (member: Member, ...to: string[]) =>
    must(await member.ask('POST', at('mails', '/run'), { arguments: { to } }), 200).json

  it('its scripts send so many mails in a day, each recipient counts, and one that was not taken does not', async () => {
    await save(dev, 'mails', mails)
    mail.refuse = true
    expect((await sendTo(dev, 'a@example.test', 'b@example.test', 'c@example.test')).error).toMatchObject({ code: 'mail_not_sent' })
    mail.refuse = false
    expect(await sendTo(dev, 'a@example.test', 'b@example.test')).toMatchObject({ status: 'success' })
    const refused = await sendTo(ada, 'c@example.test', 'd@example.test')
    expect(refused.error).toMatchObject({
      code: 'mail_limit_reached',
      line: 1,
      message: expect.stringMatching(/3 mails in a day.*PATCHBAY_FUNCTION_MAILS_PER_DAY/) as string,
    })
    expect(await sendTo(ada, 'e@example.test')).toMatchObject({ status: 'success' })
    expect((await sendTo(ada, 'f@example.test')).error).toMatchObject({ code: 'mail_limit_reached' })
    await inOther(async () => {
      await save(ada, 'mails', mails)
      expect(await sendTo(ada, 'g@example.test')).toMatchObject({ status: 'success' })
    })
    // yesterday's do not count
    await patchbay.broker.db.updateTable('function_mail_days').set({ day: '2020-01-01' }).where('sent', '=', 3).execute()
    expect(await sendTo(ada, 'h@example.test')).toMatchObject({ status: 'success' })
  })

  it('it has so many schedules, also when several are made at once', async () => {
    await save(dev, 'first', 'void standalone.first() { info "x"; }')
    await save(dev, 'second', 'void standalone.second() { info "x"; }')
    const made = await Promise.all(
      ['first', 'second', 'first', 'second', 'first', 'second'].map(name => dev.ask('POST', at(name, '/schedules'), { cron: '0 3 1 1 *' })),
    )
    const statuses = made.map(one => one.status).sort()
    expect(statuses).toEqual([201, 201, 201, 409, 409, 409])
    const refused = made.find(one => one.status === 409) as Answer
    expect(refused.json).toMatchObject({ code: 'too_many_schedules', most: 3 })
    expect(refused.json.detail).toContain('PATCHBAY_FUNCTION_SCHEDULES')
    const [one] = must(await dev.ask('GET', '/api/v1/functions/schedules'), 200).json.data as { id: string }[]
    must(await dev.ask('DELETE', `/api/v1/functions/schedules/${String(one?.id)}`), 204)
    must(await dev.ask('POST', at('first', '/schedules'), { cron: '0 3 1 1 *' }), 201)
    await inOther(async () => {
      await save(ada, 'first', 'void standalone.first() { info "x"; }')
      must(await ada.ask('POST', at('first', '/schedules'), { cron: '0 3 1 1 *' }), 201)
    })
  })

  it('a function and an organisation take so many public calls in a minute; the rest is told when to come back', async () => {
    const { broker } = patchbay
    const { monotonic } = broker
    let now = monotonic()
    onTestFinished(() => void Object.assign(broker, { monotonic }))
    Object.assign(broker as { -readonly [K in keyof Broker]: Broker[K] }, { monotonic: () => now })
    const opened = async (name: string) => {
      await save(dev, name, `string standalone.${name}() { return "x"; }`)
      return String(must(await dev.ask('PUT', at(name, '/exposure'), { api_key: true, oauth: true }), 200).json.api_key_url)
    }
    const [busy, other] = [await opened('busy'), await opened('other')]
    const statuses = async (url: string, count: number) => {
      const answers: number[] = []
      for (let i = 0; i < count; i++) answers.push((await patchbay.nobody('GET', url)).status)
      return answers
    }
    // who may not call it uses nothing up
    expect(await statuses(busy.replace(/zapikey=.*/, 'zapikey=pbf_wrong'), 4)).toEqual([401, 401, 401, 401])
    expect(await statuses(busy, 4)).toEqual([200, 200, 200, 429])
    const refused = await patchbay.nobody('GET', busy)
    expect(refused.headers.get('retry-after')).toBe('20')
    expect(refused.json).toMatchObject({ status: 'error', code: 'too_many_requests' })
    expect(refused.json.message).toContain('This function takes 3 public calls in a minute')
    // by whichever way it is called
    const byMember = await patchbay.admin('GET', '/functions/busy/actions/execute?auth_type=oauth')
    expect(byMember.status).toBe(429)
    expect(await statuses(other, 3)).toEqual([200, 200, 429])
    expect((await patchbay.nobody('GET', other)).json.message).toContain('The organisation takes 5 public calls')
    // runs of people are not public calls
    must(await dev.ask('POST', at('busy', '/run'), {}), 200)
    now += 20_000
    expect(await statuses(busy, 2)).toEqual([200, 429])
    now += 3_600_000
    expect(await statuses(busy, 4)).toEqual([200, 200, 200, 429])
    expect(refusal(await patchbay.nobody('GET', '/functions/none/actions/execute?auth_type=apikey&zapikey=x'))).toContain('unauthenticated')
  })
  it('wrong zapikeys of one address cost no more than a few look-ups a minute, and nobody else their calls', async () => {
    const { broker } = patchbay
    const { monotonic } = broker
    let now = monotonic() + 7_200_000
    onTestFinished(() => void Object.assign(broker, { monotonic }))
    Object.assign(broker as { -readonly [K in keyof Broker]: Broker[K] }, { monotonic: () => now })
    await save(dev, 'guessed', 'string standalone.guessed() { return "x"; }')
    const url = String(must(await dev.ask('PUT', at('guessed', '/exposure'), { api_key: true }), 200).json.api_key_url)
    const wrong = (i: number) => url.replace(/zapikey=.*/, `zapikey=pbf_${String(i).padStart(43, 'x')}`)
    expect((await patchbay.nobody('GET', url)).status).toBe(200)
    const statuses = []
    for (let i = 0; i < 101; i++) statuses.push((await patchbay.nobody('GET', wrong(i))).status)
    expect(statuses).toEqual([...Array.from({ length: 100 }, () => 401), 429])
    const refused = await patchbay.nobody('GET', wrong(500))
    expect(refused.json).toMatchObject({ status: 'error', code: 'too_many_requests' })
    expect(refused.headers.get('retry-after')).toBe('60')
    // who has the key is behind the same address
    expect((await patchbay.nobody('GET', url)).status).toBe(200)
    now += 60_001
    expect((await patchbay.nobody('GET', wrong(500))).status).toBe(401)
  })

  it('a scheduled run is in the log from its start on: what is killed is told as interrupted, what goes on is not', async () => {
    const { broker } = patchbay
    const { db } = broker
    await save(dev, 'slow', `string standalone.slow(password pin) { return invokeurl [ url: "${upstream.url}/work" ]; }`)
    const [old] = must(await dev.ask('GET', '/api/v1/functions/schedules'), 200).json.data as { id: string }[]
    must(await dev.ask('DELETE', `/api/v1/functions/schedules/${String(old?.id)}`), 204)
    const made = must(await dev.ask('POST', at('slow', '/schedules'), { cron: '0 3 1 1 *', arguments: { pin: 'pin-5309' } }), 201)
    const { organization_id } = await db
      .selectFrom('function_schedules')
      .select('organization_id')
      .where('id', '=', made.json.id)
      .executeTakeFirstOrThrow()
    // what a process leaves behind that is killed while the service works; the routes would write first what waits to be written
    let answer: () => void = () => undefined
    const atTheCall = new Promise<unknown>(resolve => {
      upstream.on('/work', (_request, response) => {
        answer = () => response.end('done')
        resolve(db.selectFrom('function_runs').select(['status', 'arguments']).where('name', '=', 'slow').execute())
      })
    })
    const running = runScheduled(broker, { organization_id, schedule_id: String(made.json.id), due: new Date().toISOString() })
    const shown = async () => {
      const { data } = must(await dev.ask('GET', at('slow', '/runs')), 200).json as { data: { id: string }[] }
      expect(data.length).toBeLessThan(2)
      return data[0] as { id: string; status: string; error: { message: string } | null } | undefined
    }
    expect(await atTheCall).toEqual([{ status: 'running', arguments: '{"pin":"********"}' }])
    await tellInterrupted(broker)
    expect(await shown()).toMatchObject({ status: 'running', error: null })
    await db
      .updateTable('function_runs')
      .set({ alive_at: new Date(Date.now() - 61_000) })
      .where('name', '=', 'slow')
      .execute()
    await tellInterrupted(broker)
    const interrupted = await shown()
    expect(interrupted).toMatchObject({ status: 'interrupted', error: { message: expect.stringContaining('not run again') as string } })
    expect(must(await dev.ask('GET', at('slow')), 200).json.last_run).toMatchObject({ status: 'interrupted' })
    expect(must(await dev.ask('GET', '/api/v1/functions/runs?status=interrupted'), 200).json.data).toHaveLength(1)
    // it was not dead after all, only slow to say so: its outcome counts
    await keepRunsAlive(db, [String(interrupted?.id)])
    expect(await shown()).toMatchObject({ status: 'running', error: null })
    answer()
    await running
    expect(await shown()).toMatchObject({ id: interrupted?.id, status: 'success', error: null })
    await tellInterrupted(broker, true)
    expect(await shown()).toMatchObject({ status: 'success' })
  })

  it('after an outage many schedules are moved on at once, each with the number of its missed runs', async () => {
    const { broker } = patchbay
    const { db } = broker
    const [one] = must(await dev.ask('GET', '/api/v1/functions/schedules'), 200).json.data as { id: string }[]
    const row = await db.selectFrom('function_schedules').selectAll().where('id', '=', String(one?.id)).executeTakeFirstOrThrow()
    const now = Date.now()
    Object.assign(broker as { -readonly [K in keyof Broker]: Broker[K] }, { now: () => now })
    const year = new Date(now - 366 * 86_400_000)
    const ids = Array.from({ length: 120 }, () => broker.id())
    await db
      .insertInto('function_schedules')
      .values(ids.map(id => ({ ...row, id, cron: '*/10 * * * *', time_zone: 'Europe/Berlin', arguments: '{}', next_run: year })))
      .execute()
    await sendDueSchedules(broker)
    const after = await db.selectFrom('function_schedules').select(['next_run', 'last_run', 'missed']).where('id', 'in', ids).execute()
    const { count } = pastMoments(parseCron('*/10 * * * *'), 'Europe/Berlin', year, new Date(now))
    expect(count).toBeGreaterThan(52_000)
    expect(
      new Set(
        after.map(({ next_run, last_run, missed }) =>
          JSON.stringify([Math.ceil(((next_run?.getTime() ?? 0) - now) / 600_000), last_run !== null, missed]),
        ),
      ),
    ).toEqual(new Set([JSON.stringify([1, true, count])]))
    await db.deleteFrom('function_schedules').where('id', 'in', ids).execute()
    const missed = await db.selectFrom('function_runs').select('error').where('status', '=', 'missed').execute()
    expect(missed[0]?.error).toMatch(new RegExp(`^${count} runs were missed`))
  })
})
