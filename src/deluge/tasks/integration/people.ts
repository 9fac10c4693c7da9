import type { Product } from './define.ts'

const forms = '/people/api/forms'

/** Zoho People. */
export const people: Product = {
  namespace: 'zoho.people',
  subdomain: 'people',
  tasks: {
    create: {
      doc: 'Adds a record to a form.',
      takes: { form: 'text', values: 'map' },
      method: 'POST',
      path: `${forms}/json/{form}/insertRecord`,
      body: { inputData: '{values}' },
      send: 'form',
      gives: 'result',
    },
    update: {
      doc: 'Changes a record of a form; the values name it: {"recordid":…}.',
      takes: { form: 'text', values: 'map' },
      method: 'POST',
      path: `${forms}/json/{form}/updateRecord`,
      body: { inputData: '{values:withoutRecordId}', recordId: '{values:recordId}' },
      send: 'form',
      gives: 'result',
    },
    getRecords: {
      doc: 'Records of a form, a part at a time. The search is {"searchField":…,"searchOperator":…,"searchText":…}, or a list of such maps.',
      takes: { form: 'text', from: 'integer?', count: 'integer?', search: 'collection?' },
      method: 'GET',
      path: `${forms}/{form}/getRecords`,
      query: { sIndex: '{from}', limit: '{count}', searchParams: '{search:alternatives}' },
      gives: 'raw',
    },
    getRecordById: {
      doc: 'The fields of one record of a form.',
      takes: { form: 'text', id: 'text' },
      method: 'GET',
      path: `${forms}/{form}/getDataByID`,
      query: { recordId: '{id}' },
      gives: 'resultRecord',
    },
  },
}
