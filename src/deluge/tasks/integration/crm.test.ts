import { assert, describe, test } from 'vitest'
import { asked, created, FILE, refused, sideEffects, tellCases } from '../../../../test/support/integration-cases.ts'
import { scriptedHost } from '../../../../test/support/scripted-host.ts'
import { Failure } from '../../failure.ts'
import { parseJson } from '../../json.ts'
import type { Value } from '../../value.ts'
import { integrationTasks } from './index.ts'

tellCases('tasks of the CRM and Bigin (§3.10)', [
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
    // behind the connection: whether the login user's own authorisation is used, which the connection says here
    task: 'zoho.crm.getRecordById',
    given: ['Deals', 12, {}, 'zoho_one', true],
    connection: 'zoho_one',
    sends: 'GET https://zoho.crm.example/crm/v2/Deals/12',
  },
  {
    task: 'zoho.crm.update',
    given: ['Deals', 12, { Commission: 500 }, 'zoho_one', false],
    connection: 'zoho_one',
    sends: 'PUT https://zoho.crm.example/crm/v2/Deals/12',
    body: { data: [{ Commission: 500 }], trigger: sideEffects },
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
    // a blank stands where the options are left out
    task: 'zoho.crm.searchRecords',
    given: ['Leads', '(City:equals:Rome)', 1, 200, ' ', 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads/search?criteria=%28City%3Aequals%3ARome%29&page=1&per_page=200',
    answer: { status: 204 },
    gives: [],
  },
  {
    // a script may have encoded the value for the address itself
    task: 'zoho.crm.searchRecords',
    given: ['Leads', '(City:equals:Rome%20%28IT%29)', 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads/search?criteria=%28City%3Aequals%3ARome%20%28IT%29%29',
    answer: { status: 204 },
    gives: [],
  },
  {
    task: 'zoho.crm.searchRecords',
    given: ['Leads', '(Rebate:equals:50%bc)', 'c'],
    sends: 'GET https://zoho.crm.example/crm/v2/Leads/search?criteria=%28Rebate%3Aequals%3A50%25bc%29',
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
    // the options may name the connection, which is not for the CRM
    task: 'zoho.crm.updateRecord',
    given: ['Leads', 5, { Email: 'x' }, { connection: 'c', lar_id: '9' }],
    connection: 'c',
    sends: 'PUT https://zoho.crm.example/crm/v2/Leads/5',
    body: { data: [{ Email: 'x' }], trigger: sideEffects, lar_id: '9' },
    answer: { body: created },
  },
  {
    task: 'zoho.crm.getRecordById',
    given: ['Trips', 5, { connection: 'c', fields: 'Name' }],
    connection: 'c',
    sends: 'GET https://zoho.crm.example/crm/v2/Trips/5?fields=Name',
  },
  {
    // and the last argument counts before them
    task: 'zoho.crm.createRecord',
    given: ['Leads', { connection: 'by phone' }, { connection: 'other' }, 'c'],
    sends: 'POST https://zoho.crm.example/crm/v2/Leads',
    body: { data: [{ connection: 'by phone' }], trigger: sideEffects },
    answer: { body: created },
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
    // what became of it, not only what was created: scripts ask it for "status"
    gives: created.data[0],
  },
  {
    task: 'zoho.bigin.getRecords',
    given: ['Deals', 'c'],
    sends: 'GET https://zoho.bigin.example/bigin/v2/Deals',
    answer: { status: 204 },
    gives: [],
  },
])

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
    const made = asked('zoho.crm.invokeConnector', ['crm.create', { module: 'Leads', data: [{ a: 1 }] }], {}, [['zoho.crm', 'c']]).request
    assert.equal(`${made?.method ?? ''} ${made?.url ?? ''}`, 'POST https://zoho.crm.example/crm/v2/Leads')
    assert.equal(Buffer.from(made?.body ?? []).toString(), '{"data":[{"a":1}]}')
    const modules = asked('zoho.crm.invokeConnector', ['crm.modulesmeta', {}], {}, [['zoho.crm', 'c']]).request
    assert.equal(modules?.url, 'https://zoho.crm.example/crm/v2/settings/modules')
    const organisation = asked('zoho.crm.invokeConnector', ['crm.getorg', {}], {}, [['zoho.crm', 'c']]).request
    assert.equal(organisation?.url, 'https://zoho.crm.example/crm/v2/org')
    assert.throws(() => asked('zoho.crm.invokeConnector', ['ext.other.api', {}]), Failure, 'not available here yet')
  })
})
