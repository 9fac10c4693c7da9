import { formFields, hidden, type FormField } from './form.ts'
import { html } from './html.ts'
import { document, head } from './layout.ts'
import { ownPath, text } from './text.ts'

export interface SignInPage {
  /** A path on this origin; anything else is left out of the form. The door checks it again when it comes back. */
  readonly returnTo: string | null
  readonly email: string
  /** Why signing in failed, in a sentence. */
  readonly error: string | null
  /** Why one should sign in, or that something was done ("You are signed out."). */
  readonly notice: string | null
}

/** Posts `email`, `password` and `return_to` to /sign-in. */
export function signInPage({ returnTo, email, error, notice }: SignInPage): string {
  const fields: readonly FormField[] = [
    { id: 'email', name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username', value: email },
    { id: 'password', name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
  ]
  const back = returnTo === null ? null : ownPath(returnTo)
  return document({
    title: 'Sign in',
    wrong: error !== null,
    content: html`${head('Sign in to Patchbay')} ${notice !== null && html`<p class="notice" role="status">${text(notice)}</p>`}
      <form class="fields" method="post" action="/sign-in">
        ${back !== null && hidden('return_to', back)} ${formFields(fields, error === null ? [] : [{ path: '', message: error }])}
        <button>Sign in</button>
      </form>
      <p class="hint">No account, or the password is lost? An administrator of your organisation can send you a link.</p>`,
  })
}
