import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Cliq (§3.10)', [
  {
    task: 'zoho.cliq.postToUser',
    given: ['ada@example.com', 'Hello', 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/buddies/ada%40example.com/message',
    body: { text: 'Hello' },
  },
  {
    task: 'zoho.cliq.postToBotAsAdmin',
    given: ['bot', { text: 'Hi', card: {} }, 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/bots/bot/message?broadcast=true',
    body: { text: 'Hi', card: {} },
  },
  {
    task: 'zoho.cliq.postToChannelAsBot',
    given: ['team', 'robot', { text: 'Hi' }, 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/channelsbyname/team/message?bot_unique_name=robot',
    body: { text: 'Hi' },
  },
  {
    // an older name of the same product: its origin and its default connection are those of the new one
    task: 'zoho.chat.postToChat',
    given: ['CT_1', 'Hello', 'c'],
    sends: 'POST https://zoho.cliq.example/api/v2/chats/CT_1/message',
    body: { text: 'Hello' },
  },
  {
    task: 'zoho.cliq.updateRecord',
    given: ['prices', 7, { low: 1 }, 'c'],
    sends: 'PUT https://zoho.cliq.example/api/v2/storages/prices/records/7',
    body: { values: { low: 1 } },
  },
  {
    task: 'zoho.cliq.getRecords',
    given: ['prices', { criteria: 'low>1' }, 'c'],
    sends: 'GET https://zoho.cliq.example/api/v2/storages/prices/records?criteria=low%3E1',
  },
  {
    task: 'zoho.cliq.deleteRecords',
    given: ['prices', 'low==1', 'c'],
    sends: 'DELETE https://zoho.cliq.example/api/v2/storages/prices/records?criteria=low%3D%3D1',
  },
])
