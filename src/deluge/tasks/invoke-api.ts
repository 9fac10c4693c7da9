import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import type { Value } from '../value.ts'
import { connectionFor } from './default-connection.ts'
import type { Task, Tasks } from './define.ts'
import { callOf, connectionAttribute, invoke, invokeUrl, replyAttributes, replyOf, requestAttributes, textAttribute } from './invoke-url.ts'

/** The services that `invokeapi` names (§2.5) → the namespace whose origin and default connection they have. */
const namespaces: Readonly<Record<string, string>> = {
  zohocrm: 'zoho.crm',
  zohobooks: 'zoho.books',
  zohoinvoice: 'zoho.invoice',
  zohobilling: 'zoho.billing',
  zohoinventory: 'zoho.inventory',
  zohobookings: 'zoho.bookings',
  zohocreator: 'zoho.creator',
  zohoworkdrive: 'zoho.workdrive',
}

/** A call of a path at the origin of a namespace. The path cannot change the host: a slash always comes before it. */
function invokeAt(context: Context, namespace: string, path: string, attributes: Readonly<Record<string, Value>>): Value {
  if (path === '' || /^[a-z][a-z0-9+.-]*:/i.test(path)) throw new Failure('Give the path that follows the host: "crm/v8/Leads".')
  const call = callOf(context, context.host.apiOrigin(namespace) + (path.startsWith('/') ? path : `/${path}`), attributes)
  return invoke(context, { ...call, connection: connectionFor(context, namespace, call.connection) }, replyOf(context, attributes))
}

function run(context: Context, attributes: Readonly<Record<string, Value>>): Value {
  const service = textAttribute(context, attributes['service'])?.toLowerCase() ?? ''
  const namespace = Object.hasOwn(namespaces, service) ? namespaces[service] : undefined
  if (namespace === undefined) throw new Failure(`\`service\` is one of ${Object.keys(namespaces).join(', ')}.`)
  const path = textAttribute(context, attributes['path']) ?? ''
  return invokeAt(context, namespace, path, attributes)
}

/** Of ServiceDesk Plus: the same block with an address relative to the service (§2.5). */
const serviceDeskUrl: Task = {
  ...invokeUrl,
  attributes: { ...invokeUrl.attributes, url: { type: 'text', required: true, doc: 'What follows the host: "/api/v3/requests".' } },
  doc: 'Calls ServiceDesk Plus: `invokeurl` with an address relative to the service.',
  run: (context, given) => {
    const path = textAttribute(context, given['url']) ?? ''
    return invokeAt(context, 'zoho.sdp', path, given)
  },
  example: 'response = zoho.sdp.invokeurl\n[\n\turl: "/api/v3/requests"\n\ttype: GET\n\tconnection: "service_desk"\n];',
}

export const invokeApiTasks: Tasks = {
  'zoho.sdp.invokeurl': serviceDeskUrl,
  invokeapi: {
    doc: 'Calls the API of a Zoho service in the data centre of the organisation, over the connection named or the default connection of the service.',
    gives: 'any',
    attributes: {
      service: { type: 'constant', words: Object.keys(namespaces), required: true, doc: 'The service to call.' },
      path: { type: 'text', required: true, doc: 'What follows the host: "crm/v8/Leads".' },
      ...requestAttributes,
      'content-type': { type: 'text', doc: 'The content type of the body, when no header gives it.' },
      files: { type: 'any', doc: 'A file or a list of files, sent as multipart/form-data.' },
      connection: connectionAttribute,
      ...replyAttributes,
    },
    run,
    example: 'leads = invokeapi\n[\n\tservice: zohocrm\n\tpath: "crm/v8/Leads"\n\ttype: GET\n\tparameters: {"fields":"Last_Name"}\n];',
  },
}
