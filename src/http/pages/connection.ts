import type { presented } from '../../broker/connections.ts'
import { missingScopes } from '../../core/scopes.ts'
import { codeBlock, moment } from './code.ts'
import { statusMark } from './drawings.ts'
import { attributes, html, name, term, type Html } from './html.ts'
import { document, head, type Account } from './layout.ts'
import { linkable, segment, text } from './text.ts'

export type ShownConnection = Omit<ReturnType<typeof presented>, 'created_at' | 'updated_at' | 'view' | 'status_reason'>

export interface Snippets {
  readonly invokeurl: string
  readonly curl: string
  readonly typescript: string
  readonly proxy: string
  readonly json: string
}

export interface ConnectionPage {
  readonly account: Account
  readonly connection: ShownConnection
  readonly snippets: Snippets
  /** API hosts added since this person agreed; empty when there is nothing to confirm, or it is not theirs to do. */
  readonly hostsToConfirm: readonly string[]
  /** Where this person connects it (again); null when that is not theirs to do. */
  readonly connectUrl: string | null
  /** The service's own advice for when no refresh token comes back. */
  readonly refreshTokenHint: string | null
}

const tabs: readonly (readonly [keyof Snippets, string])[] = [
  ['invokeurl', 'invokeUrl'],
  ['curl', 'curl'],
  ['typescript', 'TypeScript'],
  ['proxy', 'Proxy'],
  ['json', 'JSON'],
]

/** The sample code (CON-30, CON-31) in the order of the console; the first two open, since nothing here can switch tabs. */
const useIt = (snippets: Snippets): Html =>
  html`<section aria-labelledby="use">
    <h2 id="use">Use it</h2>
    <div>
      ${tabs.map(
        ([key, label], i) =>
          html`<details ${attributes({ open: i < 2 })}>
            <summary>${label}</summary>
            ${codeBlock(snippets[key])}
          </details>`,
      )}
    </div>
  </section>`

const authTypes = { basic: 'Basic', api_key: 'API key', oauth1: 'OAuth 1', oauth2: 'OAuth 2' } as const

function noRefreshToken({ connection, refreshTokenHint }: ConnectionPage): Html {
  const end = connection.expires_at === null ? html`when the access token ends` : html`on ${moment(connection.expires_at)}`
  const hint =
    refreshTokenHint ??
    'Many services give one only when asked: with access_type=offline or prompt=consent in the authorize URL, or with a scope such as offline_access. Its keeper can add that to the service; then connect again.'
  return html`<div class="notice warn">
    <p>
      <strong>${name(connection.service.name)} gave no refresh token.</strong> The connection stops working ${end}, and must then be
      connected again by hand.
    </p>
    <p>${text(hint, 600)}</p>
  </div>`
}

const missingOf = ({ scopes, granted_scopes }: ShownConnection): readonly string[] =>
  granted_scopes === null ? [] : missingScopes(scopes, granted_scopes)

function scopesMissing({ connection }: ConnectionPage): Html {
  const missing = missingOf(connection)
  const which =
    missing.length > 0 &&
    html`<ul>
      ${missing.slice(0, 50).map(scope => html`<li>${term(scope)}</li>`)}
    </ul>`
  return html`<div class="notice warn">
    <p>
      <strong>Fewer scopes were granted than asked for.</strong> Calls that need the missing ones will be refused by
      ${name(connection.service.name)}. Connect again and allow all of them.
    </p>
    ${which}
  </div>`
}

/** Warnings in words; one that this page does not know yet is shown as it is. */
function warnings(page: ConnectionPage): Html[] {
  return page.connection.warnings.slice(0, 20).map(warning => {
    if (warning === 'no_refresh_token') return noRefreshToken(page)
    if (warning === 'scopes_missing') return scopesMissing(page)
    return html`<p class="notice warn">${text(warning)}</p>`
  })
}

