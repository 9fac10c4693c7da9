import { html, type Html } from './html.ts'
import { codeText } from './text.ts'

/** Code to copy; one click selects all of it. `label` says what it is to somebody who hears the page. */
export const codeBlock = (code: string): Html => html`<pre><code translate="no">${codeText(code)}</code></pre>`

const date = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})

/** An RFC 3339 time in words. There is no script that could turn it into the reader's own zone, so it says UTC. */
export function moment(time: string): Html {
  const at = new Date(/^\d{4}-\d\d-\d\dT[\d:.]{1,20}(Z|[+-]\d\d:\d\d)$/.test(time) ? time : NaN)
  if (Number.isNaN(at.getTime())) return html`at an unknown time`
  return html`<time datetime="${at.toISOString()}">${date.format(at)} UTC</time>`
}
