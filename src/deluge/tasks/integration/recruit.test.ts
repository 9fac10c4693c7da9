import { created, tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Recruit (§3.10)', [
  {
    task: 'zoho.recruit.addRecord',
    given: ['Candidates', { Last_Name: 'R' }, 2, false, 'c'],
    sends: 'POST https://zoho.recruit.example/recruit/v2/Candidates',
    body: { data: [{ Last_Name: 'R' }], trigger: [] },
    answer: { body: created },
    gives: { id: '554', Created_Time: 'now' },
  },
  {
    task: 'zoho.recruit.addRecord',
    given: ['Candidates', { Last_Name: 'R' }, 0, true, 'c'],
    sends: 'POST https://zoho.recruit.example/recruit/v2/Candidates',
    body: { data: [{ Last_Name: 'R' }], trigger: ['workflow'] },
  },
  {
    task: 'zoho.recruit.updateRecord',
    given: ['Candidates', 7, { City: 'Rome' }, 'c'],
    sends: 'PUT https://zoho.recruit.example/recruit/v2/Candidates/7',
    body: { data: [{ City: 'Rome' }] },
  },
])