function status({ connection, connectUrl }: ConnectionPage): Html {
  const renews = connection.has_refresh_token ? html`, renews itself` : null
  const next = connection.expires_at !== null && html`, access token until ${moment(connection.expires_at)}`
  const target = connectUrl === null ? null : linkable(connectUrl)
  const connected = connection.status === 'connected' || connection.status === 'refresh_failing'
  return html`<section aria-label="Status">
    <p class="actions">
      ${statusMark(connection.status)}<span class="quiet">since ${moment(connection.status_since)}${connected && [renews, next]}</span>
    </p>
    ${connection.status_detail !== null && html`<p>${text(connection.status_detail, 600)}${connection.status_action !== null && ` ${text(connection.status_action)}`}</p>`}
    ${target !== null && html`<p class="actions"><a class="button${connected ? ' second' : ''}" href="${target}">${connection.status === 'authorization_required' ? 'Connect' : 'Connect again'}</a></p>`}
  </section>`
}

function confirmHosts({ connection, hostsToConfirm }: ConnectionPage): Html | null {
  if (hostsToConfirm.length === 0) return null
  const any = hostsToConfirm.includes('*')
  return html`<section class="notice warn" aria-labelledby="hosts">
    <h2 id="hosts">New API hosts to confirm</h2>
    <p>The service was edited after you connected. Until you agree, your credential is not sent to:</p>
    <ul>
      ${hostsToConfirm.slice(0, 100).map(host => html`<li>${term(host)}</li>`)}
    </ul>
    ${any && html`<p><strong>The asterisk stands for any host at all.</strong> Whoever calls could then have your credential sent anywhere.</p>`}
    <form method="post" action="/connections/${segment(connection.link_name)}/confirm-hosts">
      ${hostsToConfirm.slice(0, 100).map(host => html`<input type="hidden" name="host" value="${host}" />`)}<button class="small">
        Confirm these hosts
      </button>
    </form>
  </section>`
}

function accessInWords({ access, use_login_user_credentials }: ShownConnection): string {
  const who =
    access === 'private' ? 'Its owner only' : access === 'organization' ? 'Every member' : `Its owner and ${access.members.length} more`
  return use_login_user_credentials ? `${who}, each with credentials of the login user` : `${who}, with the owner’s credentials`
}

function about({ connection }: ConnectionPage): Html {
  const { scopes, granted_scopes, account } = connection
  const missing = new Set(missingOf(connection))
  const unlisted = new Set(connection.unlisted_scopes)
  const shown = (granted_scopes ?? scopes).slice(0, 200)
  const count = granted_scopes === null ? null : html`<p class="hint">${scopes.length - missing.size} of ${scopes.length} asked for</p>`
  const accountLabel = account?.label ?? account?.id ?? null
  return html`<section aria-labelledby="about">
    <h2 id="about">About</h2>
    <dl class="facts">
      <div>
        <dt>Service</dt>
        <dd>${name(connection.service.name)} <span class="quiet">${authTypes[connection.service.auth_type]}</span></dd>
      </div>
      ${
        accountLabel !== null &&
        html`<div>
          <dt>Account</dt>
          <dd>${name(accountLabel)}</dd>
        </div>`
      }
      <div>
        <dt>Owner</dt>
        <dd>${name(connection.owner.name ?? 'Somebody who left')}</dd>
      </div>
      <div>
        <dt>Who calls it</dt>
        <dd>${accessInWords(connection)}</dd>
      </div>
      <div>
        <dt>Scopes</dt>
        <dd>
          ${
            shown.length === 0
              ? 'None'
              : html`<ul>
                  ${shown.map(scope => html`<li>${term(scope)}${unlisted.has(scope) && html` <span class="quiet">not listed by the service</span>`}</li>`)}
                </ul>`
          }${scopes.length > 0 && count}
        </dd>
      </div>
      <div>
        <dt>Last used</dt>
        <dd>${connection.last_used_at === null ? 'Not yet' : moment(connection.last_used_at)}</dd>
      </div>
    </dl>
  </section>`
}

/** Connection Summary: how it stands, what to do about it, and the code to paste. */
export function connectionPage(page: ConnectionPage): string {
  const { connection, account, snippets } = page
  return document({
    title: connection.name,
    wide: true,
    account,
    content: html`<nav aria-label="Back"><a href="/">All connections</a></nav>
      ${head(name(connection.name), term(connection.link_name))} ${status(page)}
      <div class="notices">${warnings(page)}${confirmHosts(page)}</div>
      <div class="split">${useIt(snippets)}${about(page)}</div>`,
  })
}
