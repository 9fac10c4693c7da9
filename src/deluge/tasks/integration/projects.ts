import type { Product } from './define.ts'

const portal = '/restapi/portal/{portal}/projects'
const inProject = `${portal}/{project}/{module}/`

/** Zoho Projects. Its API takes forms. */
export const projects: Product = {
  namespace: 'zoho.projects',
  subdomain: 'projectsapi',
  tasks: {
    getPortals: { doc: 'The portals that the connection sees.', takes: {}, method: 'GET', path: '/restapi/portals/', gives: 'raw' },
    getProjects: {
      doc: 'The projects of a portal.',
      takes: { portal: 'text', query: 'map?' },
      method: 'GET',
      path: `${portal}/`,
      query: { '...': '{query}' },
      gives: 'raw',
    },
    getProjectDetails: {
      doc: 'One project.',
      takes: { portal: 'text', project: 'text' },
      method: 'GET',
      path: `${portal}/{project}/`,
      gives: 'raw',
    },
    createProject: {
      doc: 'Creates a project.',
      takes: { portal: 'text', values: 'map' },
      method: 'POST',
      path: `${portal}/`,
      body: '{values}',
      send: 'form',
      gives: 'raw',
    },
    updateProject: {
      doc: 'Changes a project.',
      takes: { portal: 'text', project: 'text', values: 'map' },
      method: 'POST',
      path: `${portal}/{project}/`,
      body: '{values}',
      send: 'form',
      gives: 'raw',
    },
    getRecords: {
      doc: 'Records of a module of a project. The first of them and how many, or a map of what the API takes.',
      takes: { portal: 'text', project: 'text', module: 'text', index: 'any?', range: 'integer?' },
      method: 'GET',
      path: inProject,
      query: { index: '{index:number}', range: '{range}', '...': '{index:map}' },
      gives: 'raw',
    },
    getRecordById: {
      doc: 'One record of a module of a project.',
      takes: { portal: 'text', project: 'text', module: 'text', id: 'text' },
      method: 'GET',
      path: `${inProject}{id}/`,
      gives: 'raw',
    },
    create: {
      doc: 'Creates a record in a project: a task, a milestone, a bug ….',
      takes: { portal: 'text', project: 'text', module: 'text', values: 'map' },
      method: 'POST',
      path: inProject,
      body: '{values}',
      send: 'form',
      gives: 'raw',
    },
    update: {
      doc: 'Changes a record of a project.',
      takes: { portal: 'text', project: 'text', module: 'text', id: 'text', values: 'map' },
      method: 'POST',
      path: `${inProject}{id}/`,
      body: '{values}',
      send: 'form',
      gives: 'raw',
    },
    delete: {
      doc: 'Deletes a record of a project.',
      takes: { portal: 'text', project: 'text', module: 'text', id: 'text' },
      method: 'DELETE',
      path: `${inProject}{id}/`,
      gives: 'raw',
    },
  },
}
