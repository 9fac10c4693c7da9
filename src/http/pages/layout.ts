import { icon, stylesheet } from './assets.ts'
import { mark } from './drawings.ts'
import { html, name, pageText, type Html } from './html.ts'
import { text } from './text.ts'

/** Who is signed in. */
export interface Account {
  readonly user: string
  readonly organization: string
}

export interface Page {
  readonly title: string
  readonly content: Html
  readonly wide?: boolean
  /** Null when nobody is signed in: then there is nothing to sign out of. */
  readonly account?: Account | null | undefined
  /** Something has to be corrected: said first in the title, which screen readers speak first. */
  readonly wrong?: boolean
}

const accountBar = ({ user, organization }: Account) =>
  html`<div class="who">
    <span class="person">${name(user)}, ${name(organization)}</span>
    <form method="post" action="/sign-out"><button class="second small">Sign out</button></form>
  </div>`

/** A whole document: the frame around the content, which holds the one `h1`. */
export const document = ({ title, content, wide = false, account = null, wrong = false }: Page): string =>
  pageText(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <title>${wrong ? 'Please correct: ' : ''}${text(title, 120)} · Patchbay</title>
          <link rel="icon" type="${icon.contentType}" href="${icon.path}" />
          <link rel="stylesheet" href="${stylesheet.path}" />
        </head>
        <body>
          <a class="skip" href="#content">Skip to the content</a>
          <header class="top"><a class="brand" href="/">${mark}Patchbay</a>${account && accountBar(account)}</header>
          <main id="content" class="${wide ? 'wide' : 'narrow'}">${content}</main>
        </body>
      </html> `,
  )

/** The title of a page, with one sentence. */
export const head = (title: Html | string, sentence?: Html | string | false): Html =>
  html`<div class="head">
    <h1>${title}</h1>
    ${sentence && html`<p class="lead">${sentence}</p>`}
  </div>`

/** For whoever asks an administrator about it. */
export const requestNote = (requestId: string): Html => html`<p class="hint">Request ${html`<code>${text(requestId, 100)}</code>`}</p>`
