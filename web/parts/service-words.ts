import type { AuthType, Service } from '../../sdk/index.ts'

/** The authentication types, in the order in which they are offered. */
export const authTypes: readonly { readonly type: AuthType; readonly name: string; readonly sentence: string }[] = [
  { type: 'oauth2', name: 'OAuth 2', sentence: 'People agree on the service’s own page, or the client connects with its own credentials.' },
  { type: 'api_key', name: 'API key', sentence: 'One or more keys that the service hands out are sent with every call.' },
  { type: 'basic', name: 'Basic', sentence: 'A user name and a password go into the Authorization header of every call.' },
  { type: 'oauth1', name: 'OAuth 1.0a', sentence: 'People agree on the service’s own page, and every call is signed. For older services.' },
]

export const authTypeName = (type: AuthType): string => authTypes.find(one => one.type === type)?.name ?? type

const capitals: Readonly<Record<string, string>> = { ai: 'AI', crm: 'CRM', hr: 'HR' }

export const categoryName = (category: string): string => {
  const words = category.replaceAll('_', ' ')
  return capitals[words] ?? words.slice(0, 1).toLocaleUpperCase() + words.slice(1)
}

export const grantTypeNames: Readonly<Record<'authorization_code' | 'client_credentials', string>> = {
  authorization_code: 'Authorization code: people agree on the service’s page',
  client_credentials: 'Client credentials: the client connects as itself',
}

/** Where the credential goes, in words. */
export const paramTypeName = (type: Service['param_type']): string =>
  ({ header: 'In a header', query: 'In the query of the URL', form: 'In the form of the body' })[type]

export const delimiterNames: Readonly<Record<'comma' | 'space' | 'plus', string>> = { comma: 'Comma ,', space: 'Space', plus: 'Plus +' }

export const clientWords = (type: AuthType): { readonly id: string; readonly secret: string } =>
  type === 'oauth1' ? { id: 'Consumer key', secret: 'Consumer secret' } : { id: 'Client id', secret: 'Client secret' }

/** People's browsers go to the service's page, and come back to the redirect URL. */
export const hasRedirect = ({ auth_type, grant_type }: { readonly auth_type: AuthType; readonly grant_type?: string }): boolean =>
  auth_type === 'oauth1' || (auth_type === 'oauth2' && grant_type !== 'client_credentials')

/** An address that may stand in a link: what people typed may be anything. */
export const webAddress = (text: unknown): string | null =>
  typeof text === 'string' && /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null
