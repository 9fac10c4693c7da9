import type { ConnectionStatus } from '../../core/connection.ts'
import type { Role } from '../../core/principal.ts'
import { codeBlock } from './code.ts'
import { cable, statusMark } from './drawings.ts'
import { html, name, term, type Html } from './html.ts'
import { document, head } from './layout.ts'
import { linkable, ownPath, segment, text } from './text.ts'

export interface HomeConnection {
  readonly name: string
  readonly linkName: string
  readonly service: string
  readonly status: ConnectionStatus
  /** In words; null when all is well. */
  readonly reason: string | null
  /** Where this person connects it; null when that is not for them to do, or it is connected. */
  readonly connectUrl: string | null
}

export interface HomePage {
  readonly user: string
  readonly organization: string
  readonly role: Role
  /** What this person may use or authorise. */
  readonly connections: readonly HomeConnection[]
  /** There are more connections than are listed. */
  readonly more: boolean
  readonly practice: boolean
  /** Path or URL of the API's human-readable documentation. */
  readonly apiDocs: string
  /** Origin for the examples, without a slash at its end. */
  readonly publicUrl: string
}

const roles: Readonly<Record<Role, string>> = { administrator: 'an administrator', developer: 'a developer', user: 'a user' }

function row(connection: HomeConnection): Html {
  const connect = connection.connectUrl === null ? null : linkable(connection.connectUrl)
  const again = connection.status === 'authorization_required' ? 'Connect' : 'Connect again'
  return html`<li>
    <span class="title"><a href="/connections/${segment(connection.linkName)}">${name(connection.name)}</a></span>
    <span class="meta">${term(connection.linkName)} <span>${name(connection.service)}</span></span>
    <span class="state">${statusMark(connection.status)}</span>
    ${(connection.reason !== null || connect !== null) && html`<div class="why"><span>${connection.reason !== null && text(connection.reason)}</span>${connect !== null && html`<a class="button second small" href="${connect}">${again}<span class="unseen"> ${name(connection.name)}</span></a>`}</div>`}
  </li>`
}

const list = ({ connections, more, apiDocs }: HomePage): Html =>
  connections.length > 0
    ? html`<ul class="rows">
          ${connections.map(row)}
        </ul>
        ${more && html`<p class="quiet">There are more: ${docsLink(apiDocs, 'GET /api/v1/connections')} lists them all.</p>`}`
    : html`<div class="empty">
        ${cable('unplugged')}
        <p>Nothing is connected yet. Create a connection with the calls below, and it appears here with its <em>Connect</em> button.</p>
      </div>`

const docsLink = (apiDocs: string, label: string): Html => {
  const target = linkable(apiDocs) ?? ownPath('/docs')
  return html`<a href="${target}">${label}</a>`
}

const curl = (publicUrl: string, path: string, body: Readonly<Record<string, unknown>>) =>
  `curl -X POST ${publicUrl}${path} \\
  -H "Authorization: Bearer $PATCHBAY_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(body)}'`

function nextSteps(page: HomePage): Html {
  const { publicUrl, apiDocs } = page
  const usable = page.connections.find(one => one.status === 'connected' && /^[a-z][a-z0-9_]*$/.test(one.linkName))?.linkName
  return html`<ol class="steps">
    <li>
      <h3>Get an API key</h3>
      <p>
        Run <code>patchbay login</code>, or use ${docsLink(apiDocs, 'the API documentation')}: it calls the API as you, from this browser.
        The key is shown once.
      </p>
      ${codeBlock('export PATCHBAY_API_KEY=pb_…')}
    </li>
    <li>
      <h3>Describe a service, unless it is among the default ones</h3>
      ${codeBlock(
        curl(publicUrl, '/api/v1/services', {
          name: 'Example',
          link_name: 'example',
          auth_type: 'api_key',
          param_type: 'header',
          parameters: [{ name: 'x-api-key', display_name: 'API key' }],
          api_hosts: ['api.example.com'],
        }),
      )}
    </li>
    <li>
      <h3>Create a connection</h3>
      ${codeBlock(curl(publicUrl, '/api/v1/connections', { service: 'example', name: 'Example', link_name: 'example' }))}
      <p>Then come back here and press <em>Connect</em>.</p>
    </li>
    <li>
      <h3>Call through it</h3>
      <p>Patchbay adds the credentials. The caller never sees them.</p>
      ${codeBlock(curl(publicUrl, '/api/v1/invoke', { connection: usable ?? 'example', url: 'https://api.example.com/', type: 'GET' }))}
    </li>
  </ol>`
}

/** What there is and what to do next, for somebody with only a browser. */
export function homePage(page: HomePage): string {
  const { user, organization, role, practice, apiDocs } = page
  return document({
    title: 'Connections',
    wide: true,
    account: { user, organization },
    content: html`${head('Connections', html`Services that ${name(organization)} may call, and with whose credentials. You are ${roles[role]} here.`)}
      <section aria-label="Your connections">${list(page)}</section>
      <section aria-labelledby="next">
        <h2 id="next">What you can do next</h2>
        ${practice && html`<p class="notice">The practice service is on: a small real OAuth and API-key service inside this Patchbay, to try everything with. <code>npm run quickstart</code> walks through it from a terminal.</p>`}
        ${nextSteps(page)}
        <p class="quiet">Every call is described in ${docsLink(apiDocs, 'the API documentation')}.</p>
      </section>`,
  })
}
