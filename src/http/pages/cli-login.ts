import { cable } from './drawings.ts'
import { formFields, hidden } from './form.ts'
import { html, name, type Html } from './html.ts'
import { document, head, type Account } from './layout.ts'
import { text } from './text.ts'

export interface CliLoginPage {
  /** As the terminal shows it; null when it has still to be typed. */
  readonly code: string | null
  readonly user: string
  readonly organization: string
  readonly done: boolean
  /** Why the code did not do, in a sentence. */
  readonly error: string | null
}

function step({ code, user, organization, error }: CliLoginPage): Html {
  if (code === null)
    return html`<form class="fields" method="get" action="/cli-login">
      ${formFields([{ id: 'code', name: 'code', label: 'Code', autocomplete: 'off', placeholder: 'BCDF-GHJK', hint: 'As your terminal shows it.' }], error === null ? [] : [{ path: 'code', message: error }])}
      <button>Continue</button>
    </form>`
  return html`${error !== null && html`<div class="notice bad" role="alert"><p>${text(error)}</p></div>`}
    <div>
      <p class="label" id="code-label">Is this the code in your terminal?</p>
      <p class="code-to-compare" aria-labelledby="code-label" role="group">${text(code, 20)}</p>
    </div>
    <p>
      It gets an API key that acts as <strong>${name(user)}</strong> in <strong>${name(organization)}</strong>. Approve only if you ran
      <code>patchbay login</code> yourself just now. If somebody sent you here, close this page.
    </p>
    <form class="fields" method="post" action="/cli-login">
      ${hidden('code', code)}
      <p class="actions"><button>Approve</button><a href="/">Cancel</a></p>
    </form>`
}

/** The browser's side of `patchbay login` (RFC 8628 §3.3): posts `code` to /cli-login. */
export function cliLoginPage(page: CliLoginPage): string {
  const account: Account = { user: page.user, organization: page.organization }
  if (page.done)
    return document({
      title: 'Your terminal is signed in',
      account,
      content: html`${cable('joined')}${head('Your terminal is signed in', 'Go back to it. You can close this page.')}`,
    })
  return document({
    title: 'Sign in a terminal',
    account,
    wrong: page.error !== null,
    content: html`${head('Sign in a terminal')}${step(page)}`,
  })
}
