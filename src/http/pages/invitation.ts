import type { FieldError } from '../../core/problem.ts'
import type { Role } from '../../core/principal.ts'
import { addressField, formFields, newPassword, type FormField } from './form.ts'
import { html, name, term, type Html } from './html.ts'
import { document, head } from './layout.ts'
import { segment, text } from './text.ts'

export interface InvitationPage {
  readonly token: string
  readonly organization: string
  readonly email: string
  readonly role: Role
  /** `new`: chooses a name and a password · `confirm`: signed in as the invited person · `sign_in`: has an account, must sign in with it first. */
  readonly mode: 'new' | 'confirm' | 'sign_in'
  /** Paths: `name`, `password`; others are told above the form. */
  readonly errors: readonly FieldError[]
  readonly passwordLength: { readonly minimum: number; readonly maximum: number }
  readonly values: { readonly name?: string }
}

const roles: Readonly<Record<Role, string>> = {
  administrator: 'As an administrator you look after members, settings and everyone’s connections.',
  developer: 'As a developer you connect services, and write functions that use them.',
  user: 'As a user you connect services.',
}

function step({ token, email, mode, errors, passwordLength, values }: InvitationPage): Html {
  const path = `/invitations/${segment(token)}`
  if (mode === 'sign_in')
    return html`<p>${term(email)} has an account already. Sign in with it, and you come back here.</p>
      <p class="actions"><a class="button" href="/sign-in?return_to=${encodeURIComponent(path)}">Sign in</a></p>`
  const fields: readonly FormField[] =
    mode === 'confirm'
      ? []
      : [{ id: 'name', name: 'name', label: 'Your name', autocomplete: 'name', value: values.name }, newPassword(passwordLength)]
  return html`<form class="fields" method="post" action="${path}">
    ${mode === 'new' && addressField(email)} ${formFields(fields, errors)}
    <button>${mode === 'new' ? 'Create account and join' : 'Join'}</button>
  </form>`
}

/** What the link of an invitation opens. Posts `name` and `password`, or nothing, to /invitations/{token}. */
export const invitationPage = (page: InvitationPage): string =>
  document({
    title: `Join ${text(page.organization, 80)}`,
    wrong: page.errors.length > 0,
    content: html`${head(html`Join ${name(page.organization)}`, html`${term(page.email)} is invited to ${name(page.organization)} on Patchbay. ${roles[page.role]}`)}
    ${step(page)}`,
  })
