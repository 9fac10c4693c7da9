import type { Advanced } from './knobs.ts'
import type { AuthType } from './service.ts'

interface KnobGroup {
  readonly title: string
  /** Where these knobs mean something. */
  readonly authTypes: readonly AuthType[]
  readonly knobs: readonly (keyof Advanced)[]
}

const oauth = ['oauth1', 'oauth2'] as const
const all = ['oauth2', 'oauth1', 'api_key', 'basic'] as const

/** The order in which a form shows the knobs. Each stands in one group: `npm run gen` fails for one that is in none, or in two. */
export const knobGroups: readonly KnobGroup[] = [
  {
    title: 'Authorize URL and callback',
    authTypes: ['oauth2'],
    knobs: [
      'authorize_params',
      'client_id_param',
      'scope_param',
      'scope_separator',
      'scope_encoding',
      'default_scopes',
      'required_scopes',
      'second_scopes',
      'pkce',
      'code_param',
      'issuer',
    ],
  },
  {
    title: 'Token request',
    authTypes: ['oauth2'],
    knobs: [
      'client_authentication',
      'client_id_header',
      'client_secret_header',
      'token_method',
      'token_body',
      'token_headers',
      'token_params',
      'refresh_params',
      'refresh_redirect_uri',
      'refresh_scope',
      'code_scope',
      'grant_types',
    ],
  },
  {
    title: 'Token answer',
    authTypes: ['oauth2'],
    knobs: [
      'access_token_path',
      'refresh_token_path',
      'id_token_path',
      'token_type_path',
      'expires_path',
      'scope_path',
      'expires_format',
      'default_lifetime_seconds',
      'lifetime_from_jwt',
      'error_when',
    ],
  },
  { title: 'OAuth 1', authTypes: ['oauth1'], knobs: ['signature_method', 'realm', 'allow_unconfirmed_callback'] },
  { title: 'Captured variables', authTypes: oauth, knobs: ['capture', 'capture_callback'] },
  {
    title: 'Refreshing',
    authTypes: oauth,
    knobs: [
      'refresh_margin_seconds',
      'never_refresh_early',
      'rotation',
      'rotation_grace_seconds',
      'refresh_spacing_seconds',
      'keep_alive_days',
      'expired_when',
    ],
  },
  {
    title: 'Revoking',
    authTypes: ['oauth2'],
    knobs: ['revoke_token', 'revoke_token_param', 'revoke_params', 'revoke_hint', 'revoke_bearer'],
  },
  {
    title: 'Calls',
    authTypes: all,
    knobs: ['base_url', 'header_name', 'header_prefix', 'query_name', 'placements', 'headers'],
  },
  { title: 'Limits', authTypes: all, knobs: ['methods', 'path_prefix', 'retry_after_header', 'concurrency'] },
  { title: 'Test and account', authTypes: all, knobs: ['test_url', 'after_connect'] },
  {
    title: 'What people are asked and told',
    authTypes: all,
    knobs: ['variables', 'register_url', 'redirect_url_hint', 'refresh_token_hint'],
  },
]
