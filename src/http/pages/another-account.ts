import type { Access } from '../../core/connection.ts'
import { cable } from './drawings.ts'
import { html, name, term, type Html } from './html.ts'
import { document, head } from './layout.ts'
import { ownPath } from './text.ts'

export interface AnotherAccountPage {
  readonly service: string
  readonly organization: string
  readonly connectionName: string
  readonly linkName: string
  /** The signed-in person. */
  readonly user: string
  /** The two accounts at the service, as people know them there. */
  readonly before: string
  readonly now: string
  /** The account used so far still works. */
  readonly works: boolean
  readonly access: Access
  readonly useLoginUserCredentials: boolean
  /** A path on this origin, for the answer. */
  readonly action: string
}

/** Whose calls would go to the other account: the part of the answer that people miss. */
function whoseCalls({ useLoginUserCredentials, access, organization }: AnotherAccountPage): Html {
  if (useLoginUserCredentials) return html`Calls made for you`
  if (access === 'private') return html`Your calls`
  if (access === 'organization') return html`The calls of every member of ${name(organization)}`
  const { length } = access.members
  return html`Your calls and those of ${length} other ${length === 1 ? 'member' : 'members'}`
}

/** Asks which account a connection shall use, after its holder came back from the service with another one (X06). */
export function anotherAccountPage(page: AnotherAccountPage): string {
  const { service, before, now, works } = page
  return document({
    title: 'Which account?',
    account: { user: page.user, organization: page.organization },
    content: html`${cable('waiting')}
      ${head('Which account?', html`This connection used ${name(before)}; you have signed in to ${name(service)} as ${name(now)}.`)}
      <dl class="facts">
        <div>
          <dt>Connection</dt>
          <dd>${name(page.connectionName)} ${term(page.linkName)}</dd>
        </div>
        <div>
          <dt>With the new one</dt>
          <dd>
            ${whoseCalls(page)} through this connection, and those of functions and programs that use it, read and change what belongs to
            <strong>${name(now)}</strong> from then on.
          </dd>
        </div>
        <div>
          <dt>With the old one</dt>
          <dd>
            ${works ? 'Nothing changes' : 'The connection stays as it is, not connected'}; ${name(service)} is told to forget the new
            authorisation, where it takes that.
          </dd>
        </div>
      </dl>
      <form method="post" action="${ownPath(page.action) ?? '/'}">
        <p class="actions">
          <button name="use" value="new">Use the new account</button>
          <button class="second" name="use" value="old">${works ? 'Keep the old one' : 'Do not use it'}</button>
        </p>
      </form>
      <p class="hint">Without an answer within ten minutes nothing changes.</p>`,
  })
}
