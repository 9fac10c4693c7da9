import type { Pair } from '../core/request.ts'
import { accounts } from './state.ts'
import { text, type Answer } from './exchange.ts'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export const escapeHtml = (unsafe: string): string => unsafe.replace(/[&<>"']/g, character => escapes[character] ?? '')

const style = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;display:grid;place-items:center;min-height:100vh;background:Canvas;color:CanvasText}
main{max-width:28rem;padding:1.5rem;margin:1rem;border:1px solid GrayText;border-radius:.5rem;overflow-wrap:anywhere}
h1{font-size:1.25rem;margin-top:0}
button,select{font:inherit;padding:.5rem 1rem;min-height:2.75rem}
button:focus-visible,select:focus-visible{outline:3px solid Highlight;outline-offset:2px}
p.buttons{display:flex;gap:.75rem;flex-wrap:wrap}`

/**
 * A page without script. Its form may not name `form-action`, because browsers apply that to the redirect which follows,
 * and that goes to the client's own address.
 */
export const page = (status: number, title: string, content: string): Answer =>
  text(
    status,
    'text/html; charset=utf-8',
    `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${content}</main></body>
</html>
`,
    {
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  )

export interface Consent {
  readonly clientName: string
  readonly scopes: readonly string[]
  readonly redirectUri: string
  /** Where the form is sent; it carries `hidden` and the person's decision. */
  readonly action: string
  readonly hidden: readonly Pair[]
}

const hiddenInputs = (pairs: readonly Pair[]): string =>
  pairs.map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`).join('\n')

/** Who asks, for what, and where the answer goes; Accept or Reject. */
export function consentPage(consent: Consent): Answer {
  const scopes = consent.scopes.map(scope => `<li><code>${escapeHtml(scope)}</code></li>`).join('')
  const options = accounts
    .map(account => `<option value="${account.id}">${escapeHtml(`${account.name} (${account.email})`)}</option>`)
    .join('')
  return page(
    200,
    `${consent.clientName} asks for access`,
    `<p>This is the practice service. <strong>${escapeHtml(consent.clientName)}</strong> would like to use your practice account.</p>
${scopes ? `<p id="what">It asks for:</p><ul aria-labelledby="what">${scopes}</ul>` : '<p>It asks for no particular scope.</p>'}
<p>You will be sent back to <code>${escapeHtml(consent.redirectUri)}</code>.</p>
<form method="post" action="${escapeHtml(consent.action)}">
${hiddenInputs(consent.hidden)}
<p><label for="account">Continue as</label> <select id="account" name="account">${options}</select></p>
<p class="buttons"><button name="decision" value="accept">Accept</button> <button name="decision" value="reject">Reject</button></p>
</form>
`,
  )
}

export const errorPage = (status: number, error: string, description: string): Answer =>
  page(status, 'This request cannot go on', `<p>${escapeHtml(description)}</p>\n<p>Error: <code>${escapeHtml(error)}</code></p>\n`)

/** OAuth 2.0 Form Post Response Mode, with a button where others have a script. */
export const formPostPage = (redirectUri: string, pairs: readonly Pair[]): Answer =>
  page(
    200,
    'Continue',
    `<form method="post" action="${escapeHtml(redirectUri)}">\n${hiddenInputs(pairs)}\n<p class="buttons"><button>Continue</button></p>\n</form>\n`,
  )

/** RFC 5849 §2.2: a client without a callback has its verifier read out by the person. */
export const verifierPage = (verifier: string): Answer =>
  page(200, 'Access allowed', `<p>Type this code into the application: <strong><code>${escapeHtml(verifier)}</code></strong></p>\n`)
