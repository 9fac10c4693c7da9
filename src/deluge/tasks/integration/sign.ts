import type { Product } from './define.ts'

const requests = '/api/v1/requests'

/** Scripts give the request itself, or the fields of the form with the request under `data`. */
const fields = { '...': '{values:fields}' }

/** Zoho Sign. Its API takes one form field, `data`, with JSON in it. */
export const sign: Product = {
  namespace: 'zoho.sign',
  subdomain: 'sign',
  tasks: {
    createDocument: {
      doc: 'Uploads a file, or a list of files, to be signed.',
      takes: { file: 'any', values: 'map?' },
      method: 'POST',
      path: requests,
      body: { file: '{file}', ...fields },
      send: 'multipart',
      gives: 'raw',
    },
    updateDocument: {
      doc: 'Changes a draft.',
      takes: { id: 'text', values: 'map' },
      method: 'PUT',
      path: `${requests}/{id}`,
      body: fields,
      send: 'form',
      gives: 'raw',
    },
    submitRequest: {
      doc: 'Sends a document to those who sign it.',
      takes: { id: 'text', values: 'map' },
      method: 'POST',
      path: `${requests}/{id}/submit`,
      body: fields,
      send: 'form',
      gives: 'raw',
    },
    getDocumentById: { doc: 'One document.', takes: { id: 'text' }, method: 'GET', path: `${requests}/{id}`, gives: 'raw' },
    getDocuments: {
      doc: 'The documents.',
      takes: { values: 'map?' },
      method: 'GET',
      path: requests,
      query: { data: '{values}' },
      gives: 'raw',
    },
    getFieldIds: { doc: 'The types of fields, with their ids.', takes: {}, method: 'GET', path: '/api/v1/fieldtypes', gives: 'raw' },
    downloadDocument: {
      doc: 'The signed document as a file.',
      takes: { id: 'text' },
      method: 'GET',
      path: `${requests}/{id}/pdf`,
      gives: 'file',
    },
    remindRecipients: {
      doc: 'Reminds those who have not signed.',
      takes: { id: 'text' },
      method: 'POST',
      path: `${requests}/{id}/remind`,
      gives: 'raw',
    },
    recallRequest: { doc: 'Takes a document back.', takes: { id: 'text' }, method: 'POST', path: `${requests}/{id}/recall`, gives: 'raw' },
    getTemplates: {
      doc: 'The templates.',
      takes: { values: 'map?' },
      method: 'GET',
      path: '/api/v1/templates',
      query: { data: '{values}' },
      gives: 'raw',
    },
    getTemplateById: { doc: 'One template.', takes: { id: 'text' }, method: 'GET', path: '/api/v1/templates/{id}', gives: 'raw' },
    createUsingTemplate: {
      doc: 'Makes a document from a template and sends it. The map has the key `data`.',
      takes: { id: 'text', values: 'map' },
      method: 'POST',
      path: '/api/v1/templates/{id}/createdocument',
      body: '{values}',
      send: 'form',
      gives: 'raw',
    },
  },
}
