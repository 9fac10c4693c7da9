import type { IntegrationRow, Product, Template } from './define.ts'

/** What runs on the side when the options name no `trigger`: everything but workflow rules (the language's pages on createRecord). */
const create = (trigger: readonly string[]): Template => ({ data: ['{values}'], trigger, '...': '{options}' })

/** The tasks of one version of the API. Version 8 names its query before the page and wants the fields of a list named in it. */
function tasksOf(version: 'v2' | 'v8'): Readonly<Record<string, IntegrationRow>> {
  const at = `/crm/${version}`
  const trigger = version === 'v8' ? ['approval', 'blueprint', 'orchestration'] : ['approval', 'blueprint']
  // the options of what reads are further parameters of its query
  const paged = { page: '{page}', per_page: '{perPage}', '...': '{options}' }
  return {
    getRecords: {
      doc: 'Records of a module, a page at a time.',
      takes:
        version === 'v8'
          ? { module: 'text', options: 'map?', page: 'integer?', perPage: 'integer?' }
          : { module: 'text', page: 'integer?', perPage: 'integer?', options: 'map?' },
      method: 'GET',
      path: `${at}/{module}`,
      query: paged,
      gives: 'list',
    },
    getRecordById: {
      doc: 'One record.',
      takes: { module: 'text', id: 'text', options: 'map?' },
      method: 'GET',
      path: `${at}/{module}/{id}`,
      query: { '...': '{options}' },
      gives: 'record',
    },
    searchRecords: {
      doc: 'Records that fit criteria: "(Last_Name:equals:Boyle)and(City:equals:Rome)".',
      takes: { module: 'text', criteria: 'text', page: 'integer?', perPage: 'integer?', options: 'map?' },
      method: 'GET',
      path: `${at}/{module}/search`,
      query: { criteria: '{criteria:decoded}', ...paged },
      gives: 'list',
    },
    getRelatedRecords: {
      doc: 'Records of a related list of a record.',
      takes: { relation: 'text', parentModule: 'text', parentId: 'text', page: 'integer?', perPage: 'integer?', options: 'map?' },
      method: 'GET',
      path: `${at}/{parentModule}/{parentId}/{relation}`,
      query: paged,
      gives: 'list',
    },
    createRecord: {
      doc: 'Creates a record. The options name what else shall run: {"trigger":{"workflow"}}.',
      takes: { module: 'text', values: 'map', options: 'map?' },
      method: 'POST',
      path: `${at}/{module}`,
      body: create(trigger),
      gives: 'created',
    },
    updateRecord: {
      doc: 'Changes a record. The options name what else shall run: {"trigger":{"workflow"}}.',
      takes: { module: 'text', id: 'text', values: 'map', options: 'map?' },
      method: 'PUT',
      path: `${at}/{module}/{id}`,
      body: create(trigger),
      gives: 'created',
    },
    upsert: {
      doc: 'Changes the record that its unique fields find, or creates one.',
      takes: { module: 'text', values: 'map', options: 'map?' },
      method: 'POST',
      path: `${at}/{module}/upsert`,
      body: create(trigger),
      gives: 'created',
    },
    bulkCreate: {
      doc: 'Creates up to 100 records.',
      takes: { module: 'text', records: 'list', options: 'map?' },
      method: 'POST',
      path: `${at}/{module}`,
      body: { data: '{records}', trigger, '...': '{options}' },
      gives: 'list',
    },
    bulkUpdate: {
      doc: 'Changes up to 100 records; each names its id.',
      takes: { module: 'text', records: 'list', options: 'map?' },
      method: 'PUT',
      path: `${at}/{module}`,
      body: { data: '{records}', trigger, '...': '{options}' },
      gives: 'list',
    },
    updateRelatedRecord: {
      doc: 'Relates a record to another, or changes what their relation says.',
      takes: { relation: 'text', relatedId: 'text', parentModule: 'text', parentId: 'text', values: 'map' },
      method: 'PUT',
      path: `${at}/{parentModule}/{parentId}/{relation}/{relatedId}`,
      body: { data: ['{values}'] },
      gives: 'created',
    },
    convertLead: {
      doc: 'Converts a lead to a contact, an account and a deal.',
      takes: { leadId: 'text', values: 'map?' },
      method: 'POST',
      path: `${at}/Leads/{leadId}/actions/convert`,
      body: { data: [{ '...': '{values}' }] },
      gives: 'created',
    },
    attachFile: {
      doc: 'Attaches a file to a record.',
      takes: { module: 'text', id: 'text', file: 'file' },
      method: 'POST',
      path: `${at}/{module}/{id}/Attachments`,
      body: { file: '{file}' },
      send: 'multipart',
      gives: 'outcome',
    },
    deleteRecord: {
      doc: 'Deletes a record.',
      takes: { module: 'text', id: 'text' },
      method: 'DELETE',
      path: `${at}/{module}/{id}`,
      gives: 'created',
    },
    getFields: {
      doc: 'The fields of a module.',
      takes: { module: 'text' },
      method: 'GET',
      path: `${at}/settings/fields`,
      query: { module: '{module}' },
      gives: 'raw',
    },
  }
}

const named = (prefix: string, tasks: Readonly<Record<string, IntegrationRow>>) =>
  Object.fromEntries(Object.entries(tasks).map(([name, row]) => [`${prefix}${name}`, row]))

/** What version 1 called a task; scripts of extensions still do. */
const formerly = Object.fromEntries(
  Object.entries(tasksOf('v2'))
    .filter(([name]) => name === 'createRecord' || name === 'updateRecord')
    .map(([name, row]) => [name.replace('Record', ''), row]),
)

/** Zoho CRM. The plain names mean version 2 of its API, as they always did; `v8.` means version 8. */
export const crm: Product = { namespace: 'zoho.crm', tasks: { ...tasksOf('v2'), ...formerly, ...named('v8.', tasksOf('v8')) } }

/** Bigin has the tasks of the CRM at another path. */
export const bigin: Product = {
  namespace: 'zoho.bigin',
  tasks: Object.fromEntries(
    Object.entries(tasksOf('v2'))
      .filter(([name]) => name !== 'convertLead')
      .map(([name, row]) => [name, { ...row, path: row.path.replace('/crm/v2', '/bigin/v2') }]),
  ),
}
