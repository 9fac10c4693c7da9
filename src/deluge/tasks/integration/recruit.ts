import type { Product } from './define.ts'

const module = '/recruit/v2/{module}'

/**
 * Zoho Recruit, over version 2 of its API: the one these tasks were made for is gone. Fields have their API names, and criteria are written
 * "(Last_Name:equals:Boyle)".
 */
export const recruit: Product = {
  namespace: 'zoho.recruit',
  subdomain: 'recruit',
  tasks: {
    getRecords: {
      doc: 'Records of a module, a page at a time.',
      takes: { module: 'text', page: 'integer?', perPage: 'integer?', query: 'map?' },
      method: 'GET',
      path: module,
      query: { page: '{page}', per_page: '{perPage}', '...': '{query}' },
      gives: 'list',
    },
    getRecordById: {
      doc: 'One record.',
      takes: { module: 'text', id: 'text' },
      method: 'GET',
      path: `${module}/{id}`,
      gives: 'record',
    },
    searchRecords: {
      doc: 'Records that fit criteria.',
      takes: { module: 'text', criteria: 'text', page: 'integer?', perPage: 'integer?', columns: 'text?' },
      method: 'GET',
      path: `${module}/search`,
      query: { criteria: '{criteria}', page: '{page}', per_page: '{perPage}', fields: '{columns}' },
      gives: 'list',
    },
    addRecord: {
      doc: 'Creates a record. `duplicates` is ignored: use `upsert` to change a record that is there.',
      takes: { module: 'text', values: 'map', duplicates: 'integer?', workflow: 'boolean?' },
      method: 'POST',
      path: module,
      body: { data: ['{values}'], trigger: '{workflow:trigger}' },
      gives: 'created',
    },
    upsert: {
      doc: 'Changes the record that its unique fields find, or creates one.',
      takes: { module: 'text', values: 'map' },
      method: 'POST',
      path: `${module}/upsert`,
      body: { data: ['{values}'] },
      gives: 'created',
    },
    updateRecord: {
      doc: 'Changes a record.',
      takes: { module: 'text', id: 'text', values: 'map', workflow: 'boolean?' },
      method: 'PUT',
      path: `${module}/{id}`,
      body: { data: ['{values}'], trigger: '{workflow:trigger}' },
      gives: 'created',
    },
    getRelatedRecords: {
      doc: 'Records of a related list of a record.',
      takes: { relation: 'text', parentModule: 'text', parentId: 'text', page: 'integer?', perPage: 'integer?' },
      method: 'GET',
      path: '/recruit/v2/{parentModule}/{parentId}/{relation}',
      query: { page: '{page}', per_page: '{perPage}' },
      gives: 'list',
    },
  },
}
