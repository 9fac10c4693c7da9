import { cable } from './drawings.ts'
import { html } from './html.ts'
import { document, head, requestNote } from './layout.ts'
import { linkable, text } from './text.ts'

export interface ProblemPage {
  readonly status: number
  readonly title: string
  /** What happened and what to do. */
  readonly sentence: string
  readonly requestId: string
  readonly action: { readonly label: string; readonly url: string } | null
}

/** Any problem, for a person: a sentence, what to do, the request id. */
export function problemPage({ status, title, sentence, requestId, action }: ProblemPage): string {
  const target = action === null ? null : linkable(action.url)
  return document({
    title,
    content: html`${cable('unplugged')} ${head(text(title, 120), text(sentence, 600))}
      <p class="actions">
        ${action !== null && target !== null && html`<a class="button" href="${target}">${text(action.label, 80)}</a>`}<a href="/"
          >Go to the start page</a
        >
      </p>
      <p class="hint">HTTP status ${status}</p>
      ${requestNote(requestId)}`,
  })
}
