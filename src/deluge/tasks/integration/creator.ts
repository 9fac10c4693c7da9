import type { IntegrationRow, Product } from './define.ts'

/** The tasks of one version of the API: `at` is what stands before the owner. Answers are `{"code":3000,"data":…}`. */
function tasksOf(at: string): Readonly<Record<string, IntegrationRow>> {
  const app = `${at}/{owner}/{app}`
  return {
    createRecord: {
      doc: 'Creates a record in a form.',
      takes: { owner: 'text', app: 'text', form: 'text', values: 'map', other: 'map?' },
      method: 'POST',
      path: `${app}/form/{form}`,
      body: { data: '{values}', '...': '{other}' },
      gives: 'raw',
    },
    createRecords: {
      doc: 'Creates up to 200 records in a form.',
      takes: { owner: 'text', app: 'text', form: 'text', records: 'list', other: 'map?' },
      method: 'POST',
      path: `${app}/form/{form}`,
      body: { data: '{records}', '...': '{other}' },
      gives: 'raw',
    },
    getRecords: {
      doc: 'Records of a report that fit criteria: "Status == \\"Open\\"".',
      takes: { owner: 'text', app: 'text', report: 'text', criteria: 'text?', from: 'integer?', limit: 'integer?' },
      method: 'GET',
      path: `${app}/report/{report}`,
      query: { criteria: '{criteria}', from: '{from}', limit: '{limit}' },
      gives: 'raw',
    },
    getRecordById: {
      doc: 'One record of a report.',
      takes: { owner: 'text', app: 'text', report: 'text', id: 'text' },
      method: 'GET',
      path: `${app}/report/{report}/{id}`,
      gives: 'raw',
    },
    updateRecord: {
      doc: 'Changes a record of a report.',
      takes: { owner: 'text', app: 'text', report: 'text', id: 'text', values: 'map', other: 'map?' },
      method: 'PATCH',
      path: `${app}/report/{report}/{id}`,
      body: { data: '{values}', '...': '{other}' },
      gives: 'raw',
    },
    updateRecords: {
      doc: 'Changes the records of a report that fit criteria.',
      takes: { owner: 'text', app: 'text', report: 'text', criteria: 'text', values: 'map', other: 'map?' },
      method: 'PATCH',
      path: `${app}/report/{report}`,
      body: { criteria: '{criteria}', data: '{values}', '...': '{other}' },
      gives: 'raw',
    },
    deleteRecord: {
      doc: 'Deletes the records of a report that fit criteria.',
      takes: { owner: 'text', app: 'text', report: 'text', criteria: 'text', other: 'map?' },
      method: 'DELETE',
      path: `${app}/report/{report}`,
      body: { criteria: '{criteria}', '...': '{other}' },
      gives: 'raw',
    },
    uploadFile: {
      doc: 'Puts a file into a field of a record.',
      takes: { owner: 'text', app: 'text', report: 'text', id: 'text', field: 'text', file: 'file' },
      method: 'POST',
      path: `${app}/report/{report}/{id}/{field}/upload`,
      body: { file: '{file}' },
      send: 'multipart',
      gives: 'raw',
    },
  }
}

const { updateRecord, ...newer } = tasksOf('/creator/v2.1/data')

/** Zoho Creator, version 2 of its API. */
export const creator: Product = { namespace: 'zoho.creator', subdomain: 'creator', dates: 'script', tasks: tasksOf('/api/v2') }

/** Version 2.1, which is at the common host. */
export const creator21: Product = {
  namespace: 'zoho.creator',
  dates: 'script',
  tasks: {
    ...Object.fromEntries(Object.entries(newer).map(([name, row]) => [`v2_1.${name}`, row])),
    ...(updateRecord && { 'v2_1.updateRecord': updateRecord, 'v2_1.updateRecordById': updateRecord }),
  },
}
