import { assert, describe, test } from 'vitest'
import { asked, FILE, tellCases } from '../../../../test/support/integration-cases.ts'
import { Failure } from '../../failure.ts'

const sends = 'POST https://zoho.sheet.example/api/v2/w1'

/** The fields of a form as it is sent. */
const form = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString().replaceAll('+', '%20')

tellCases('tasks of Sheet (§3.10)', [
  {
    task: 'zoho.sheet.createRecords',
    given: ['w1', 'Plan', { Name: 'Ada', Age: 36 }, 'c'],
    sends,
    body: form({ method: 'worksheet.records.add', worksheet_name: 'Plan', json_data: '[{"Name":"Ada","Age":36}]' }),
    answer: { body: { status: 'success', start_row: 2 } },
    gives: { status: 'success', start_row: 2 },
  },
  {
    task: 'zoho.sheet.createRecords',
    given: ['w1', 'Plan', [{ Name: 'Ada' }, { Name: 'Bo' }], { header_row: 2 }, 'c'],
    sends,
    body: form({
      ...{ method: 'worksheet.records.add', worksheet_name: 'Plan' },
      ...{ json_data: '[{"Name":"Ada"},{"Name":"Bo"}]', header_row: '2' },
    }),
  },
  {
    task: 'zoho.sheet.getRecords',
    given: ['w1', 'Plan', 'c'],
    sends,
    body: form({ method: 'worksheet.records.fetch', worksheet_name: 'Plan' }),
  },
  {
    task: 'zoho.sheet.getRecords',
    given: ['w1', 'Plan', { criteria: '"Age">30', count: 5 }, 'c'],
    sends,
    body: form({ method: 'worksheet.records.fetch', worksheet_name: 'Plan', criteria: '"Age">30', count: '5' }),
  },
  {
    task: 'zoho.sheet.updateRecords',
    given: ['w1', 'Plan', '"Name"="Ada"', { Age: 37 }, 'c'],
    sends,
    body: form({ method: 'worksheet.records.update', worksheet_name: 'Plan', criteria: '"Name"="Ada"', data: '{"Age":37}' }),
  },
  {
    task: 'zoho.sheet.updateRecords',
    given: ['w1', 'Plan', '', { Age: 37 }, { first_match_only: true }, 'c'],
    sends,
    body: form({ method: 'worksheet.records.update', worksheet_name: 'Plan', data: '{"Age":37}', first_match_only: 'true' }),
  },
  {
    task: 'zoho.sheet.insertCSV',
    given: ['w1', 'Plan', 'Name,Age\nAda,36', 1, 2, 'c'],
    sends,
    body: form({ method: 'worksheet.csvdata.set', worksheet_name: 'Plan', row: '1', column: '2', data: 'Name,Age\nAda,36' }),
  },
  {
    task: 'zoho.sheet.insertCSV',
    given: ['w1', 'Plan', FILE, 1, 1, 'c'],
    sends,
    body: form({ method: 'worksheet.csvdata.set', worksheet_name: 'Plan', row: '1', column: '1', data: 'hello' }),
  },
])

describe('tasks of Sheet that lack something (§3.10)', () => {
  test('an update without values says so', () => {
    assert.throws(() => asked('zoho.sheet.updateRecords', ['w1', 'Plan', '"a"="b"', null, 'c']), Failure, 'needs a value for `values`')
  })
})
