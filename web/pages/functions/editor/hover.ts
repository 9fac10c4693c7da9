import type { Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import type { Word } from './word-shape.ts'
import { words } from './words.ts'

const byName = new Map<string, Word[]>()
for (const word of words)
  for (const name of [word.name, ...(word.aliases ?? [])]) {
    const key = name.toLowerCase()
    byName.set(key, [...(byName.get(key) ?? []), word])
  }

/** Words of that name: of a dotted path the longest that is known, from its end or its beginning. */
export function wordsNamed(path: string): readonly Word[] {
  const steps = path.toLowerCase().split('.')
  for (let from = 0; from < steps.length; from++) {
    const found = byName.get(steps.slice(from).join('.'))
    // what stands behind a point is a method; `info.get` is not the function `get`
    if (found) return from > 0 ? found.filter(one => one.kind === 'method' || one.kind === 'unavailable') : found
  }
  return []
}

function card(found: readonly Word[]): HTMLElement {
  const box = document.createElement('div')
  box.className = 'cm-documentation'
  for (const { signature, doc } of found.slice(0, 4)) {
    const code = document.createElement('code')
    code.textContent = signature
    const words = document.createElement('p')
    words.textContent = doc
    box.append(code, words)
  }
  return box
}

/** The signature and what it does, of the word under the pointer. */
export const hoverDocumentation = (): Extension =>
  hoverTooltip((view, position, side) => {
    const { from, text } = view.state.doc.lineAt(position)
    const at = position - from
    for (const match of text.matchAll(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/g)) {
      const start = match.index
      const whole = match[0]
      if (at < start || at > start + whole.length || (at === start && side < 0) || (at === start + whole.length && side > 0)) continue
      // up to the end of the step under the pointer
      const step = whole.indexOf('.', at - start)
      const path = step < 0 ? whole : whole.slice(0, step)
      const behindPoint = text.charAt(start - 1) === '.'
      const named = wordsNamed(path)
      const found = behindPoint ? named.filter(one => one.kind === 'method' || one.kind === 'unavailable') : named
      if (found.length === 0) return null
      return { pos: from + start, end: from + start + path.length, above: true, create: () => ({ dom: card(found) }) }
    }
    return null
  })
