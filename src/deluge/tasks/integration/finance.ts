import type { IntegrationRow, Product } from './define.ts'

/** Billing reads the organisation from a header and not from the query (its API, "HTTP methods"). */
const organizationHeader = 'X-com-zoho-subscriptions-organizationid'

const withHeader = (tasks: Readonly<Record<string, IntegrationRow>>): Readonly<Record<string, IntegrationRow>> =>
  Object.fromEntries(
    Object.entries(tasks).map(([name, row]): [string, IntegrationRow] => {
      const { organization_id: organization, ...query } = row.query ?? {}
      return [name, organization === undefined ? row : { ...row, query, headers: { [organizationHeader]: '{organization}' } }]
    }),
  )

/** Books and its siblings: one API shape at four paths, with the organisation in the query. Answers are `{"code":0,"message":…,…}`. */
const tasksOf = (at: string): Readonly<Record<string, IntegrationRow>> => {
  const query = { organization_id: '{organization}' }
  return {
    getRecords: {
      doc: 'Records of a module. A map, or "item_id=7&page=2", filters them by the names of its API; any other text is searched for.',
      takes: { module: 'module', organization: 'text', search: 'query?' },
      method: 'GET',
      path: `${at}/{module}`,
      query: { ...query, search_text: '{search:text}', '...': '{search:map}' },
      gives: 'raw',
    },
    getRecordsByID: {
      doc: 'One record.',
      takes: { module: 'module', organization: 'text', id: 'text' },
      method: 'GET',
      path: `${at}/{module}/{id}`,
      query,
      gives: 'raw',
    },
    createRecord: {
      doc: 'Creates a record.',
      takes: { module: 'module', organization: 'text', values: 'map' },
      method: 'POST',
      path: `${at}/{module}`,
      query,
      body: '{values}',
      gives: 'raw',
    },
    updateRecord: {
      doc: 'Changes a record.',
      takes: { module: 'module', organization: 'text', id: 'text', values: 'map' },
      method: 'PUT',
      path: `${at}/{module}/{id}`,
      query,
      body: '{values}',
      gives: 'raw',
    },
    deleteRecord: {
      doc: 'Deletes a record.',
      takes: { module: 'module', organization: 'text', id: 'text' },
      method: 'DELETE',
      path: `${at}/{module}/{id}`,
      query,
      gives: 'raw',
    },
    markStatus: {
      doc: 'Marks a record as sent, void, accepted ….',
      takes: { module: 'module', organization: 'text', id: 'text', status: 'text' },
      method: 'POST',
      path: `${at}/{module}/{id}/status/{status}`,
      query,
      gives: 'raw',
    },
    getTemplates: {
      doc: 'The templates of a module.',
      takes: { module: 'module', organization: 'text' },
      method: 'GET',
      path: `${at}/{module}/templates`,
      query,
      gives: 'raw',
    },
    getOrganizations: {
      doc: 'The organisations that the connection sees.',
      takes: {},
      method: 'GET',
      path: `${at}/organizations`,
      gives: 'raw',
    },
  }
}

/** Other names that the pages of a product use for the same calls. */
function also(
  tasks: Readonly<Record<string, IntegrationRow>>,
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, IntegrationRow>> {
  const added = Object.entries(names).flatMap(([name, of]): [string, IntegrationRow][] => {
    const row = tasks[of]
    return row === undefined ? [] : [[name, row]]
  })
  return { ...tasks, ...Object.fromEntries(added) }
}

/** Zoho Books. */
export const books: Product = { namespace: 'zoho.books', tasks: tasksOf('/books/v3') }

/** Zoho Inventory. */
export const inventory: Product = {
  namespace: 'zoho.inventory',
  tasks: also(tasksOf('/inventory/v1'), { getOrganization: 'getOrganizations', getRecordByID: 'getRecordsByID' }),
}

/** Zoho Invoice, whose tasks have shorter names. */
export const invoice: Product = {
  namespace: 'zoho.invoice',
  tasks: also(tasksOf('/invoice/v3'), { create: 'createRecord', update: 'updateRecord', getRecordById: 'getRecordsByID' }),
}

/** Zoho Billing. */
export const billing: Product = {
  namespace: 'zoho.billing',
  formerly: 'zoho.subscriptions',
  tasks: also(withHeader(tasksOf('/billing/v1')), {
    create: 'createRecord',
    update: 'updateRecord',
    retrieve: 'getRecordsByID',
    retrieveById: 'getRecordsByID',
    getOrganization: 'getOrganizations',
    getList: 'getRecords',
  }),
}
