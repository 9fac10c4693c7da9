/** Why a service was not asked, or gave no answer, by the code of the problem. */
const problemWords: Readonly<Record<string, string>> = {
  authorization_required: 'The connection was not authorised yet for the person it was called for.',
  reauthorization_required: 'The service no longer accepted the authorisation: the connection must be connected again.',
  connection_revoked: 'The authorisation had been revoked.',
  connection_not_found: 'No connection has this link name, or the caller may not use it.',
  owner_inactive: 'The owner of the connection is no longer an active member.',
  service_not_found: 'The service of the connection is gone.',
  service_not_configured: 'No client id and secret are registered for the service.',
  client_invalid: 'The service refused the client id or secret that Patchbay holds for it. Its keeper must correct them.',
  destination_not_allowed: 'The host is not among the API hosts of the service, or its address may not be called.',
  destination_not_confirmed: 'This API host was added after the connection was authorised, and nobody has confirmed it yet.',
  header_not_allowed: 'The call carried a header that Patchbay sets itself.',
  parameter_conflict: 'The call carried a parameter that the connection sets itself.',
  param_type_mismatch: 'The Param Type of the service is form, and the call had no form body.',
  invalid_url: 'The URL of the call was not an absolute http or https URL.',
  validation_failed: 'Some fields of the call were not right.',
  request_too_large: 'The body of the call was larger than this server accepts.',
  response_too_large: 'The answer of the service was larger than this server accepts.',
  token_refresh_unavailable: 'The service could not renew the access token at that time.',
  refresh_in_progress: 'The access token was being renewed, and this took too long.',
  upstream_unreachable: 'The service could not be reached, or its answer was not waited for.',
  upstream_timeout: 'The service did not answer in time.',
  upstream_saturated: 'Too many calls to the service were waiting already.',
  upgrade_not_supported: 'The call asked for a WebSocket or another upgrade, which the proxy does not carry.',
  integrity_error: 'A stored secret did not belong where it was found, and was not used.',
  storage_unavailable: 'The database did not answer.',
  internal: 'Something went wrong in Patchbay.',
}

export const problemSentence = (code: string): string => problemWords[code] ?? `The call ended with the problem ${code}.`

/** "Destination not allowed": the code as words, where a sentence is too long. */
export const problemTitle = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ')

/** Every problem that a filter offers; others can still be in the list. */
export const problemCodes: readonly string[] = Object.keys(problemWords)

const phrases: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No content',
  304: 'Not modified',
  400: 'Bad request',
  401: 'Unauthorised',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  415: 'Wrong content type',
  422: 'Not accepted',
  429: 'Too many requests',
  500: 'Server error',
  502: 'Bad gateway',
  503: 'Unavailable',
  504: 'Gateway timeout',
}

/** A status of HTTP in words (RFC 9110, §15); by its class when it is a rare one. */
export const statusPhrase = (status: number): string =>
  phrases[status] ?? (status < 300 ? 'OK' : status < 400 ? 'Redirect' : status < 500 ? 'Client error' : 'Server error')
