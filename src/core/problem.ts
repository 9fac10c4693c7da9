/**
 * Every way this system says no. One row = one code, its HTTP status (RFC 9110), and its sentence,
 * which says what to do. A door may add `facts`; it never writes another sentence for the same code
 * unless the problem itself carries a more exact one (`detail`).
 */
export const problems = {
  // who is calling
  unauthenticated: [401, 'Sign in, or send an API key as "Authorization: Bearer pb_…".'],
  forbidden: [403, 'Your role does not allow this. Ask an administrator of the organisation.'],
  csrf_refused: [403, 'This request did not come from a page of Patchbay: send the Origin header of the public URL, or use an API key.'],
  insufficient_scope: [
    403,
    'The scopes of this API key do not allow this. Use another key, or make one that has the scope named in "scope".',
  ],
  sign_in_failed: [401, 'This e-mail and password do not belong together. Check both, or ask an administrator for a reset link.'],
  sign_in_required: [409, 'This e-mail already has an account. Sign in with it first, then open the invitation again.'],
  act_as_not_allowed: [403, 'Only an API key created with "act_as" may send Patchbay-Subject, and only for a member of its organisation.'],
  already_set_up: [409, 'This Patchbay has its administrator already. Sign in instead.'],
  setup_token_invalid: [403, 'This set-up link is not valid. Use the newest link that the server printed when it started.'],
  invitation_invalid: [404, 'This invitation was used, withdrawn or has expired. Ask an administrator for a new one.'],
  reset_link_invalid: [404, 'This link was used already or has expired. Ask an administrator for a new one.'],
  last_administrator: [409, 'An organisation needs an administrator. Make somebody else administrator first.'],
  member_not_found: [404, 'The organisation has no such member.'],
  key_not_found: [404, 'There is no such API key, or it is not yours.'],
  organization_not_found: [404, 'There is no such organisation, or you are not a member of it.'],
  slug_taken: [409, 'Another organisation has this slug. Choose another one.'],
  login_not_approved: [404, 'This login was not started here, was used already, or has expired. Run "patchbay login" again.'],

  // input
  validation_failed: [422, 'Some fields are not right. Each is listed in "errors" with what it should be.'],
  link_name_taken: [409, 'This link name is in use already. Choose another one.'],
  malformed_request: [400, 'The request could not be read. Send valid JSON, UTF-8, with the content type application/json.'],
  unsupported_media_type: [415, 'Send the content type application/json.'],
  not_found: [404, 'There is nothing here. Check the path against /docs.'],
  method_not_allowed: [405, 'This path does not take that method. Check it against /docs.'],
  request_too_large: [413, 'The request body is larger than this server accepts.'],
  target_too_long: [414, 'The address in the request line is longer than 8 KiB. Send what is long in the body.'],
  headers_too_large: [
    431,
    'The headers of the request are larger than 16 KiB together. Leave out what is not needed, cookies of other sites for example.',
  ],
  request_timeout: [408, 'The request did not arrive in time. Send it again, without pauses.'],
  host_not_ours: [
    421,
    'Patchbay does not answer under the name in the Host header. Ask it by its public URL, or by its address; the operator can add names to PATCHBAY_OTHER_HOSTS.',
  ],
  too_many_requests: [429, 'Too many requests. Wait as long as Retry-After says, then try again.'],
  precondition_failed: [412, 'It was changed in the meantime. Read it again, then repeat your change.'],

  // services
  service_not_found: [404, 'No service has this link name.'],
  service_not_configured: [
    409,
    'An administrator must first register the organisation’s own client id and secret for this service. You can ask them to.',
  ],
  service_configured: [409, 'The client of this service is registered already. Connect it.'],
  service_in_use: [409, 'Connections were made with this service. Delete them first.'],
  client_secret_required: [422, 'You are changing where the client secret is sent. Type the client secret again to confirm it.'],
  not_the_keeper: [403, 'Only the person who created this service edits it. An administrator may take it over first.'],

  // connections
  connection_not_found: [404, 'No connection has this link name, or you may not use it. Check the name, or ask its owner to let you.'],
  authorization_required: [
    409,
    'This connection is not authorised yet for the person it is called for. Open "connect_url" and connect it.',
  ],
  reauthorization_required: [409, 'The service no longer accepts this authorisation. Open "connect_url" and connect it again.'],
  connection_revoked: [409, 'This authorisation was revoked. Open "connect_url" and connect it again.'],
  owner_inactive: [
    409,
    'The owner of this connection is no longer an active member. An administrator must delete it, or its owner come back.',
  ],
  not_the_owner: [403, 'Only the owner of this connection may do that. A shared connection can only be revoked.'],
  credentials_refused: [422, 'The service did not accept these values. Check them and try again.'],
  test_not_available: [409, 'This service declares no test call. Invoke one of its URLs instead.'],

  // authorisation flows
  flow_expired: [400, 'This authorisation was finished already, was never started here, or is older than ten minutes. Start it again.'],
  flow_user_mismatch: [
    403,
    'This authorisation was started by somebody else, or in another browser. Only they can finish it, where they started it.',
  ],
  context_mismatch: [400, 'The answer does not belong to the service it came back for. Start the authorisation again.'],
  authorization_declined: [400, 'The service says that access was declined. Nothing was connected; you can start again.'],
  authorization_failed: [400, 'The service did not grant the authorisation.'],

  // calling
  invalid_url: [422, 'This is not an absolute http or https URL without user name and password in it.'],
  destination_not_allowed: [403, 'This host is not among the API hosts of the service, or its address may not be called.'],
  destination_not_confirmed: [409, 'This API host was added after you connected. Open "confirm_url" and confirm it.'],
  header_not_allowed: [422, 'Patchbay sets this header itself. Leave it out.'],
  parameter_conflict: [422, 'The connection sets this parameter itself. Leave it out.'],
  param_type_mismatch: [
    422,
    'The Param Type of this service is form: the call needs a form body (urlencoded or multipart) and a method that has one.',
  ],
  client_invalid: [
    502,
    'The service refuses the client id or secret that Patchbay holds for it. The keeper of the service must correct them.',
  ],
  token_refresh_unavailable: [503, 'The service could not renew the access token just now. Try again later.'],
  refresh_in_progress: [503, 'The access token is being renewed and this took too long. Try again.'],
  upstream_unreachable: [502, 'The service could not be reached.'],
  upstream_timeout: [504, 'The service did not answer in time.'],
  upstream_saturated: [503, 'Too many calls to this service are waiting already. Try again in a moment.'],
  functions_busy: [503, 'Too many functions are running already. Try again in a moment.'],
  response_too_large: [502, 'The answer of the service is larger than this server accepts.'],
  loop_detected: [
    508,
    'This call has come through Patchbay three times already: a connection or a function leads back to itself. Change the URL that it calls.',
  ],
  upgrade_not_supported: [501, 'The proxy does not carry WebSocket or other upgrades.'],

  // functions
  function_not_found: [404, 'No function has this name.'],
  function_name_taken: [409, 'Another function of this namespace has this name. Choose another one.'],
  function_in_use: [409, 'Other functions call this one. Change them first, or delete it with "force".'],
  script_invalid: [422, 'The script has errors. Each is listed in "errors" with its line and column.'],
  variable_not_found: [404, 'There is no variable of this name.'],
  run_not_found: [404, 'There is no such run, or it is older than this server keeps runs.'],
  schedule_not_found: [404, 'There is no such schedule.'],
  too_many_schedules: [
    409,
    'The organisation has as many schedules as it may have. Delete one, or ask the operator of Patchbay to raise PATCHBAY_FUNCTION_SCHEDULES.',
  ],

  // running it
  integrity_error: [500, 'A stored secret does not belong where it was found, or was altered. It was not used; see the audit log.'],
  master_key_missing: [
    409,
    'Data keys are wrapped by a master key that this server does not have. Add it below the new one, restart, then try again.',
  ],
  deployment_mismatch: [
    503,
    'This database belongs to another Patchbay, so nothing is called or renewed with its connections. If it has moved here, run "patchbay adopt" on the server.',
  ],
  storage_unavailable: [503, 'The database does not answer. Try again in a moment.'],
  overloaded: [503, 'This server has more calls under way than it can carry. Try again after as many seconds as Retry-After says.'],
  large_bodies_busy: [
    503,
    'This server holds as many large requests and answers as it can. Try again after as many seconds as Retry-After says, or call through the proxy, which passes them on as they come.',
  ],
  shutting_down: [503, 'This instance is stopping. Try again.'],
  internal: [500, 'Something went wrong on our side. Report it with the request id.'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>

export type ProblemCode = keyof typeof problems

/** One wrong field: a dotted path as in the request (`scopes.0`) and a sentence. */
export interface FieldError {
  readonly path: string
  readonly message: string
  /** In a script, from 1; ends are exclusive. */
  readonly line?: number
  readonly column?: number
  readonly end_line?: number
  readonly end_column?: number
  /** What to write instead. */
  readonly suggestion?: string | null
}

export type Fact = string | number | boolean | null | readonly string[]

/**
 * The one error that reaches people. Anything else thrown is our bug and becomes a 500 without details.
 *
 * `facts` are public by definition: they are shown, logged and sent to the caller, so never a secret.
 * `facts.detail` replaces the table's sentence where a more exact one is known; `facts.retry_after` is in seconds.
 * Whatever is private goes into `cause`, which only the redacting log sees.
 */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly facts: Readonly<Record<string, Fact>>
  readonly errors: readonly FieldError[]

  constructor(
    code: ProblemCode,
    facts: Readonly<Record<string, Fact>> = {},
    options: { cause?: unknown; errors?: readonly FieldError[] } = {},
  ) {
    super(typeof facts.detail === 'string' ? facts.detail : problems[code][1], { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = problems[code][0]
    this.facts = facts
    this.errors = options.errors ?? []
  }
}

/** A 422 about one field. */
export const invalid = (path: string, message: string): Problem => new Problem('validation_failed', {}, { errors: [{ path, message }] })

/** A 409 about the field `link_name`. */
export const linkNameTaken = (linkName: string, detail?: string): Problem => {
  const message = detail ?? problems.link_name_taken[1]
  return new Problem(
    'link_name_taken',
    { link_name: linkName, ...(detail !== undefined && { detail }) },
    { errors: [{ path: 'link_name', message }] },
  )
}
