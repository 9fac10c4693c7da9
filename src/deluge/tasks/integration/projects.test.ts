import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Projects (§3.10)', [
  {
    task: 'zoho.projects.create',
    given: ['portal', 12, 'tasks', { name: 'a b', custom: { x: 1 } }, 'c'],
    sends: 'POST https://zoho.projects.example/restapi/portal/portal/projects/12/tasks/',
    body: 'name=a%20b&custom=%7B%22x%22%3A1%7D',
  },
  {
    task: 'zoho.projects.getRecords',
    given: ['portal', 12, 'tasks', 0, 100, 'c'],
    sends: 'GET https://zoho.projects.example/restapi/portal/portal/projects/12/tasks/?index=0&range=100',
  },
])
