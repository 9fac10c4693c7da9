import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Writer (§3.10)', [
  {
    task: 'zoho.writer.v2.mergeAndStore',
    given: ['doc1', { merge_data: { data: [{ a: 1 }] } }, { format: 'pdf' }, {}, 'c'],
    sends: 'POST https://zoho.writer.example/writer/api/v2/documents/doc1/merge/store',
    body: 'merge_data=%7B%22data%22%3A%5B%7B%22a%22%3A1%7D%5D%7D&output_settings=%7B%22format%22%3A%22pdf%22%7D',
  },
])
