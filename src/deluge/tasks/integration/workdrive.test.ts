import { FILE, tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of WorkDrive (§3.10)', [
  {
    task: 'zoho.workdrive.uploadFile',
    given: [FILE, 'folder1', 'b.txt', true, 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/upload',
    body: /name="parent_id"\r\n\r\nfolder1\r\n.*name="override-name-exist"\r\n\r\ntrue\r\n.*name="content"; filename="a\.txt"/s,
  },
  {
    task: 'zoho.workdrive.uploadFile',
    given: [FILE, 'folder1', FILE, true, 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/upload',
    body: /name="filename"\r\n\r\na\.txt\r\n/,
  },
  {
    task: 'zoho.workdrive.createFolder',
    given: ['New', 'parent1', 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/files',
    headers: { Accept: 'application/vnd.api+json' },
    body: { data: { attributes: { name: 'New', parent_id: 'parent1' }, type: 'files' } },
  },
  {
    task: 'zoho.workdrive.createTeamFolder',
    given: ['New', 'team1', null, true, 'c'],
    sends: 'POST https://zoho.workdrive.example/workdrive/api/v1/teamfolders',
    headers: { Accept: 'application/vnd.api+json' },
    body: { data: { attributes: { name: 'New', parent_id: 'team1', is_public_within_team: true }, type: 'teamfolders' } },
  },
])
