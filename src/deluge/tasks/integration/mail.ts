import type { Product } from './define.ts'

const account = '/api/accounts/{account}'

/** Zoho Mail, by the names of its API: the language has no tasks of its own for it. */
export const mail: Product = {
  namespace: 'zoho.mail',
  subdomain: 'mail',
  tasks: {
    getAccounts: { doc: 'The mail accounts of the person.', takes: {}, method: 'GET', path: '/api/accounts', gives: 'raw' },
    getFolders: { doc: 'The folders of an account.', takes: { account: 'text' }, method: 'GET', path: `${account}/folders`, gives: 'raw' },
    getMessages: {
      doc: 'Messages of a folder; the map has what the API takes: folderId, start, limit.',
      takes: { account: 'text', query: 'map?' },
      method: 'GET',
      path: `${account}/messages/view`,
      query: { '...': '{query}' },
      gives: 'raw',
    },
    searchMessages: {
      doc: 'Messages that a search key finds: "sender:ada@example.com".',
      takes: { account: 'text', searchKey: 'text', query: 'map?' },
      method: 'GET',
      path: `${account}/messages/search`,
      query: { searchKey: '{searchKey}', '...': '{query}' },
      gives: 'raw',
    },
    sendMail: {
      doc: 'Sends a message: fromAddress, toAddress, subject, content ….',
      takes: { account: 'text', values: 'map' },
      method: 'POST',
      path: `${account}/messages`,
      body: '{values}',
      gives: 'raw',
    },
  },
}
