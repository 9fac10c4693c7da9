import type { AuthType, Parameter, Scope, Service, ServiceInput } from '../../../sdk/index.ts'

/** A definition as the form holds it: every field of every type, so that changing the type loses nothing. Never a secret. */
export interface ServiceDraft {
  readonly auth_type: AuthType
  readonly name: string
  readonly link_name: string
  readonly description: string
  readonly category: string
  readonly documentation_url: string
  readonly logo: string
  readonly param_type: Service['param_type']
  readonly grant_type: 'authorization_code' | 'client_credentials'
  readonly request_token_url: string
  readonly authorize_url: string
  readonly access_token_url: string
  readonly refresh_token_url: string
  readonly revoke_token_url: string
  readonly client_id: string
  readonly scopes: readonly Scope[]
  readonly scope_delimiter: 'comma' | 'space' | 'plus'
  readonly parameters: readonly Parameter[]
  readonly api_hosts: readonly string[]
  readonly advanced: Readonly<Record<string, unknown>>
}

export const emptyDraft: ServiceDraft = {
  auth_type: 'oauth2',
  name: '',
  link_name: '',
  description: '',
  category: '',
  documentation_url: '',
  logo: '',
  param_type: 'header',
  grant_type: 'authorization_code',
  request_token_url: '',
  authorize_url: '',
  access_token_url: '',
  refresh_token_url: '',
  revoke_token_url: '',
  client_id: '',
  scopes: [],
  scope_delimiter: 'comma',
  parameters: [{ name: '', display_name: '' }],
  api_hosts: [],
  advanced: {},
}

export const draftOf = (service: Service): ServiceDraft => ({
  auth_type: service.auth_type,
  name: service.name,
  link_name: service.link_name,
  description: service.description ?? '',
  category: service.category ?? '',
  documentation_url: service.documentation_url ?? '',
  logo: service.logo ?? '',
  param_type: service.param_type,
  grant_type: service.grant_type ?? 'authorization_code',
  request_token_url: service.request_token_url ?? '',
  authorize_url: service.authorize_url ?? '',
  access_token_url: service.access_token_url ?? '',
  refresh_token_url: service.refresh_token_url ?? '',
  revoke_token_url: service.revoke_token_url ?? '',
  client_id: service.client_id ?? '',
  scopes: service.scopes ?? [],
  scope_delimiter: service.scope_delimiter ?? 'comma',
  parameters: service.parameters ?? emptyDraft.parameters,
  api_hosts: service.api_hosts,
  advanced: service.advanced,
})

/** Where the credential can go, by type. */
export const paramTypesOf = (type: AuthType): readonly Service['param_type'][] =>
  type === 'basic' ? ['header'] : type === 'oauth2' ? ['header', 'query'] : ['header', 'query', 'form']

const urlFields = {
  basic: [],
  api_key: [],
  oauth1: ['request_token_url', 'authorize_url', 'access_token_url', 'refresh_token_url'],
  oauth2: ['authorize_url', 'access_token_url', 'refresh_token_url', 'revoke_token_url'],
} as const satisfies Record<AuthType, readonly (keyof ServiceDraft)[]>

