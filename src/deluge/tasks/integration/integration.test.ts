import { assert, describe, test } from 'vitest'
import { scriptedHost, type ScriptedAnswer } from '../../../../test/support/scripted-host.ts'
import { compile, run } from '../../run.ts'
import { Failure } from '../../failure.ts'
import { jsonOf } from '../../text.ts'
import { fileOf, type Value } from '../../value.ts'
import { parseJson } from '../../json.ts'
import { integrationTasks, products } from './index.ts'

/** One call: what a script writes, the request it makes, the answer to it, and what the script gets. */
interface Case {
  readonly task: string
  readonly given: readonly unknown[]
  readonly sends: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answer?: ScriptedAnswer
  readonly gives?: unknown
}

const file = fileOf('a.txt', Buffer.from('hello'), 'text/plain')
const FILE = Symbol('a file')

function asked(task: string, given: readonly unknown[], answer: ScriptedAnswer = {}, connections: readonly [string, string][] = []) {
  const scripted = scriptedHost([answer])
  for (const [namespace, name] of connections) scripted.connections.set(namespace, name)
  const row = integrationTasks.get(task.toLowerCase())
  assert.isDefined(row, task)
  const values = given.map((value): Value => {
    if (value === FILE) return file
    return typeof value === 'object' && value !== null ? parseJson(JSON.stringify(value), scripted.context.meter) : (value as Value)
  })
  const result = row.run(scripted.context, values)
  const [request] = scripted.requests
  return { ...scripted, result, request, shown: jsonOf(scripted.context.surroundings, result) }
}

const created = { data: [{ code: 'SUCCESS', status: 'success', details: { id: '554', Created_Time: 'now' } }] }
const refused = { code: 'INVALID_DATA', status: 'error', details: { api_name: 'Email' } }
const sideEffects = ['approval', 'blueprint']

