import type { IntegrationRow, Product, Template } from './define.ts'

/** The API has one address per workbook and names what shall be done in the form. */
const act = (doc: string, method: string, takes: IntegrationRow['takes'], fields: Readonly<Record<string, Template>>): IntegrationRow => ({
  doc,
  takes: { workbook: 'text', worksheet: 'text', ...takes },
  method: 'POST',
  path: '/api/v2/{workbook}',
  body: { method, worksheet_name: '{worksheet}', ...fields },
  send: 'form',
  gives: 'raw',
})

/** Zoho Sheet. */
export const sheet: Product = {
  namespace: 'zoho.sheet',
  subdomain: 'sheet',
  tasks: {
    createRecords: act(
      'Adds rows to a worksheet that has a header: a map is one, a list several.',
      'worksheet.records.add',
      { rows: 'any', query: 'map?' },
      { json_data: '{rows:several}', '...': '{query}' },
    ),
    getRecords: act(
      'Rows of a worksheet that has a header; the query names criteria, columns, a count: {"criteria":"\\"City\\"=\\"Rome\\""}.',
      'worksheet.records.fetch',
      { query: 'map?' },
      { '...': '{query}' },
    ),
    updateRecords: act(
      'Changes the rows that fit criteria; all of them when the criteria are "".',
      'worksheet.records.update',
      { criteria: 'text?', values: 'map', query: 'map?' },
      { criteria: '{criteria}', data: '{values}', '...': '{query}' },
    ),
    insertCSV: act(
      'Writes comma-separated text, or a file of it, from a cell on.',
      'worksheet.csvdata.set',
      { csv: 'text', row: 'integer', column: 'integer' },
      { row: '{row}', column: '{column}', data: '{csv}' },
    ),
  },
}
