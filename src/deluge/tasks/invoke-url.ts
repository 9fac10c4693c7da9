import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import type { Value } from '../value.ts'
import { automatically, jsonValue, valueOf, type Reply } from './decode.ts'
import type { AttributeType, Task, Tasks } from './define.ts'
import { isMap } from './multipart.ts'
import { methods, requestOf, type Call } from './request.ts'

/** Makes one call and reads its answer. One call of the run's limit, whatever comes of it. */
export function invoke(context: Context, call: Call, reply: Reply = automatically): Value {
  const request = requestOf(context, call, text => jsonValue(context, text))
  context.meter.called()
  return valueOf(context, context.host.send(request), request.url, reply)
}

/** A text attribute; null when it is left out, null or empty. */
export const textAttribute = (context: Context, value: Value | undefined): string | null =>
  value === undefined || value === null ? null : (typeof value === 'string' ? value : textOf(context.surroundings, value)).trim() || null

export function replyOf(context: Context, attributes: Readonly<Record<string, Value>>): Reply {
  const format = textAttribute(context, attributes['response-format'])?.toUpperCase() ?? 'NONE'
  return {
    detailed: attributes['detailed'] === true,
    // NONE is what is meant when the attribute is left out (URL-13).
    format: format === 'FILE' ? 'file' : format === 'STRING' ? 'text' : 'auto',
    charset: textAttribute(context, attributes['response-decoding']),
  }
}

/** The attributes that say what the answer shall be. */
export const replyAttributes: Readonly<Record<string, AttributeType>> = {
  detailed: { type: 'boolean', doc: 'true gives a map with responseText, responseHeader and responseCode.' },
  'response-format': {
    type: 'constant',
    words: ['FILE', 'STRING', 'NONE'],
    doc: 'FILE gives a file and STRING a text, whatever the answer is.',
  },
  'response-decoding': { type: 'text', doc: 'The charset of the answer, for services that name a wrong one or none.' },
}

export const connectionAttribute: AttributeType = {
  type: 'name',
  doc: 'The link name of a connection. Without it the call carries no credentials.',
}

/** Attributes of the request that `invokeurl` and `invokeapi` share. */
export const requestAttributes: Readonly<Record<string, AttributeType>> = {
  type: { type: 'constant', words: methods, doc: 'The method; GET when it is left out.' },
  headers: { type: 'map', doc: 'Request headers. A value that is a map is sent as JSON text.' },
  parameters: {
    type: 'any',
    doc: 'A map: the query of GET and DELETE, an urlencoded form otherwise. Text or a file: the raw body. Beside `body`: the query.',
  },
  body: {
    type: 'any',
    doc: 'A map: multipart/form-data, or JSON or a form when the headers say so. Text: text/plain. A file: its bytes. A list: parts.',
  },
}

/** What the attributes of a request mean; the address is the caller's to find. */
export function callOf(context: Context, url: string, attributes: Readonly<Record<string, Value>>): Call {
  const method = textAttribute(context, attributes['type'])?.toUpperCase() ?? 'GET'
  if (!(methods as readonly string[]).includes(method))
    throw new Failure(`\`type\` is one of ${methods.join(', ')}, not ${method.slice(0, 50)}.`)
  const headers = attributes['headers'] ?? null
  if (headers !== null && !isMap(headers)) throw new Failure('`headers` must be a map.')
  return {
    url,
    method,
    connection: textAttribute(context, attributes['connection']),
    headers,
    contentType: textAttribute(context, attributes['content-type']),
    parameters: attributes['parameters'] ?? null,
    body: attributes['body'] ?? null,
    files: attributes['files'] ?? null,
  }
}

const attributes: Readonly<Record<string, AttributeType>> = {
  url: { type: 'text', required: true, doc: 'An absolute address.' },
  ...requestAttributes,
  'content-type': { type: 'text', doc: 'The content type of the body, when no header gives it.' },
  files: {
    type: 'any',
    doc: 'A file or a list of files, sent as multipart/form-data. A map {"stringPart":"true","paramName":…,"content":…} among them is a text part; it may name its "Content-Type".',
  },
  connection: connectionAttribute,
  // Chat scripts say with it whose account is used. Here the connection itself says so (CON-40, CON-41), whatever is written.
  useraccess: { type: 'boolean', doc: 'Read and not used: whether the account of the login user is taken is set on the connection.' },
  ...replyAttributes,
}

export const invokeUrl: Task = {
  doc: 'Calls an address, through a connection when one is named, and gives what was answered: a map, a list, a text or a file. An answer with status 4xx or 5xx is an answer too; only a call that got none fails.',
  gives: 'any',
  attributes,
  run: (context, given) => invoke(context, callOf(context, textAttribute(context, given['url']) ?? '', given), replyOf(context, given)),
  example: 'response = invokeurl\n[\n\turl: "https://us1.api.mailchimp.com/3.0/lists"\n\ttype: GET\n\tconnection: "mailchimp"\n];',
}

export const invokeUrlTasks: Tasks = { invokeurl: invokeUrl }
