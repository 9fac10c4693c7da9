import { problems } from '../../core/problem.ts'
import { html } from './html.ts'
import { document, head } from './layout.ts'

/** Every refusal with its sentence: where the `type` of a problem document leads. */
export const problemsPage = (): string =>
  document({
    title: 'Problems',
    wide: true,
    content: html`${head('Problems', 'Every way this server says no, and what to do about it.')}
      <dl>
        ${Object.entries(problems).map(
          ([code, [status, sentence]]) =>
            html`<dt id="${code}"><code>${code}</code> · ${status}</dt>
              <dd>${sentence}</dd>`,
        )}
      </dl>`,
  })
