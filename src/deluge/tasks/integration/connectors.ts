import type { Context } from '../../builtins/define.ts'
import { Failure } from '../../failure.ts'
import { textOf } from '../../text.ts'
import { mapOf, type KeyValue, type Value } from '../../value.ts'
import { connectionFor } from '../default-connection.ts'
import { invoke } from '../invoke-url.ts'
import { fieldTextOf, isMap } from '../multipart.ts'
import { callTo, percentEncode, type Call } from '../request.ts'

/** What `invokeConnector` gives: the status and the body as text (§5.2). */
const replied = (status: number, response: Value): KeyValue =>
  mapOf([
    ['status_code', status],
    ['response', response],
  ])

function called(context: Context, path: string, over: Partial<Call>): Value {
  const connection = connectionFor(context, 'zoho.crm', null)
  const answer = invoke(
    context,
    { ...callTo(context.host.apiOrigin('zoho.crm') + path), connection, ...over },
    { detailed: true, format: 'text', charset: null },
  )
  if (!isMap(answer)) return answer
  const status = answer.entries.get('responseCode')
  return replied(typeof status === 'number' ? status : 0, answer.entries.get('responseText') ?? '')
}

const module = (context: Context, map: KeyValue): string => percentEncode(fieldTextOf(context, map.entries.get('module') ?? null))

/** The connectors that every CRM has (§5.2). Those of extensions belong to the extension. */
const connectors: Readonly<Record<string, (context: Context, map: KeyValue) => Value>> = {
  'crm.set': (context, map) => {
    context.host.setVariable(fieldTextOf(context, map.entries.get('apiname') ?? null), map.entries.get('value') ?? null, context.from)
    return replied(200, '{"status":"success"}')
  },
  'crm.create': (context, map) =>
    called(context, `/crm/v2/${module(context, map)}`, {
      method: 'POST',
      body: mapOf([['data', map.entries.get('data') ?? null]]),
      contentType: 'application/json',
    }),
  'crm.modulesmeta': context => called(context, '/crm/v2/settings/modules', {}),
  'crm.getorg': context => called(context, '/crm/v2/org', {}),
  'crm.update': (context, map) =>
    called(context, `/crm/v2/${module(context, map)}`, {
      method: 'PUT',
      body: mapOf([['data', map.entries.get('data') ?? null]]),
      contentType: 'application/json',
    }),
  'crm.delete': (context, map) =>
    called(context, `/crm/v2/${module(context, map)}/${percentEncode(fieldTextOf(context, map.entries.get('id') ?? null))}`, {
      method: 'DELETE',
    }),
  'crm.search': (context, map) =>
    called(context, `/crm/v2/${module(context, map)}/search`, { parameters: mapOf([['criteria', map.entries.get('criteria') ?? null]]) }),
  'crm.getusers': (context, map) => called(context, '/crm/v2/users', { parameters: map.entries.size > 0 ? map : null }),
}

/** Lower-case names of the connectors there are. */
export const connectorNames: ReadonlySet<string> = new Set(Object.keys(connectors))

/** `zoho.crm.invokeConnector("crm.set", {"apiname":…,"value":…})`. */
export function invokeConnector(context: Context, values: readonly Value[]): Value {
  const name = textOf(context.surroundings, values[0] ?? '').toLowerCase()
  const map = values[1] ?? null
  const connector = Object.hasOwn(connectors, name) ? connectors[name] : undefined
  if (connector === undefined)
    throw new Failure(`The connector "${name.slice(0, 100)}" is not available here yet: call the service with \`invokeurl\`.`)
  if (map === null || !isMap(map)) throw new Failure('zoho.crm.invokeConnector takes the name of a connector and a map.')
  return connector(context, map)
}

/** `zoho.crm.getOrgVariable("name")`: a variable of the function or the organisation. */
export const getOrgVariable = (context: Context, values: readonly Value[]): Value =>
  context.host.variable(textOf(context.surroundings, values[0] ?? '').trim(), context.from)
