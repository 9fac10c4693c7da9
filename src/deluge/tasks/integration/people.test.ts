import { tellCases } from '../../../../test/support/integration-cases.ts'

const at = 'https://zoho.people.example/people/api/forms'
const made = { pkId: '45', message: 'Successfully Added' }
const wrong = { response: { errors: { code: 7012, message: 'Error' }, status: 1 } }

tellCases('tasks of People (§3.10)', [
  {
    task: 'zoho.people.create',
    given: ['leave', { Days: 2 }, 'c'],
    sends: `POST ${at}/json/leave/insertRecord`,
    body: 'inputData=%7B%22Days%22%3A2%7D',
    answer: { body: { response: { result: made, message: 'Data added successfully', status: 0 } } },
    gives: { result: made },
  },
  {
    task: 'zoho.people.create',
    given: ['leave', { Days: 2 }, 'c'],
    sends: `POST ${at}/json/leave/insertRecord`,
    body: 'inputData=%7B%22Days%22%3A2%7D',
    answer: { body: wrong },
    gives: wrong,
  },
  {
    task: 'zoho.people.update',
    given: ['leave', { recordid: 45, Days: 3 }, 'c'],
    sends: `POST ${at}/json/leave/updateRecord`,
    body: 'inputData=%7B%22Days%22%3A3%7D&recordId=45',
  },
  {
    task: 'zoho.people.getRecords',
    given: ['leave', 1, 20, { searchField: 'Days', searchOperator: 'Is', searchText: '2' }, 'c'],
    sends: `GET ${at}/leave/getRecords?sIndex=1&limit=20&searchParams=%7B%22searchField%22%3A%22Days%22%2C%22searchOperator%22%3A%22Is%22%2C%22searchText%22%3A%222%22%7D`,
    answer: { body: { response: { result: [{ 45: [{ Days: '2' }] }], status: 0 } } },
    gives: { response: { result: [{ 45: [{ Days: '2' }] }], status: 0 } },
  },
  {
    task: 'zoho.people.getRecords',
    given: ['leave', 1, 20, [{ a: 1 }, { b: 2 }], 'c'],
    sends: `GET ${at}/leave/getRecords?sIndex=1&limit=20&searchParams=%7B%22a%22%3A1%7D%7C%7B%22b%22%3A2%7D`,
  },
  { task: 'zoho.people.getRecords', given: ['leave', 1, 20, 'c'], sends: `GET ${at}/leave/getRecords?sIndex=1&limit=20` },
  { task: 'zoho.people.getRecords', given: ['leave', 'c'], sends: `GET ${at}/leave/getRecords` },
  {
    task: 'zoho.people.getRecordById',
    given: ['leave', 45, 'c'],
    sends: `GET ${at}/leave/getDataByID?recordId=45`,
    answer: { body: { response: { result: [{ Days: '2' }], status: 0 } } },
    gives: { Days: '2' },
  },
  {
    task: 'zoho.people.getRecordById',
    given: ['leave', 46, 'c'],
    sends: `GET ${at}/leave/getDataByID?recordId=46`,
    answer: { body: wrong },
    gives: wrong,
  },
])
