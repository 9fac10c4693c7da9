import type { IntegrationRow, Product } from './define.ts'

/** Text is the text of a message; a map is the message itself. */
const message = { text: '{message:text}', '...': '{message:map}' }

const post = (doc: string, to: string, path: string, query?: Readonly<Record<string, string>>): IntegrationRow => ({
  doc,
  takes: { [to]: 'text', message: 'any' },
  method: 'POST',
  path: `/api/v2${path}`,
  ...(query && { query }),
  body: message,
  gives: 'raw',
})

const records = '/api/v2/storages/{database}/records'

/** Zoho Cliq. */
export const cliq: Product = {
  namespace: 'zoho.cliq',
  formerly: 'zoho.chat',
  subdomain: 'cliq',
  tasks: {
    postToChannel: post('Posts a message to a channel, by its unique name.', 'channel', '/channelsbyname/{channel}/message'),
    postToChannelAsBot: {
      doc: 'Posts a message to a channel in the name of a bot.',
      takes: { channel: 'text', bot: 'text', message: 'any' },
      method: 'POST',
      path: '/api/v2/channelsbyname/{channel}/message',
      query: { bot_unique_name: '{bot}' },
      body: message,
      gives: 'raw',
    },
    postToUser: post('Posts a message to a person, by e-mail address or id.', 'user', '/buddies/{user}/message'),
    postToChat: post('Posts a message to a chat.', 'chat', '/chats/{chat}/message'),
    postToBot: post('Posts a message to a bot, by its unique name.', 'bot', '/bots/{bot}/message'),
    postToBotAsAdmin: post('Posts a message to all subscribers of a bot.', 'bot', '/bots/{bot}/message', { broadcast: 'true' }),
    createRecord: {
      doc: 'Creates a record of a database.',
      takes: { database: 'text', values: 'map' },
      method: 'POST',
      path: records,
      body: { values: '{values}' },
      gives: 'raw',
    },
    getRecords: {
      doc: 'Records of a database; the query names criteria, a limit, an order: {"criteria":"name==Ada"}.',
      takes: { database: 'text', query: 'map?' },
      method: 'GET',
      path: records,
      query: { '...': '{query}' },
      gives: 'raw',
    },
    getRecordById: {
      doc: 'One record of a database.',
      takes: { database: 'text', id: 'text' },
      method: 'GET',
      path: `${records}/{id}`,
      gives: 'raw',
    },
    updateRecord: {
      doc: 'Changes a record of a database.',
      takes: { database: 'text', id: 'text', values: 'map' },
      method: 'PUT',
      path: `${records}/{id}`,
      body: { values: '{values}' },
      gives: 'raw',
    },
    deleteRecord: {
      doc: 'Deletes a record of a database.',
      takes: { database: 'text', id: 'text' },
      method: 'DELETE',
      path: `${records}/{id}`,
      gives: 'raw',
    },
    deleteRecords: {
      doc: 'Deletes the records of a database that fit criteria: "name==Ada".',
      takes: { database: 'text', criteria: 'text' },
      method: 'DELETE',
      path: records,
      query: { criteria: '{criteria}' },
      gives: 'raw',
    },
  },
}
