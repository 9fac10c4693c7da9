import type { Product } from './define.ts'

const api = '/workdrive/api/v1'
const json = 'application/vnd.api+json'
const headers = { Accept: json }

/** Zoho WorkDrive, a JSON:API. */
export const workdrive: Product = {
  namespace: 'zoho.workdrive',
  tasks: {
    uploadFile: {
      doc: 'Uploads a file to a folder, under a name or that of a second file; true at the end replaces the file of that name.',
      takes: { file: 'file', folder: 'text', name: 'any', replace: 'boolean?' },
      method: 'POST',
      path: `${api}/upload`,
      body: { filename: '{name:fileName}', parent_id: '{folder}', 'override-name-exist': '{replace}', content: '{file}' },
      send: 'multipart',
      gives: 'raw',
    },
    createFolder: {
      doc: 'Creates a folder in a folder.',
      takes: { name: 'text', parent: 'text' },
      method: 'POST',
      path: `${api}/files`,
      headers,
      body: { data: { attributes: { name: '{name}', parent_id: '{parent}' }, type: 'files' } },
      contentType: json,
      gives: 'raw',
    },
    createTeamFolder: {
      doc: 'Creates a folder of a team; true lets everyone in the team find it.',
      takes: { name: 'text', team: 'text', description: 'text?', public: 'boolean?' },
      method: 'POST',
      path: `${api}/teamfolders`,
      headers,
      body: {
        data: {
          attributes: { name: '{name}', parent_id: '{team}', description: '{description}', is_public_within_team: '{public}' },
          type: 'teamfolders',
        },
      },
      contentType: json,
      gives: 'raw',
    },
    copy: {
      doc: 'Copies a file or a folder into a folder.',
      takes: { file: 'text', folder: 'text' },
      method: 'POST',
      path: `${api}/files/{folder}/copy`,
      headers,
      body: { data: { attributes: { resource_id: '{file}' }, type: 'files' } },
      contentType: json,
      gives: 'raw',
    },
    rename: {
      doc: 'Gives a file or a folder another name.',
      takes: { file: 'text', name: 'text' },
      method: 'PATCH',
      path: `${api}/files/{file}`,
      headers,
      body: { data: { attributes: { name: '{name}' }, type: 'files' } },
      contentType: json,
      gives: 'raw',
    },
    getFileDetails: {
      doc: 'What is known of a file or a folder.',
      takes: { file: 'text' },
      method: 'GET',
      path: `${api}/files/{file}`,
      headers,
      gives: 'raw',
    },
    getFiles: {
      doc: 'What is in a folder.',
      takes: { folder: 'text', query: 'map?' },
      method: 'GET',
      path: `${api}/files/{folder}/files`,
      headers,
      query: { '...': '{query}' },
      gives: 'raw',
    },
  },
}