/** A list or a map that was opened and left empty says nothing. */
const isNothing = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** The fields of the draft's own type, as the API takes them. The secret stands beside. */
export const inputOf = (draft: ServiceDraft): ServiceInput => {
  const { auth_type } = draft
  const orNull = (text: string) => text.trim() || null
  const isOAuth = auth_type === 'oauth1' || auth_type === 'oauth2'
  return {
    auth_type,
    link_name: draft.link_name,
    name: draft.name.trim(),
    description: orNull(draft.description),
    category: orNull(draft.category),
    documentation_url: orNull(draft.documentation_url),
    logo: orNull(draft.logo),
    param_type: paramTypesOf(auth_type).includes(draft.param_type) ? draft.param_type : 'header',
    ...Object.fromEntries(urlFields[auth_type].map(field => [field, orNull(draft[field])])),
    ...(isOAuth && { client_id: orNull(draft.client_id) }),
    ...(auth_type === 'oauth2' && { grant_type: draft.grant_type, scopes: draft.scopes, scope_delimiter: draft.scope_delimiter }),
    ...(auth_type === 'api_key' && { parameters: draft.parameters }),
    // left out, they are derived from the URLs
    ...((!isOAuth || draft.api_hosts.length > 0) && { api_hosts: draft.api_hosts }),
    advanced: Object.fromEntries(Object.entries(draft.advanced).filter(([, value]) => !isNothing(value))),
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

/** What a PATCH has to say: the fields that differ. */
export const changesOf = (before: ServiceDraft, after: ServiceDraft): Record<string, unknown> => {
  const old: Readonly<Record<string, unknown>> = inputOf(before)
  const now: Readonly<Record<string, unknown>> = inputOf(after)
  const named = Object.fromEntries(Object.entries(now).filter(([field, value]) => !same(value, old[field])))
  // emptied: derived again
  return 'api_hosts' in old && !('api_hosts' in now) ? { ...named, api_hosts: [] } : named
}

/** The draft on top of what somebody else saved meanwhile: fields that were not touched here are theirs. */
export const rebased = (draft: ServiceDraft, before: ServiceDraft, theirs: ServiceDraft): ServiceDraft => {
  const touched = Object.entries(draft).filter(([field, value]) => !same(value, before[field as keyof ServiceDraft]))
  return { ...theirs, ...Object.fromEntries(touched) }
}

/** `{name}` in a URL. */
const placeholder = /\{([a-z][a-z0-9_]{0,49})\}/g

const isUrl = (text: string): boolean => {
  const sample = text.trim().replace(placeholder, 'x')
  return /^https?:\/\/[^/\\]/i.test(sample) && URL.canParse(sample)
}

const clientWordsOf = (type: AuthType) => (type === 'oauth1' ? 'consumer key' : 'client id')

/** What can be seen to be wrong before the server is asked, by the path that the server would name. */
export const problemsOf = (
  draft: ServiceDraft,
  about: {
    readonly administrator: boolean
    readonly secret: string
    readonly secretStored: boolean /** What is wrong with the link name; null when nothing is. */
    readonly linkName: string | null
  },
): Record<string, string> => {
  const errors: Record<string, string> = {}
  const { auth_type, grant_type } = draft
  const isOAuth = auth_type === 'oauth1' || auth_type === 'oauth2'
  if (draft.name.trim() === '') errors.name = 'A name is needed.'
  else if ([...draft.name.trim()].length > 50) errors.name = 'A name has 50 characters at most.'
  if (about.linkName !== null) errors.link_name = about.linkName

  const optional: readonly string[] = [
    'refresh_token_url',
    'revoke_token_url',
    ...(grant_type === 'client_credentials' ? ['authorize_url'] : []),
  ]
  for (const field of urlFields[auth_type]) {
    const url = draft[field]
    if (url.trim() === '' ? !optional.includes(field) : !isUrl(url))
      errors[field] =
        url.trim() === '' ? 'This URL is needed.' : 'Write an absolute URL, https://…, without user name, password or fragment.'
  }
  if (isOAuth && draft.client_id.trim() === '') errors.client_id = `The ${clientWordsOf(auth_type)} is needed.`
  if (auth_type === 'oauth1' && about.secret === '' && !about.secretStored) errors.client_secret = 'The consumer secret is needed.'
  if (auth_type === 'api_key')
    draft.parameters.forEach((one, index) => {
      if (one.name.trim() === '') errors[`parameters.${index}.name`] = 'A name is needed.'
      if (one.display_name.trim() === '') errors[`parameters.${index}.display_name`] = 'A display name is needed.'
    })
  if (!isOAuth && draft.api_hosts.length === 0) errors.api_hosts = 'Name the hosts that may receive the credential.'
  if (draft.api_hosts.includes('*') && !about.administrator) errors.api_hosts = 'Only an administrator may allow every host ("*").'
  return errors
}

/**
 * What the hosts follow from, as a service that the server can judge although the rest of it is not typed yet. Null without an access
 * token URL, or when hosts are named.
 */
export const hostsInput = ({ auth_type, access_token_url, authorize_url, advanced, api_hosts }: ServiceDraft): ServiceInput | null => {
  if ((auth_type !== 'oauth1' && auth_type !== 'oauth2') || api_hosts.length > 0 || !isUrl(access_token_url)) return null
  const token = access_token_url.trim()
  const authorize = isUrl(authorize_url) ? authorize_url.trim() : null
  return {
    auth_type,
    access_token_url: token,
    ...(auth_type === 'oauth2'
      ? { grant_type: 'client_credentials', authorize_url: authorize }
      : { request_token_url: token, authorize_url: authorize ?? token }),
    ...('variables' in advanced && { advanced: { variables: advanced.variables } }),
    name: 'Hosts',
    link_name: 'hosts_of_a_draft',
    client_id: 'none',
    client_secret: 'none',
  }
}

export interface AskedVariable {
  readonly name: string
  readonly label: string
  readonly choices: readonly string[] | null
  readonly secret: boolean
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The variables that a connection will be asked for, as far as the form tells: the declared ones, and `{name}` in URLs and hosts. */
export const variablesOf = (draft: ServiceDraft): AskedVariable[] => {
  const declared = isMap(draft.advanced.variables) ? draft.advanced.variables : {}
  const captured = ['capture', 'capture_callback'].flatMap(knob => (isMap(draft.advanced[knob]) ? Object.keys(draft.advanced[knob]) : []))
  const texts = [
    ...urlFields[draft.auth_type].map(field => draft[field]),
    ...draft.api_hosts,
    draft.advanced.base_url,
    draft.advanced.test_url,
  ]
  const written = texts.flatMap(text => (typeof text === 'string' ? [...text.matchAll(placeholder)].map(match => match[1] ?? '') : []))
  return [...new Set([...Object.keys(declared), ...written])].flatMap(name => {
    const one = isMap(declared[name]) ? declared[name] : {}
    if (one.captured === true || captured.includes(name)) return []
    return [
      {
        name,
        label: typeof one.label === 'string' && one.label !== '' ? one.label : name,
        choices: Array.isArray(one.choices) ? one.choices.map(String) : null,
        secret: one.secret === true,
      },
    ]
  })
}
