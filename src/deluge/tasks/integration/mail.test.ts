import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Mail (§3.10)', [
  {
    task: 'zoho.mail.getMessages',
    given: ['1', { limit: 5 }, 'c'],
    sends: 'GET https://zoho.mail.example/api/accounts/1/messages/view?limit=5',
  },
])
