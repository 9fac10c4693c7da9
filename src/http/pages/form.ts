import type { FieldError } from '../../core/problem.ts'
import { warningMark } from './drawings.ts'
import { attributes, html, type Html } from './html.ts'
import { linkable, text } from './text.ts'

export interface FormField {
  /** Of the element, unique in the page; ours, while `name` may be anybody's. */
  readonly id: string
  readonly name: string
  readonly label: string
  readonly type?: 'text' | 'email' | 'password'
  readonly autocomplete: string
  /** Never given back for a password. */
  readonly value?: string | undefined
  readonly hint?: string | undefined
  readonly placeholder?: string | undefined
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
  readonly choices?: readonly string[] | undefined
  readonly helpUrl?: string | undefined
  readonly minLength?: number
}

/** Where the broker reports a wrong value of a field: bare, or under what the API calls its part of the request. */
const pathsOf = (fieldName: string) => [fieldName, `credentials.${fieldName}`, `variables.${fieldName}`]

const errorOf = (field: FormField, errors: readonly FieldError[]): FieldError | undefined =>
  errors.find(error => pathsOf(field.name).includes(error.path))

function control(field: FormField, describedBy: string | null, wrong: boolean, first: boolean): Html {
  const base = {
    id: field.id,
    name: field.name,
    required: true,
    autocomplete: field.autocomplete,
    autofocus: first,
    'aria-invalid': wrong ? 'true' : null,
    'aria-describedby': describedBy,
  }
  if (field.choices?.length) {
    const chosen = field.choices.includes(field.value ?? '') ? field.value : field.choices[0]
    const options = field.choices.map(
      choice => html`<option ${attributes({ value: choice, selected: choice === chosen })}>${text(choice, 200)}</option>`,
    )
    return html`<select ${attributes(base)}>
      ${options}
    </select>`
  }
  const type = field.type ?? 'text'
  const plain = type === 'text' && field.autocomplete === 'off'
  const own = {
    type,
    value: type === 'password' ? null : (field.value?.slice(0, 8192) ?? null),
    placeholder: field.placeholder ? text(field.placeholder, 100) : null,
    minlength: field.minLength,
    autocapitalize: plain ? 'none' : null,
    spellcheck: plain || type === 'password' ? 'false' : null,
  }
  return html`<input ${attributes({ ...base, ...own })} />`
}

function fieldRow(field: FormField, error: FieldError | undefined, first: boolean): Html {
  const help = field.helpUrl === undefined ? null : linkable(field.helpUrl)
  const hintId = field.hint !== undefined || help !== null ? `${field.id}-hint` : null
  const errorId = error ? `${field.id}-error` : null
  const describedBy = [errorId, hintId].filter(id => id !== null).join(' ') || null
  const box = control(field, describedBy, error !== undefined, first)
  const affix = (value: string | undefined) => (value ? html`<span class="affix" aria-hidden="true">${text(value, 100)}</span>` : null)
  const affixed = field.prefix || field.suffix ? html`<div class="affixed">${affix(field.prefix)}${box}${affix(field.suffix)}</div>` : box
  const whole =
    (field.prefix || field.suffix) &&
    html` <span class="unseen"
      >(${field.prefix && `after ${text(field.prefix, 100)}`}${field.prefix && field.suffix && ', '}${field.suffix && `before ${text(field.suffix, 100)}`})</span
    >`
  return html`<div class="field">
    <label for="${field.id}">${text(field.label, 100)}${whole}</label>
    ${affixed} ${error && errorId && html`<p class="wrong" id="${errorId}">${warningMark}<span>${text(error.message)}</span></p>`}
    ${hintId && html`<p class="hint" id="${hintId}">${field.hint && text(field.hint)}${field.hint && help && ' '}${help && html`<a href="${help}" target="_blank" rel="noopener noreferrer">Where to find it<span class="unseen"> (opens a new tab)</span></a>`}</p>`}
  </div>`
}

/** What is wrong, above the form: spoken at once, each line leading to its field. Nothing when nothing is. */
function errorSummary(fields: readonly FormField[], errors: readonly FieldError[]): Html | null {
  if (errors.length === 0) return null
  const lines = errors.slice(0, 20).map(error => {
    const field = fields.find(one => pathsOf(one.name).includes(error.path))
    if (!field) return html`<li>${text(error.message)}</li>`
    return html`<li><a href="#${field.id}">${text(field.label, 100)}</a>: ${text(error.message)}</li>`
  })
  return html`<div class="notice bad" role="alert">
    <ul>
      ${lines}
    </ul>
  </div>`
}

/** Labelled fields with their errors; the first wrong one has the focus. An error that belongs to no field is in the summary only. */
export function formFields(fields: readonly FormField[], errors: readonly FieldError[]): Html {
  const firstWrong = fields.find(field => errorOf(field, errors))
  return html`${errorSummary(fields, errors)}${fields.map(field => fieldRow(field, errorOf(field, errors), field === firstWrong))}`
}

export const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}" />`

/** The address that a new password belongs to, for password managers to keep with it. The server knows it from elsewhere. */
export const addressField = (email: string): Html =>
  html`<div class="field">
    <label for="email">E-mail</label><input id="email" type="email" value="${text(email)}" autocomplete="username" readonly />
  </div>`

/** A new password; `length` is in characters. */
export const newPassword = (length: { readonly minimum: number; readonly maximum: number }): FormField => ({
  id: 'password',
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'new-password',
  hint: `${length.minimum} characters or more.`,
  minLength: length.minimum,
})
