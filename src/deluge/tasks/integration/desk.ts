import type { Product } from './define.ts'

const headers = { orgId: '{organization}' }

/** Zoho Desk. The organisation is a header. */
export const desk: Product = {
  namespace: 'zoho.desk',
  subdomain: 'desk',
  tasks: {
    create: {
      doc: 'Creates a record: a ticket, a contact, an account ….',
      takes: { organization: 'text', module: 'text', values: 'map' },
      method: 'POST',
      path: '/api/v1/{module}',
      headers,
      body: '{values}',
      gives: 'raw',
    },
    update: {
      doc: 'Changes a record.',
      takes: { organization: 'text', module: 'text', id: 'text', values: 'map' },
      method: 'PATCH',
      path: '/api/v1/{module}/{id}',
      headers,
      body: '{values}',
      gives: 'raw',
    },
    getRecordById: {
      doc: 'One record.',
      takes: { organization: 'text', module: 'text', id: 'text' },
      method: 'GET',
      path: '/api/v1/{module}/{id}',
      headers,
      gives: 'raw',
    },
    getRecords: {
      doc: 'Records of a module: {"data":[…]}.',
      takes: { organization: 'text', module: 'text', from: 'integer?', limit: 'integer?', query: 'map?' },
      method: 'GET',
      path: '/api/v1/{module}',
      headers,
      query: { from: '{from}', limit: '{limit}', '...': '{query}' },
      gives: 'raw',
    },
    searchRecords: {
      doc: 'Records of a module that fit the query: {"data":[…]}.',
      takes: { organization: 'text', module: 'text', query: 'map', from: 'integer?', limit: 'integer?' },
      method: 'GET',
      path: '/api/v1/{module}/search',
      headers,
      query: { from: '{from}', limit: '{limit}', '...': '{query}' },
      gives: 'raw',
    },
    createRelatedRecord: {
      doc: 'Creates a record that belongs to a record: a comment of a ticket.',
      takes: { organization: 'text', relation: 'text', parentModule: 'text', parentId: 'text', values: 'map' },
      method: 'POST',
      path: '/api/v1/{parentModule}/{parentId}/{relation}',
      headers,
      body: '{values}',
      gives: 'raw',
    },
    getRelatedRecords: {
      doc: 'Records that belong to a record: the comments of a ticket.',
      takes: {
        organization: 'text',
        relation: 'text',
        parentModule: 'text',
        parentId: 'text',
        from: 'integer?',
        limit: 'integer?',
        query: 'map?',
      },
      method: 'GET',
      path: '/api/v1/{parentModule}/{parentId}/{relation}',
      headers,
      query: { from: '{from}', limit: '{limit}', '...': '{query}' },
      gives: 'raw',
    },
    getRelatedRecordById: {
      doc: 'One record that belongs to a record: a thread of a ticket.',
      takes: { organization: 'text', relation: 'text', id: 'text', parentModule: 'text', parentId: 'text' },
      method: 'GET',
      path: '/api/v1/{parentModule}/{parentId}/{relation}/{id}',
      headers,
      gives: 'raw',
    },
  },
}
