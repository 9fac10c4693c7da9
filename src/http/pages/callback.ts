import { cable } from './drawings.ts'
import { html, name, type Html } from './html.ts'
import { document, head, requestNote } from './layout.ts'
import { linkable, text } from './text.ts'

export type CallbackOutcome = 'connected' | 'refused' | 'expired' | 'wrong_person' | 'other_browser' | 'mismatch' | 'failed' | 'sign_in'

type Maybe = string | null | undefined

export interface CallbackPage {
  readonly outcome: CallbackOutcome
  /** Names as people know them; left out when the callback did not tell them truthfully. */
  readonly service?: Maybe
  readonly connection?: Maybe
  /** A more exact sentence than ours for this outcome, where the problem carries one. */
  readonly sentence?: Maybe
  /** The service's own `error` and `error_description`: shown as text, 300 characters. Its `error_uri` is never shown. */
  readonly providerWords?: Maybe
  /** What most likely went wrong and what to do, in our words. */
  readonly diagnosis?: Maybe
  /** Where to start again; for `connected` the connection, for `sign_in` the sign-in page that comes back here. */
  readonly retryUrl?: Maybe
  readonly requestId: string
}

interface Told {
  readonly title: string
  /** `the` and `The` are the service, by name where it is known, inside and at the start of a sentence. */
  readonly sentence: (words: { the: Html; The: Html; connection: Html }) => Html
  readonly action: string
  /** Without it the cable is unplugged. */
  readonly drawing?: 'joined' | 'waiting'
}

const outcomes: Readonly<Record<CallbackOutcome, Told>> = {
  connected: {
    title: 'Connected',
    sentence: ({ the, connection }) => html`Patchbay can now call ${the} for ${connection}. You can close this page.`,
    action: 'Show the connection',
    drawing: 'joined',
  },
  refused: {
    title: 'Access was declined',
    sentence: ({ The }) => html`${The} says that access was declined. Nothing was connected.`,
    action: 'Start again',
  },
  expired: {
    title: 'This authorisation is over',
    sentence: () =>
      html`It was finished already, was never started here, or is older than ten minutes. Nothing was changed by opening this page.`,
    action: 'Start again',
  },
  wrong_person: {
    title: 'Somebody else started this',
    sentence: ({ the, connection }) =>
      html`Another member started to authorise ${connection} with ${the}, and only they can finish it. Nothing was connected. If that is you
      as well, sign in as that member and start again.`,
    action: 'Start again',
  },
  other_browser: {
    title: 'Started in another browser',
    sentence: () =>
      html`An authorisation is finished in the browser that started it, so that nobody can make you finish theirs. Nothing was connected.`,
    action: 'Start again in this browser',
  },
  mismatch: {
    title: 'The answer does not belong here',
    sentence: () =>
      html`It did not come back for the service that the authorisation was started with, so it was not used. Start again. If it happens
      twice, tell an administrator: somebody may be mixing up services on purpose.`,
    action: 'Start again',
  },
  failed: {
    title: 'Could not be connected',
    sentence: ({ the, connection }) => html`You came back from ${the}, but ${connection} was not connected.`,
    action: 'Try again',
  },
  sign_in: {
    title: 'Sign in to finish',
    sentence: ({ The }) =>
      html`${The} sent you back, but nobody is signed in to Patchbay in this browser. Nothing has been used up: sign in, and it goes on.`,
    action: 'Sign in',
    drawing: 'waiting',
  },
}

const given = (value: Maybe): string | null => (value && text(value) !== '' ? value : null)

/** What became of an authorisation when the browser came back from the service (X06, X08). No form, no script. */
export function callbackPage(page: CallbackPage): string {
  const { title, sentence, action, drawing = 'unplugged' } = outcomes[page.outcome]
  const service = given(page.service)
  const connection = given(page.connection)
  const exact = given(page.sentence)
  const words = given(page.providerWords)
  const diagnosis = given(page.diagnosis)
  const told = sentence({
    the: service === null ? html`the service` : name(service),
    The: service === null ? html`The service` : name(service),
    connection: connection === null ? html`the connection` : name(connection),
  })
  const target = page.retryUrl ? linkable(page.retryUrl) : null
  const likely = html`<div class="notice warn">
    <p class="label">Most likely</p>
    <p>${diagnosis !== null && text(diagnosis, 600)}</p>
  </div>`
  const said = html`<section aria-labelledby="said">
    <h2 id="said">What the service said</h2>
    <blockquote dir="auto">${words !== null && text(words)}</blockquote>
  </section>`
  return document({
    title,
    content: html`${cable(drawing)} ${head(title, exact === null ? told : text(exact, 600))} ${diagnosis !== null && likely}
      ${words !== null && said}
      <p class="actions">${target !== null && html`<a class="button" href="${target}">${action}</a>`}<a href="/">All connections</a></p>
      ${requestNote(page.requestId)}`,
  })
}
