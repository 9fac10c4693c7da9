import type { FastifyInstance, FastifyRequest } from 'fastify'
import { memberText } from '../core/lossless-json.ts'
import { boundaryOf, parseMultipart } from '../core/multipart.ts'
import { invalid, Problem } from '../core/problem.ts'
import type { Part } from '../core/request.ts'
import { Failure } from '../deluge/failure.ts'
import { fileOf, type Value } from '../deluge/value.ts'
import { valueOfJson } from '../sandbox/json.ts'
import { writtenText } from './written-text.ts'

const partsOf = new WeakMap<FastifyRequest, readonly Part[]>()

/** Multipart bodies for the routes of this plugin: what they hold is read by `givenArguments`. */
export function takeMultipart(app: FastifyInstance): void {
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    const boundary = boundaryOf(request.headers['content-type'] ?? '')
    try {
      if (boundary === null) throw new Problem('malformed_request')
      partsOf.set(request, parseMultipart(body as Buffer, boundary))
      done(null, {})
    } catch (error) {
      done(error instanceof Error ? error : new Problem('malformed_request'))
    }
  })
}

/** A part as a script's value: a file when it came with a file name, else its text. */
export const valueOfPart = ({ filename, contentType, bytes }: Part): Value =>
  filename === null ? bytes.toString('utf8') : fileOf(filename || 'file', new Uint8Array(bytes), contentType ?? undefined)

/** The members of a JSON object as a script's values. @throws Problem validation_failed */
export function valuesOfJson(text: string, path: string): Map<string, Value> {
  try {
    const value = valueOfJson(text)
    if (value === null) return new Map()
    if (typeof value === 'object' && value.kind === 'map') return new Map(value.entries)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
  throw invalid(path, 'Give a map of arguments by their names.')
}

/** The arguments of a run: the member `arguments` of the JSON body, or the parts of a multipart one, `arguments` (JSON) among them. */
export function givenArguments(request: FastifyRequest): Map<string, Value> {
  const parts = partsOf.get(request)
  if (!parts) {
    const text = memberText(writtenText(request), 'arguments')
    return text === null ? new Map<string, Value>() : valuesOfJson(text, 'arguments')
  }
  const values = new Map<string, Value>()
  for (const part of parts)
    if (part.name === 'arguments' && part.filename === null)
      for (const [name, value] of valuesOfJson(part.bytes.toString('utf8'), 'arguments')) values.set(name, value)
    else values.set(part.name, valueOfPart(part))
  return values
}
