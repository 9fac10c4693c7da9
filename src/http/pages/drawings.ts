import { html, type Html } from './html.ts'

/** Two jacks joined by one curved line; one colour, that of the text around it. */
export const mark: Html = html`<svg
  aria-hidden="true"
  width="26"
  height="26"
  viewBox="0 0 32 32"
  fill="none"
  stroke="currentColor"
  stroke-width="2.750"
  stroke-linecap="round"
>
  <circle cx="7" cy="24" r="4.250" />
  <circle cx="25" cy="8" r="4.250" />
  <path d="M7 19.750V13c0-7 9-7 9 3s9 10 9 3v-6.750" />
</svg>`

const leftPlug = html`<path d="M2 30h8M10 24h14a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H10zM27 30h6" />`

/** The cable between Patchbay and a service: plugged in, on its way, or with one end unplugged. */
export function cable(state: 'joined' | 'waiting' | 'unplugged'): Html {
  const frame = (drawing: Html) =>
    html`<svg
      class="cable"
      aria-hidden="true"
      viewBox="0 0 176 60"
      fill="none"
      stroke="currentColor"
      stroke-width="2.500"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      ${leftPlug}${drawing}
    </svg>`
  const rightPlug = html`<path d="M174 30h-8M166 24h-14a3 3 0 0 0-3 3v6a3 3 0 0 0 3 3h14zM149 30h-6" />`
  switch (state) {
    case 'joined':
      return frame(html`<path d="M33 30c30 0 24 22 55 22s25-22 55-22" />${rightPlug}`)
    case 'waiting':
      return frame(html`<path d="M33 30c30 0 24 22 55 22s25-22 55-22" stroke-dasharray="1 7" />${rightPlug}`)
    case 'unplugged':
      return frame(
        html`<path d="M33 30c28 0 20 20 52 20M85 44h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H85zM98 50h7" /><path
            class="loose"
            stroke="currentColor"
            d="M174 30h-8M166 24h-14a3 3 0 0 0-3 3v6a3 3 0 0 0 3 3h14z"
          />`,
      )
  }
}

export const warningMark: Html = html`<svg
  aria-hidden="true"
  width="14"
  height="14"
  viewBox="0 0 14 14"
  fill="none"
  stroke="currentColor"
  stroke-width="1.500"
  stroke-linecap="round"
>
  <circle cx="7" cy="7" r="6" />
  <path d="M7 3.750v3.750M7 10.200v.050" />
</svg>`
