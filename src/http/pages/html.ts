import { text } from './text.ts'

/** The key is a symbol that leaves this module only as a type, so no JSON from outside can pass for markup. */
const markup: unique symbol = Symbol('markup')

/** Markup that may stand in a page as it is. Only `html`, `attributes` and `document` make it. */
export interface Html {
  readonly [markup]: string
}

export type Piece = string | number | Html | readonly Piece[] | null | undefined | false

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (value: string): string => value.replace(/[&<>"']/g, character => entities[character] ?? '')

const isHtml = (piece: object): piece is Html => markup in piece

function rendered(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return ''
  if (typeof piece === 'object') return isHtml(piece) ? piece[markup] : piece.map(rendered).join('')
  return escaped(String(piece))
}

/**
 * A tagged template in which everything put in is escaped, unless it is markup itself. A list is joined; null, undefined and false are
 * nothing. What is put into an attribute stands between double quotes, or comes from `attributes`.
 */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { [markup]: literals.reduce((whole, literal, i) => whole + rendered(pieces[i - 1]) + literal) }
}

/** Attributes of one element. True is the bare name; false, null and undefined leave it out. Names are ours, values anybody's. */
export function attributes(values: Readonly<Record<string, string | number | boolean | null | undefined>>): Html {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== false)
  return { [markup]: pairs.map(([name, value]) => (value === true ? name : `${name}="${escaped(String(value))}"`)).join(' ') }
}

/** The page as the text that is sent. */
export const pageText = (page: Html): string => page[markup]

/** A name from outside in a sentence of ours: isolated, so that right-to-left letters do not move our words. 100 characters at most. */
export const name = (value: string): Html => html`<bdi>${text(value, 100)}</bdi>`

/** A link name, host, scope or path in the mono face. 200 characters at most. */
export const term = (value: string): Html => html`<code><bdi>${text(value, 200)}</bdi></code>`
