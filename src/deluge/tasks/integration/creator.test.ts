import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Creator (§3.10)', [
  {
    task: 'zoho.creator.createRecord',
    given: ['ada', 'app', 'Form', { Name: 'x' }, {}, 'zoho_mail'],
    sends: 'POST https://zoho.creator.example/api/v2/ada/app/form/Form',
    body: { data: { Name: 'x' } },
    answer: { body: { code: 3000, data: { ID: '1' } } },
    gives: { code: 3000, data: { ID: '1' } },
  },
  {
    task: 'zoho.creator.getRecords',
    given: ['ada', 'app', 'All', 'ID == 1', 1, 200, 'c'],
    sends: 'GET https://zoho.creator.example/api/v2/ada/app/report/All?criteria=ID%20%3D%3D%201&from=1&limit=200',
  },
  {
    task: 'zoho.creator.updateRecord',
    given: ['ada', 'app', 'All', 9, { Name: 'y' }, null, 'c'],
    sends: 'PATCH https://zoho.creator.example/api/v2/ada/app/report/All/9',
    body: { data: { Name: 'y' } },
  },
  {
    task: 'zoho.creator.v2_1.updateRecords',
    given: ['ada', 'app', 'All', 'ID == 1', { Name: 'y' }, { skip_workflow: ['form_workflow'] }, 'c'],
    sends: 'PATCH https://zoho.creator.example/creator/v2.1/data/ada/app/report/All',
    body: { criteria: 'ID == 1', data: { Name: 'y' }, skip_workflow: ['form_workflow'] },
  },
])
