import type { FieldError } from '../../core/problem.ts'
import { addressField, formFields, hidden, newPassword } from './form.ts'
import { html, term } from './html.ts'
import { document, head } from './layout.ts'

export interface ResetPasswordPage {
  readonly token: string
  /** Whose password it is. */
  readonly email: string
  /** Path `password`; others are told above the form. */
  readonly errors: readonly FieldError[]
  readonly passwordLength: { readonly minimum: number; readonly maximum: number }
}

/** Posts `token` and `password` to /reset-password. */
export const resetPasswordPage = ({ token, email, errors, passwordLength }: ResetPasswordPage): string =>
  document({
    title: 'Choose a new password',
    wrong: errors.length > 0,
    content: html`${head('Choose a new password', html`For ${term(email)}. Saving it signs you out everywhere else.`)}
      <form class="fields" method="post" action="/reset-password">
        ${hidden('token', token)} ${addressField(email)} ${formFields([{ ...newPassword(passwordLength), label: 'New password' }], errors)}
        <button>Save the password</button>
      </form>`,
  })