const cases: readonly Case[] = [
  {
    task: 'zoho.crm.getRecordById',
    given: ['Deals', '12', 'zoho_one'],
    sends: 'GET https://zoho.crm.example/crm/v2/Deals/12',
    answer: { body: { data: [{ id: '12', Owner: { name: 'A', id: '1' } }] } },
    gives: { id: '12', Owner: { name: 'A', id: '1' } },
  },
  {
    task: 'zoho.crm.getRecordById',
    given: ['Deals', 12, {}, 'zoho_one'],
    sends: 'GET https://zoho.crm.example/crm/v2/Deals/12',
    answer: { status: 400, body: { code: 'INVALID_DATA' } },
    gives: { code: 'INVALID_DATA' },
  },
  {
    task: 'zoho.crm.getRecords',
    given: ['Leads', 2, 50, { sort_by: 'id' }, 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads?page=2&per_page=50&sort_by=id',
    answer: { body: { data: [{ id: '1' }], info: {} } },
    gives: [{ id: '1' }],
  },
  {
    task: 'zoho.crm.v8.getRecords',
    given: ['Leads', { fields: 'Last_Name' }, 2, 'c'],
    sends: 'GET https://zoho.crm.example/crm/v8/Leads?page=2&fields=Last_Name',
    answer: { status: 204 },
    gives: [],
  },
  {
    task: 'zoho.crm.searchRecords',
    given: ['Leads', '(City:equals:Rome)', 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads/search?criteria=%28City%3Aequals%3ARome%29',
    answer: { status: 204 },
    gives: [],
  },
  {
    task: 'zoho.crm.getRelatedRecords',
    given: ['Notes', 'Leads', 7, 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads/7/Notes',
    answer: { body: { data: [] } },
    gives: [],
  },
  {
    task: 'zoho.crm.getRelatedRecords',
    given: ['Contacts', 'Accounts', 7, 1, 200, { '': '' }, 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Accounts/7/Contacts?page=1&per_page=200',
    answer: { status: 204 },
    gives: [],
  },
  {
    task: 'zoho.crm.createRecord',
    given: ['Leads', { Last_Name: 'B' }, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v2/Leads',
    body: { data: [{ Last_Name: 'B' }], trigger: sideEffects },
    answer: { status: 201, body: created },
    gives: { id: '554', Created_Time: 'now' },
  },
  {
    task: 'zoho.crm.v8.createRecord',
    given: ['Leads', { Last_Name: 'B' }, { trigger: ['workflow'], lar_id: '9' }, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v8/Leads',
    body: { data: [{ Last_Name: 'B' }], trigger: ['workflow'], lar_id: '9' },
    answer: { body: created },
  },
  {
    task: 'zoho.crm.updateRecord',
    given: ['Leads', 5, { Email: 'x' }, { trigger: ['workflow'] }, 'c'],
    sends: 'PUT https://zoho.crm.example/crm/v2/Leads/5',
    body: { data: [{ Email: 'x' }], trigger: ['workflow'] },
    answer: { body: { data: [refused] } },
    gives: refused,
  },
  {
    task: 'zoho.crm.upsert',
    given: ['Leads', { Email: 'x' }, {}, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v2/Leads/upsert',
    body: { data: [{ Email: 'x' }], trigger: sideEffects },
    answer: { body: created },
  },
  {
    task: 'zoho.crm.bulkUpdate',
    given: ['Leads', [{ id: '1' }, { id: '2' }], 'c'],
    sends: 'PUT https://zoho.crm.example/crm/v2/Leads',
    body: { data: [{ id: '1' }, { id: '2' }], trigger: sideEffects },
    answer: { body: created },
    gives: created.data,
  },
  {
    task: 'zoho.crm.updateRelatedRecord',
    given: ['Products', 3, 'Deals', 4, {}, 'c'],
    sends: 'PUT https://zoho.crm.example/crm/v2/Deals/4/Products/3',
    body: { data: [{}] },
  },
  {
    task: 'zoho.crm.convertLead',
    given: [5, { Deals: { Deal_Name: 'D' } }, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v2/Leads/5/actions/convert',
    body: { data: [{ Deals: { Deal_Name: 'D' } }] },
    answer: { body: { data: [{ Contacts: '1', Deals: '2', Accounts: null }] } },
    gives: { Contacts: '1', Deals: '2', Accounts: null },
  },
  {
    task: 'zoho.crm.attachFile',
    given: ['Leads', 5, FILE, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v2/Leads/5/Attachments',
    body: /name="file"; filename="a\.txt"\r\nContent-Type: text\/plain\r\n\r\nhello/,
    answer: { body: created },
  },
  {
    task: 'zoho.bigin.getRecords',
    given: ['Deals', 'c'],
    sends: 'GET https://zoho.bigin.example/bigin/v2/Deals',
    answer: { status: 204 },
    gives: [],
  },
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', 10, { email: 'a@b' }, 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=10&email=a%40b',
    answer: { body: { code: 0, contacts: [] } },
    gives: { code: 0, contacts: [] },
  },
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', '10', 'Bowman', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=10&search_text=Bowman',
  },
  {
    task: 'zoho.books.createRecord',
    given: ['contacts', '10', { contact_name: 'B' }, 'c'],
    sends: 'POST https://zoho.books.example/books/v3/contacts?organization_id=10',
    body: { contact_name: 'B' },
  },
  {
    task: 'zoho.books.markStatus',
    given: ['invoices', '10', '7', 'sent', 'c'],
    sends: 'POST https://zoho.books.example/books/v3/invoices/7/status/sent?organization_id=10',
  },
  {
    task: 'zoho.inventory.updateRecord',
    given: ['Items', '10', '7', { rate: 1 }, 'c'],
    sends: 'PUT https://zoho.inventory.example/inventory/v1/Items/7?organization_id=10',
    body: { rate: 1 },
  },
  {
    task: 'zoho.invoice.create',
    given: ['invoices', '10', { a: 1 }, 'c'],
    sends: 'POST https://zoho.invoice.example/invoice/v3/invoices?organization_id=10',
    body: { a: 1 },
  },
  { task: 'zoho.billing.getOrganizations', given: ['c'], sends: 'GET https://zoho.billing.example/billing/v1/organizations' },
  {
    task: 'zoho.creator.createRecord',
    given: ['ada', 'app', 'Form', { Name: 'x' }, {}, 'zoho_mail'],
    sends: 'POST https://zoho.creator.example/api/v2/ada/app/form/Form',
    body: { data: { Name: 'x' } },
    answer: { body: { code: 3000, data: { ID: '1' } } },
    gives: { code: 3000, data: { ID: '1' } },
  },
  {
    task: 'zoho.creator.getRecords',
    given: ['ada', 'app', 'All', 'ID == 1', 1, 200, 'c'],
    sends: 'GET https://zoho.creator.example/api/v2/ada/app/report/All?criteria=ID%20%3D%3D%201&from=1&limit=200',
  },
  {
    task: 'zoho.creator.updateRecord',
    given: ['ada', 'app', 'All', 9, { Name: 'y' }, null, 'c'],
    sends: 'PATCH https://zoho.creator.example/api/v2/ada/app/report/All/9',
    body: { data: { Name: 'y' } },
  },
  {
    task: 'zoho.creator.v2_1.updateRecords',
    given: ['ada', 'app', 'All', 'ID == 1', { Name: 'y' }, { skip_workflow: ['form_workflow'] }, 'c'],
    sends: 'PATCH https://zoho.creator.example/creator/v2.1/data/ada/app/report/All',
    body: { criteria: 'ID == 1', data: { Name: 'y' }, skip_workflow: ['form_workflow'] },
  },
  {
    task: 'zoho.books.getRecords',
    given: ['salesorders', '60', 'item_id=7&page=2', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/salesorders?organization_id=60&item_id=7&page=2',
  },
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', '60', 'Ada & Co', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=60&search_text=Ada%20%26%20Co',
  },
  {
    task: 'zoho.desk.create',
    given: [641, 'tickets', { subject: 's' }, 'c'],
    sends: 'POST https://zoho.desk.example/api/v1/tickets',
    headers: { orgId: '641' },
    body: { subject: 's' },
  },
  {
    task: 'zoho.desk.getRecords',
    given: [641, 'tickets', 1, 10, null, 'c'],
    sends: 'GET https://zoho.desk.example/api/v1/tickets?from=1&limit=10',
    headers: { orgId: '641' },
    answer: { status: 204 },
    gives: {},
  },
  {
    task: 'zoho.desk.searchRecords',
    given: [641, 'accounts', { customField1: 'Site:7' }, 0, 1, 'c'],
    sends: 'GET https://zoho.desk.example/api/v1/accounts/search?from=0&limit=1&customField1=Site%3A7',
    headers: { orgId: '641' },
  },
  {
    task: 'zoho.desk.getRelatedRecords',
    given: [641, 'tickets', 'contacts', 7, 1, 10, { '': '' }, 'c'],
    sends: 'GET https://zoho.desk.example/api/v1/contacts/7/tickets?from=1&limit=10',
    headers: { orgId: '641' },
  },
  {
    task: 'zoho.desk.getRelatedRecordById',
    given: [641, 'threads', 3, 'tickets', 7, 'c'],
    sends: 'GET https://zoho.desk.example/api/v1/tickets/7/threads/3',
    headers: { orgId: '641' },
  },
  {
    task: 'zoho.desk.createRelatedRecord',
    given: [641, 'comments', 'tickets', 7, { content: 'c' }, 'c'],
    sends: 'POST https://zoho.desk.example/api/v1/tickets/7/comments',
    headers: { orgId: '641' },
    body: { content: 'c' },
  },
  {
    task: 'zoho.projects.create',
    given: ['portal', 12, 'tasks', { name: 'a b', custom: { x: 1 } }, 'c'],
    sends: 'POST https://zoho.projects.example/restapi/portal/portal/projects/12/tasks/',
    body: 'name=a%20b&custom=%7B%22x%22%3A1%7D',
  },
  {
    task: 'zoho.projects.getRecords',
    given: ['portal', 12, 'tasks', 0, 100, 'c'],
    sends: 'GET https://zoho.projects.example/restapi/portal/portal/projects/12/tasks/?index=0&range=100',
  },
  {
    task: 'zoho.recruit.addRecord',
    given: ['Candidates', { Last_Name: 'R' }, 2, false, 'c'],
    sends: 'POST https://zoho.recruit.example/recruit/v2/Candidates',
    body: { data: [{ Last_Name: 'R' }] },
    answer: { body: created },
    gives: { id: '554', Created_Time: 'now' },
  },
  {
    task: 'zoho.workdrive.uploadFile',
    given: [FILE, 'folder1', 'b.txt', true, 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/upload',
    body: /name="parent_id"\r\n\r\nfolder1\r\n.*name="override-name-exist"\r\n\r\ntrue\r\n.*name="content"; filename="a\.txt"/s,
  },
  {
    task: 'zoho.workdrive.createFolder',
    given: ['New', 'parent1', 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/files',
    headers: { Accept: 'application/vnd.api+json' },
    body: { data: { attributes: { name: 'New', parent_id: 'parent1' }, type: 'files' } },
  },
  {
    task: 'zoho.workdrive.createTeamFolder',
    given: ['New', 'team1', null, true, 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/teamfolders',
    headers: { Accept: 'application/vnd.api+json' },
    body: { data: { attributes: { name: 'New', parent_id: 'team1', is_public_within_team: true }, type: 'teamfolders' } },
  },
  {
    task: 'zoho.cliq.postToUser',
    given: ['ada@example.com', 'Hello', 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/buddies/ada%40example.com/message',
    body: { text: 'Hello' },
  },
  {
    task: 'zoho.cliq.postToBotAsAdmin',
    given: ['bot', { text: 'Hi', card: {} }, 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/bots/bot/message?broadcast=true',
    body: { text: 'Hi', card: {} },
  },
  {
    task: 'zoho.cliq.postToChannelAsBot',
    given: ['team', 'robot', { text: 'Hi' }, 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/channelsbyname/team/message?bot_unique_name=robot',
    body: { text: 'Hi' },
  },
  {
    // an older name of the same product: its origin and its default connection are those of the new one
    task: 'zoho.chat.postToChat',
    given: ['CT_1', 'Hello', 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/chats/CT_1/message',
    body: { text: 'Hello' },
  },
  {
    task: 'zoho.cliq.updateRecord',
    given: ['prices', 7, { low: 1 }, 'c'],
    sends: 'PUT https://zoho.cliq.example/api/v2/storages/prices/records/7',
    body: { values: { low: 1 } },
  },
  {
    task: 'zoho.cliq.getRecords',
    given: ['prices', { criteria: 'low>1' }, 'c'],
    sends: 'GET https://zoho.cliq.example/api/v2/storages/prices/records?criteria=low%3E1',
  },
  {
    task: 'zoho.subscriptions.retrieve',
    given: ['customers', '60', '7', 'c'],
    sends: 'GET https://zoho.billing.example/billing/v1/customers/7?organization_id=60',
  },
  {
    task: 'zoho.mail.getMessages',
    given: ['1', { limit: 5 }, 'c'],
    sends: 'GET https://zoho.mail.example/api/accounts/1/messages/view?limit=5',
  },
  {
    task: 'zoho.sign.createDocument',
    given: [FILE, { requests: { request_name: 'N' } }, 'c'],
    sends: 'POST https://zoho.sign.example/api/v1/requests',
    body: /name="data"\r\n\r\n\{"requests":\{"request_name":"N"\}\}/,
  },
  {
    task: 'zoho.sign.createDocument',
    given: [FILE, { data: { requests: { request_name: 'N' } } }, 'c'],
    sends: 'POST https://zoho.sign.example/api/v1/requests',
    body: /name="data"\r\n\r\n\{"requests":\{"request_name":"N"\}\}/,
  },
  {
    task: 'zoho.sign.submitRequest',
    given: [7, { requests: {} }, 'c'],
    sends: 'POST https://zoho.sign.example/api/v1/requests/7/submit',
    body: 'data=%7B%22requests%22%3A%7B%7D%7D',
  },
  {
    task: 'zoho.writer.v2.mergeAndStore',
    given: ['doc1', { merge_data: { data: [{ a: 1 }] } }, { format: 'pdf' }, {}, 'c'],
    sends: 'POST https://zoho.writer.example/writer/api/v2/documents/doc1/merge/store',
    body: 'merge_data=%7B%22data%22%3A%5B%7B%22a%22%3A1%7D%5D%7D&output_settings=%7B%22format%22%3A%22pdf%22%7D',
  },
]

describe('integration tasks (§3.10)', () => {
  for (const { task, given, sends, headers = {}, body, answer, gives } of cases) {
    test(`${task}(${given.map(value => (value === FILE ? 'file' : JSON.stringify(value))).join(', ')})`, () => {
      const { request, shown } = asked(task, given, answer)
      assert.isDefined(request)
      assert.equal(`${request.method} ${request.url}`, sends)
      assert.equal(request.connection, String(given.at(-1)))
      assert.deepEqual(Object.fromEntries(request.headers), headers)
      const sent = request.body === null ? null : Buffer.from(request.body).toString()
      if (body === undefined) assert.isNull(sent)
      else if (body instanceof RegExp) assert.match(sent ?? '', body)
      else if (typeof body === 'string') assert.equal(sent, body)
      else assert.deepEqual(JSON.parse(sent ?? 'null'), body)
      if (gives !== undefined) assert.deepEqual(JSON.parse(shown), gives)
    })
  }

  test('are each named once, and every product has a case', () => {
    const names = products.flatMap(({ namespace, tasks }) => Object.keys(tasks).map(name => `${namespace}.${name}`))
    assert.equal(new Set(names.map(name => name.toLowerCase())).size, names.length)
    for (const { namespace } of products)
      assert.isTrue(
        cases.some(({ task }) => task.startsWith(`${namespace}.`)),
        namespace,
      )
  })

  test('use the default connection of the namespace, and name the setting when there is none', () => {
    assert.equal(asked('zoho.crm.getRecords', ['Leads'], {}, [['zoho.crm', 'standard']]).request?.connection, 'standard')
    assert.throws(() => asked('zoho.crm.getRecords', ['Leads']), Failure, 'set the default connection of zoho.crm in the settings')
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
    assert.throws(() => asked('zoho.cliq.postToUser', ['a', FILE, 'c']), Failure, 'cannot send a file')
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

describe('variables and connectors of the CRM (§5.2)', () => {
  test('getOrgVariable reads a variable and crm.set writes it', () => {
    const scripted = scriptedHost()
    scripted.variables.set('token', 'old')
    const call = (name: string, ...values: Value[]) => integrationTasks.get(name)?.run(scripted.context, values)
    const map = parseJson('{"apiname":"token","value":"new"}', scripted.context.meter)
    call('zoho.crm.invokeconnector', 'crm.set', map)
    assert.equal(call('zoho.crm.getorgvariable', 'token'), 'new')
    assert.isNull(call('zoho.crm.getorgvariable', 'nothing'))
  })

  test('crm.delete calls the CRM and gives the status and the text', () => {
    const { request, shown } = asked('zoho.crm.invokeConnector', ['crm.delete', { module: 'Leads', id: '7' }], { body: { data: [] } }, [
      ['zoho.crm', 'c'],
    ])
    assert.equal(`${request?.method ?? ''} ${request?.url ?? ''}`, 'DELETE https://zoho.crm.example/crm/v2/Leads/7')
    assert.equal(shown, '{"status_code":200,"response":"{\\"data\\":[]}"}')
    assert.throws(() => asked('zoho.crm.invokeConnector', ['ext.other.api', {}]), Failure, 'not available here yet')
  })
})
