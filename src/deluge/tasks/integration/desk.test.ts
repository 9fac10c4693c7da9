import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Desk (§3.10)', [
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
])
