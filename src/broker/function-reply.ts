import { headerNamePattern, headerValuePattern } from '../core/request.ts'
import type { OwnReply } from '../sandbox/reply.ts'
import type { Ran } from './function-run.ts'

/** What a public call is answered with. */
export interface PublicReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const json = 'application/json;charset=UTF-8'

const jsonReply = (status: number, body: Buffer): PublicReply => ({ status, headers: { 'content-type': json }, body })

/** FN-9. `code` is that of a problem, or `function_failed`. */
export const failureReply = (status: number, code: string, message: string, details: Readonly<Record<string, unknown>> = {}): PublicReply =>
  jsonReply(status, Buffer.from(JSON.stringify({ code, details, message, status: 'error' })))

/**
 * Headers that are ours to set: they frame the answer, or would loosen what keeps a function's page away from the console, which is on the
 * same origin: `nel` and `report-to` hold for the whole origin. `x-accel-redirect` and its like are orders to a proxy in front of us.
 */
const ours =
  /^(?:content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|date|server|content-encoding|content-type|set-cookie2?|alt-svc|clear-site-data|service-worker-allowed|content-security-policy.*|x-content-type-options|strict-transport-security|access-control-allow-credentials|cross-origin-.*|origin-agent-cluster|patchbay-.*|www-authenticate|proxy-.*|nel|report-to|reporting-endpoints|x-accel-.*|x-sendfile|x-lighttpd-.*)$/

/** FN-8. What may be sent is judged here, and not on the thread that the script ran on. */
function ownReply({ status: asked, headers, contentType, body, bodyType, file }: OwnReply): PublicReply {
  const status = asked === null ? 200 : Number(asked)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return failureReply(500, 'function_failed', 'The status_code of crmAPIResponse is a whole number from 200 to 599.')
  const type = file?.contentType ?? (bodyType === 'json' ? json : 'text/plain;charset=UTF-8')
  const text = contentType !== null && headerValuePattern.test(contentType) ? contentType : type
  const own = headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => headerNamePattern.test(name) && headerValuePattern.test(value) && !ours.test(name))
  return {
    status,
    headers: {
      ...(file !== null && { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}` }),
      ...Object.fromEntries(own),
      'content-type': headerValuePattern.test(text) ? text : 'application/octet-stream',
    },
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  }
}

/** The words of the original for what a function gives (FN-7). */
const outputTypes: Readonly<Record<string, string>> = { text: 'string', number: 'int', boolean: 'bool', null: 'string' }

/** The answer of a public call (FN-7 … FN-9). */
export function publicReply({ id, result }: Ran): PublicReply {
  const { error, outputType, written } = result
  if (error !== null) {
    const { code = 'function_failed', ...facts } = error.facts
    const waiting = code === 'authorization_required' || code === 'reauthorization_required' || code === 'connection_revoked'
    return failureReply(waiting ? 409 : 500, waiting ? code : 'function_failed', error.message, {
      id,
      line: error.line,
      ...facts,
    })
  }
  if (!written?.reply) throw new Error('a public call without its reply')
  if (written.reply.kind === 'own') return ownReply(written.reply)
  const before = `{"code":"success","details":{${outputType === 'void' ? '"type":"VOID",' : ''}"output":`
  const details = JSON.stringify({ output_type: outputTypes[outputType] ?? outputType, id })
  const after = `,${details.slice(1)},"message":"function executed successfully"}`
  return jsonReply(200, Buffer.concat([Buffer.from(before), written.reply.text, Buffer.from(after)]))
}
