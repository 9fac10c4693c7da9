import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, describe, test } from 'vitest'
import { asked, FILE, sideEffects } from '../../../../test/support/integration-cases.ts'
import { scriptedHost } from '../../../../test/support/scripted-host.ts'
import { Failure } from '../../failure.ts'
import { compile, run } from '../../run.ts'
import { products } from './index.ts'

describe('integration tasks (§3.10)', () => {
  test('are each named once, and every product has a case', () => {
    const names = products.flatMap(({ namespace, tasks }) => Object.keys(tasks).map(name => `${namespace}.${name}`))
    assert.equal(new Set(names.map(name => name.toLowerCase())).size, names.length)
    const tests = readdirSync(import.meta.dirname).filter(file => file.endsWith('.test.ts'))
    const told = tests.map(file => readFileSync(join(import.meta.dirname, file), 'utf8')).join('')
    for (const { namespace } of products) assert.include(told, `task: '${namespace}.`)
  })

  test('use the default connection of the namespace, and name the setting when there is none', () => {
    assert.equal(asked('zoho.crm.getRecords', ['Leads'], {}, [['zoho.crm', 'standard']]).request?.connection, 'standard')
    assert.throws(() => asked('zoho.crm.getRecords', ['Leads']), Failure, 'choose one for zoho.crm in Settings, under Default connections.')
  })

  test('take a file from a download, and give the error of a service as a map', () => {
    const pdf = asked('zoho.sign.downloadDocument', [7, 'c'], { headers: { 'content-type': 'application/pdf' }, body: 'x' }).result
    assert.isTrue(pdf !== null && typeof pdf === 'object' && pdf.kind === 'file')
    assert.equal(asked('zoho.sign.downloadDocument', [7, 'c'], { status: 404, body: { code: 9 } }).shown, '{"code":9}')
  })

  test('say what is missing, and let no argument change the path', () => {
    assert.throws(() => asked('zoho.crm.getRecordById', ['Leads']), Failure, 'Number of Arguments mismatches')
    assert.throws(() => asked('zoho.crm.getRecordById', ['Leads', null, {}, 'c']), Failure, 'needs a value for `id`')
    assert.throws(() => asked('zoho.crm.getRecordById', ['Leads', '..', {}, 'c']), Failure, 'needs a value for `id`')
    assert.equal(
      asked('zoho.crm.getRecordById', ['Leads', '1/../2?x#y', {}, 'c']).request?.url,
      'https://zoho.crm.example/crm/v2/Leads/1%2F..%2F2%3Fx%23y',
    )
    assert.throws(() => asked('zoho.cliq.postToUser', ['a', FILE, 'c']), Failure, 'cannot send a file here. Send it with `invokeurl`')
  })

  test('write dates of a record as its API reads them', () => {
    const sentBy = (call: string): unknown => {
      const scripted = scriptedHost([])
      const { host, surroundings, chance, meter } = scripted.context
      const source = `m = {"a":zoho.currentdate,"b":{zoho.currentdate.addDay(1)},"c":zoho.currenttime}; ${call}`
      const environment = { host, surroundings, chance, limits: meter.limits, cancelled: () => false, info: () => undefined }
      assert.isNull(run(compile(source, surroundings), { arguments: new Map() }, environment).error)
      return JSON.parse(Buffer.from(scripted.requests[0]?.body ?? []).toString())
    }
    const iso = { a: '2026-01-15', b: ['2026-01-16'], c: '2026-01-15T10:30:00-08:00' }
    assert.deepEqual(sentBy('zoho.crm.createRecord("Tasks",m,Map(),"c");'), { data: [iso], trigger: sideEffects })
    assert.deepEqual(sentBy('zoho.books.createRecord("invoices","60",m,"c");'), iso)
    const written = { a: '15-Jan-2026', b: ['16-Jan-2026 00:00:00'], c: '15-Jan-2026 10:30:00' }
    assert.deepEqual(sentBy('zoho.creator.createRecord("ada","app","F",m,Map(),"c");'), { data: written })
  })

  test('run in a script, on the host of their own where they have one', () => {
    const scripted = scriptedHost([{ status: 204 }, { body: { status: { code: 200 } } }])
    const host = { ...scripted.context.host, apiOrigin: () => 'https://www.zohoapis.eu' }
    const source =
      'r = zoho.CRM.searchrecords("Leads","(Email:equals:a@b)",1,200,Map(),"crm"); zoho.mail.getAccounts("post"); return r.size();'
    const { surroundings, chance } = scripted.context
    const result = run(
      compile(source, surroundings),
      { arguments: new Map() },
      {
        host,
        surroundings,
        chance,
        limits: scripted.context.meter.limits,
        cancelled: () => false,
        info: () => undefined,
      },
    )
    assert.isNull(result.error)
    assert.equal(result.output, 0)
    assert.deepEqual(
      scripted.requests.map(({ url }) => url),
      [
        'https://www.zohoapis.eu/crm/v2/Leads/search?criteria=%28Email%3Aequals%3Aa%40b%29&page=1&per_page=200',
        'https://mail.zoho.eu/api/accounts',
      ],
    )
  })
})
