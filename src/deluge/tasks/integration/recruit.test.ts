import { created, tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Recruit (§3.10)', [
  {
    task: 'zoho.recruit.addRecord',
    given: ['Candidates', { Last_Name: 'R' }, 2, false, 'c'],
    sends: 'POST https://zoho.recruit.example/recruit/v2/Candidates',
    body: { data: [{ Last_Name: 'R' }] },
    answer: { body: created },
    gives: { id: '554', Created_Time: 'now' },
  },
])
