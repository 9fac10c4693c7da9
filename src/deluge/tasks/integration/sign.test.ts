import { FILE, tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Sign (§3.10)', [
  { task: 'zoho.sign.getFieldIds', given: ['c'], sends: 'GET https://zoho.sign.example/api/v1/fieldtypes' },
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
])
