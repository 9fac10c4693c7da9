import type { IntegrationRow, Product } from './define.ts'

const at = (version: 'v1' | 'v2') => `/writer/api/${version}/documents/{document}`

const merging = (doc: string, version: 'v1' | 'v2', step: string, output: boolean): IntegrationRow => ({
  doc,
  takes: { document: 'text', values: 'map', ...(output && { output: 'map' as const }), settings: 'map?' },
  method: 'POST',
  path: `${at(version)}/merge${step}`,
  body: { '...': '{values}', ...(output && { output_settings: '{output}' }), optional_settings: '{settings}' },
  send: 'form',
  gives: 'raw',
})

/** Zoho Writer. The values of a merge are a map with `merge_data`, or what else its API takes. */
export const writer: Product = {
  namespace: 'zoho.writer',
  tasks: {
    getMergeFields: {
      doc: 'The merge fields of a document.',
      takes: { document: 'text' },
      method: 'GET',
      path: `${at('v1')}/fields`,
      gives: 'raw',
    },
    getAllFields: {
      doc: 'The fields of a document.',
      takes: { document: 'text' },
      method: 'GET',
      path: `${at('v1')}/fields`,
      gives: 'raw',
    },
    mergeAndSend: {
      doc: 'Merges a document and sends it to an e-mail address.',
      takes: { document: 'text', format: 'text', email: 'text', values: 'map' },
      method: 'POST',
      path: `${at('v1')}/merge/email`,
      body: { output_format: '{format}', email: '{email}', '...': '{values}' },
      send: 'form',
      gives: 'raw',
    },
    mergeAndDownload: {
      doc: 'Merges a document and gives it as a file.',
      takes: { document: 'text', format: 'text', values: 'map' },
      method: 'POST',
      path: `${at('v1')}/merge`,
      body: { output_settings: { format: '{format}' }, '...': '{values}' },
      send: 'form',
      gives: 'file',
    },
    mergeAndStore: merging('Merges a document and stores it in WorkDrive.', 'v1', '/store', true),
    mergeAndSign: merging('Merges a document and sends it to be signed.', 'v1', '/sign', true),
    mergeAndInvoke: merging('Merges a document and runs a function with it.', 'v1', '/invoke', false),
    'v2.mergeAndStore': merging('Merges a document and stores it in WorkDrive.', 'v2', '/store', true),
    'v2.mergeAndSend': merging('Merges a document and sends it by mail.', 'v2', '/email', true),
  },
}
