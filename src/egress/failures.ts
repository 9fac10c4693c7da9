import { Problem } from '../core/problem.ts'

/** What undici's error means to the caller. `sent`: whether any of the request may have reached the service. */
export function problemOf(error: Error, host: string, sent: boolean): Problem {
  if (error instanceof Problem) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  switch (code) {
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return new Problem('shutting_down', {}, { cause: error })
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
      // undici's own sentence: it names the method or the header, never a value.
      return new Problem('validation_failed', { detail: `The call cannot be written as HTTP/1.1: ${error.message}.` }, { cause: error })
    case 'UND_ERR_HEADERS_OVERFLOW':
      return broken(host, code, 'the headers of its answer are larger than 16 KiB.', sent, error)
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return broken(host, code, 'the request body was not as long as announced.', sent, error)
    default:
      return broken(host, code, `the connection broke (${code}).`, sent, error)
  }
}

/** Any failure that is not a matter of time or size. */
export function broken(host: string, reason: string, sentence: string, sent: boolean, cause?: unknown): Problem {
  return new Problem('upstream_unreachable', { host, reason, sent, detail: `${host} gave no usable answer: ${sentence}` }, { cause })
}

export const timedOut = (
  host: string,
  seconds: number,
  sent: boolean,
  detail = `${host} did not answer within ${seconds} seconds.`,
): Problem => new Problem('upstream_timeout', { host, seconds, sent, detail })

export const tooLarge = (host: string, bytes: number): Problem =>
  new Problem('response_too_large', {
    host,
    limit: bytes,
    detail: `The answer of ${host} is larger than the ${bytes} bytes that are accepted.`,
  })

/** Until its deadline the answer, which is more than a small one, was given no room in memory. */
export const noRoom = (host: string): Problem =>
  new Problem('large_bodies_busy', {
    host,
    sent: true,
    retry_after: 5,
    detail: `The answer of ${host} is large, and this server had no room for the whole of it in time: it holds many large ones. Try again after as many seconds as Retry-After says, or call through the proxy, which passes an answer on as it comes.`,
  })

/** All lanes to it are busy, and enough calls wait for one. */
export const saturated = (host: string): Problem => new Problem('upstream_saturated', { host, retry_after: 1 })
