import type { FieldError } from '../../core/problem.ts'
import { formFields, hidden, newPassword, type FormField } from './form.ts'
import { html } from './html.ts'
import { document, head } from './layout.ts'

export interface SetUpPage {
  /** The one-time token of the link that the server printed. */
  readonly token: string
  /** Paths: `organization_name`, `name`, `email`, `password`; others are told above the form. */
  readonly errors: readonly FieldError[]
  readonly values: { readonly organization_name?: string; readonly name?: string; readonly email?: string }
  readonly passwordLength: { readonly minimum: number; readonly maximum: number }
}

/** First start: the first organisation and its administrator. Posts `token` and the four fields to /setup. */
export function setUpPage({ token, errors, values, passwordLength }: SetUpPage): string {
  const fields: readonly FormField[] = [
    {
      id: 'organization-name',
      name: 'organization_name',
      label: 'Organisation',
      autocomplete: 'organization',
      value: values.organization_name,
      hint: 'As people see it, such as Acme. Can be changed later.',
    },
    { id: 'name', name: 'name', label: 'Your name', autocomplete: 'name', value: values.name },
    {
      id: 'email',
      name: 'email',
      label: 'E-mail',
      type: 'email',
      autocomplete: 'username',
      value: values.email,
      hint: 'You sign in with it.',
    },
    newPassword(passwordLength),
  ]
  return document({
    title: 'Set up Patchbay',
    wrong: errors.length > 0,
    content: html`${head('Set up Patchbay', 'You become the first administrator. You can invite others afterwards.')}
      <form class="fields" method="post" action="/setup">
        ${hidden('token', token)} ${formFields(fields, errors)}
        <button>Set up</button>
      </form>`,
  })
}
