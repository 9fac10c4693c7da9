import type { Field } from '../../auth/scheme.ts'
import type { Access } from '../../core/connection.ts'
import type { FieldError } from '../../core/problem.ts'
import { cable } from './drawings.ts'
import { formFields, type FormField } from './form.ts'
import { html, name, term, type Html } from './html.ts'
import { document, head } from './layout.ts'
import { linkable, mixesScripts, ownPath, text } from './text.ts'

export interface ConnectScope {
  readonly name: string
  readonly description: string
}

export interface ConnectSubject {
  readonly service: string
  /** A custom service was described by a member, and its name is whatever they chose. */
  readonly serviceKind: 'default' | 'custom'
  readonly organization: string
  readonly connectionName: string
  readonly linkName: string
  /** The signed-in person whose account is connected. */
  readonly asksFor: string
  /** Who made the connection, and so asks. */
  readonly owner: string
  readonly scopes: readonly ConnectScope[]
  /** Where the credential may be sent, as `api_hosts`. */
  readonly hosts: readonly string[]
  readonly access: Access
  readonly useLoginUserCredentials: boolean
}

export type ConnectStep =
  | {
      readonly kind: 'redirect'
      /** A path of ours that leaves for the service. A link and not a form: `form-action` would stop the redirect (X21). */
      readonly continueUrl: string
      /** Host of the service's authorisation page; null when it is not known before leaving. */
      readonly authorizeHost: string | null
    }
  | {
      readonly kind: 'fields'
      readonly fields: readonly Field[]
      /** A path on this origin; the form posts the values under the fields' own names. */
      readonly action: string
      /** Paths as the broker gives them: `credentials.<name>`, `variables.<name>` or the bare name. */
      readonly errors: readonly FieldError[]
      /** What was typed already. Values of secret fields are never given back. */
      readonly values: Readonly<Record<string, string>>
    }

export type ConnectPage = ConnectSubject & ConnectStep

function hintOf(field: Field): string | undefined {
  const example = field.example === undefined ? '' : `For example ${field.example}`
  return example || undefined
}

const formField = (field: Field, index: number, values: Readonly<Record<string, string>>): FormField => ({
  id: `field-${index}`,
  name: field.name,
  label: field.display_name,
  type: field.secret && !field.choices?.length ? 'password' : 'text',
  autocomplete: 'off',
  value: field.secret || !Object.hasOwn(values, field.name) ? undefined : values[field.name],
  hint: hintOf(field),
  placeholder: field.placeholder,
  prefix: field.prefix,
  suffix: field.suffix,
  choices: field.choices,
  helpUrl: field.help_url,
  // No `pattern`: browsers would run somebody else's regular expression on every key stroke. The server checks it, under a deadline.
})

/** Whose calls will use what is typed or allowed here: the part of the consent that people miss. */
function usedBy({ useLoginUserCredentials, access, organization }: ConnectSubject): Html {
  if (useLoginUserCredentials) return html`Only calls made for you use your account; others connect their own.`
  if (access === 'private') return html`Only you call it directly, with your account.`
  if (access === 'organization') return html`Every member of ${name(organization)} may call it, <strong>with your account</strong>.`
  const { length } = access.members
  return html`You and ${length} other ${length === 1 ? 'member' : 'members'} may call it, <strong>with your account</strong>.`
}

function scopeList(scopes: readonly ConnectScope[]): Html {
  if (scopes.length === 0) return html`No particular ones`
  return html`<ul>
    ${scopes.map(scope => html`<li>${term(scope.name)}${scope.description.trim() !== '' && html` <span class="quiet">${text(scope.description)}</span>`}</li>`)}
  </ul>`
}

function hostList(hosts: readonly string[]): Html {
  if (hosts.includes('*'))
    return html`<strong>Any host at all.</strong> An administrator chose this for the service; it is dangerous, because whoever calls can
      have your credential sent anywhere.`
  return html`<ul>
    ${hosts.map(host => html`<li>${term(host)}</li>`)}
  </ul>`
}

const facts = (page: ConnectPage): Html =>
  html`<dl class="facts">
    <div>
      <dt>Connection</dt>
      <dd>${name(page.connectionName)} ${term(page.linkName)}</dd>
    </div>
    <div>
      <dt>Asked by</dt>
      <dd>${name(page.owner)}, ${name(page.organization)}</dd>
    </div>
    <div>
      <dt>Whose account</dt>
      <dd>${name(page.asksFor)}, that is you</dd>
    </div>
    <div>
      <dt>Used by</dt>
      <dd>${usedBy(page)}</dd>
    </div>
    <div>
      <dt>Scopes</dt>
      <dd>${scopeList(page.scopes)}</dd>
    </div>
    <div>
      <dt>Sent only to</dt>
      <dd>${hostList(page.hosts)}</dd>
    </div>
  </dl>`

function step(page: ConnectPage): Html {
  if (page.kind === 'redirect') {
    const target = linkable(page.continueUrl)
    return html`${page.authorizeHost !== null && html`<p>You leave for ${term(page.authorizeHost)}, sign in there with the account you want to connect, and come back here.</p>`}
      <p class="actions">
        ${target !== null && html`<a class="button" href="${target}">Continue to ${name(page.service)}</a>`}<a href="/">Cancel</a>
      </p>`
  }
  const fields = page.fields.map((field, i) => formField(field, i, page.values))
  return html`<form class="fields" method="post" action="${ownPath(page.action) ?? '/'}" autocomplete="off">
    ${formFields(fields, page.errors)}
    <p class="hint">Patchbay stores secrets encrypted and never shows them again.</p>
    <p class="actions"><button>Connect</button><a href="/">Cancel</a></p>
  </form>`
}

/** Asks one person, by name, for one authorisation: which service, for which organisation, with which scopes, and who wants it (X06). */
export function connectPage(page: ConnectPage): string {
  const { service, asksFor, organization } = page
  return document({
    title: `Connect ${text(service, 80)}`,
    account: { user: asksFor, organization },
    wrong: page.kind === 'fields' && page.errors.length > 0,
    content: html`${cable('waiting')}
    ${head(html`Connect ${name(service)}`, html`${name(page.owner)} asks you to let ${name(organization)} call ${name(service)} through Patchbay.`)}
    ${mixesScripts(service) && html`<p class="notice warn">This name mixes Latin with Greek or Cyrillic letters that look alike. Check where it leads before you go on.</p>`}
    ${page.serviceKind === 'custom' && html`<p class="quiet">A member of ${name(organization)} described this service; its name is theirs to choose.</p>`}
    ${facts(page)} ${step(page)}`,
  })
}
