import type { Problem, ProblemCode } from '../core/problem.ts'
import { Failure } from '../deluge/failure.ts'

/** What whoever wrote the script does about it, where the problem's own sentence speaks to somebody else or only says what happened. */
const advice: Partial<Record<ProblemCode, string>> = {
  connection_not_found:
    'Create a connection with this link name or correct the name; if there is one, its owner must let the author of this function use it.',
  owner_inactive: 'Until then, name another connection.',
  upstream_timeout: 'Ask for less at once, or try again later.',
  upstream_unreachable: 'Check the address in the call, and whether the service is up.',
  response_too_large: 'Ask for less at once, page by page.',
  request_too_large: 'Send less at once.',
}

const noLoginUser =
  'it is used with the login of whoever runs the function, and nobody does here: a schedule, or a call by key. Have a person run it, or name a connection that everybody uses with one account.'

/** Never more of a link name or a header than fits a sentence. */
const named = (fact: unknown): string => (typeof fact === 'string' ? fact.slice(0, 60) : '')

/** The table's sentence speaks of a field of the answer; a script's log has only the sentence. */
const withAddress = (message: string, url: unknown): string =>
  typeof url === 'string' ? message.replace(/"(?:connect|confirm)_url"/, url) : message

function wordsOf(problem: Problem): string {
  const { code, facts, message, errors } = problem
  const connection = named(facts.connection)
  switch (code) {
    // CON-73 and CON-74: the words of the original, then ours
    case 'connection_not_found':
      return `Connection Name was not found: ${connection}.`
    case 'authorization_required':
    case 'reauthorization_required':
    case 'connection_revoked':
    case 'owner_inactive':
      return `UnAuthenticated Connections: ${connection}: ${facts.reason === 'no_login_user' ? noLoginUser : withAddress(message, facts.connect_url)}`
    case 'destination_not_confirmed':
      return withAddress(message, facts.confirm_url)
    case 'upstream_timeout':
      return `Socket timeout error: ${message}`
    case 'header_not_allowed':
      return `The header ${named(facts.header)}: ${message}`
    case 'parameter_conflict':
      return `The parameter ${named(facts.parameter)}: ${message}`
    case 'validation_failed':
      return errors.length === 0 ? message : errors.map(one => one.message).join(' ')
    default:
      return message
  }
}

/** A refusal as the script sees it: it may catch it, and what is public of it stays public. It says what to do. */
export function failureOf(problem: Problem): Failure {
  const kept: Record<string, string> = { code: problem.code }
  for (const name of ['connection', 'connect_url', 'confirm_url', 'reason', 'host']) {
    const fact = problem.facts[name]
    if (typeof fact === 'string') kept[name] = fact
  }
  const more = advice[problem.code]
  return new Failure(more === undefined ? wordsOf(problem) : `${wordsOf(problem)} ${more}`, 'call', kept)
}
