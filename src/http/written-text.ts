import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../core/problem.ts'
import { parseInvokeText } from './invoke-door.ts'

/** The text that a request's body came as: long numbers in it go on as they were written. */
const writtenTexts = new WeakMap<FastifyRequest, string>()

/** JSON with its own text kept, and long numbers exact. Only the routes of this plugin pay for that. `emptyIsNull`: no body is one, too. */
export function keepText(app: FastifyInstance, { emptyIsNull = false } = {}): void {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    if (text === '' && emptyIsNull) return done(null, null)
    try {
      const parsed = parseInvokeText(text)
      writtenTexts.set(request, text)
      done(null, parsed)
    } catch (error) {
      done(error instanceof Problem ? error : new Problem('malformed_request'))
    }
  })
}

export const writtenText = (request: FastifyRequest): string => writtenTexts.get(request) ?? ''
