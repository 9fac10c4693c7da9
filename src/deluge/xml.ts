import { Failure } from './failure.ts'
import type { Meter } from './limits.ts'

/** A node of a parsed XML text. Names are as written, prefix included: scripts know the prefixes, not the namespaces behind them. */
export interface XmlNode {
  readonly kind: 'document' | 'element' | 'attribute' | 'text' | 'comment' | 'instruction'
  readonly name: string
  /** The characters of a text, attribute, comment or instruction, with references resolved. */
  readonly value: string
  readonly parent: XmlNode | null
  readonly children: XmlNode[]
  readonly attributes: XmlNode[]
  /** Place in document order; attributes come after their element and before its children. */
  readonly order: number
  /** Offsets into the text, end exclusive. */
  readonly start: number
  end: number
}

/** Elements inside elements; deeper is a mistake or an attack. */
const deepest = 200
/** What V8 needs for one node, roughly. */
const bytesOfNode = 200

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const nameStart = '[A-Za-z_:\\u00c0-\\ud7ff\\uf900-\\ufffd]'
const nameCharacter = '[-.\\w:\\u00b7\\u00c0-\\ud7ff\\uf900-\\ufffd]'
export const xmlName = new RegExp(`${nameStart}${nameCharacter}*`, 'y')
const attribute = new RegExp(`\\s+(${nameStart}${nameCharacter}*)\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'y')

const invalid = (what: string, at: number) => new Failure(`This is not valid XML: ${what} at character ${String(at + 1)}.`)

/** Resolves `&amp;` and `&#233;`. Only the five names of XML exist: entities of a document type are refused with it. */
function resolved(text: string, at: number): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|\w{1,10})?;?/g, (whole, reference: string | undefined) => {
    if (reference === undefined || !whole.endsWith(';')) throw invalid('an & that is not written &amp;', at)
    if (!reference.startsWith('#')) {
      const character = Object.hasOwn(named, reference) ? named[reference] : undefined
      if (character === undefined) throw invalid(`the unknown entity &${reference};`, at)
      return character
    }
    const code = reference.startsWith('#x') ? Number.parseInt(reference.slice(2), 16) : Number.parseInt(reference.slice(1), 10)
    if (code > 0x10ffff || code === 0 || (code >= 0xd800 && code < 0xe000)) throw invalid('a character that does not exist', at)
    return String.fromCodePoint(code)
  })
}

/**
 * Reads XML: one element, or several one after the other as `executeXPath` gives them. Document types are refused, and with them
 * everything that expands or fetches. Linear in the text; nodes count towards the memory of the run.
 *
 * @throws Failure that says where the text is no XML, or of kind `limit`
 */
export function parseXml(text: string, meter: Meter): XmlNode {
  let nodes = 0
  const node = (kind: XmlNode['kind'], name: string, value: string, parent: XmlNode | null, start: number, end: number): XmlNode => {
    nodes += 1
    if (nodes % 4096 === 0) meter.look()
    if (nodes * bytesOfNode > meter.limits.memory) throw new Failure('This XML is too large for the memory of a run.', 'limit')
    return { kind, name, value, parent, children: [], attributes: [], order: nodes, start, end }
  }
  const root = node('document', '', '', null, 0, text.length)
  let open = root
  let depth = 0
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0

  const until = (end: string, from: number, what: string): number => {
    const found = text.indexOf(end, from)
    if (found < 0) throw invalid(`${what} without an end`, at)
    return found
  }
  const addText = (value: string, start: number, end: number) => {
    if (open === root) {
      if (value.trim() !== '') throw invalid('text outside an element', start)
      return
    }
    open.children.push(node('text', '', value, open, start, end))
  }

  while (at < text.length) {
    const start = at
    if (text[at] !== '<') {
      const end = text.indexOf('<', at)
      at = end < 0 ? text.length : end
      addText(resolved(text.slice(start, at), start), start, at)
    } else if (text.startsWith('<!--', at)) {
      const end = until('-->', at + 4, 'a comment')
      at = end + 3
      open.children.push(node('comment', '', text.slice(start + 4, end), open, start, at))
    } else if (text.startsWith('<![CDATA[', at)) {
      const end = until(']]>', at + 9, 'a CDATA section')
      at = end + 3
      addText(text.slice(start + 9, end), start, at)
    } else if (text.startsWith('<?', at)) {
      const end = until('?>', at + 2, 'an instruction')
      at = end + 2
      open.children.push(node('instruction', '', text.slice(start + 2, end), open, start, at))
    } else if (text.startsWith('<!', at)) {
      throw new Failure('XML with a document type (<!DOCTYPE …>) is not read: remove it first.')
    } else if (text[at + 1] === '/') {
      const end = until('>', at, 'a tag')
      const name = text.slice(at + 2, end).trimEnd()
      if (open === root || name !== open.name) throw invalid(`the end of <${name.slice(0, 50)}>, which is not open,`, at)
      at = end + 1
      open.end = at
      open = open.parent ?? root
      depth -= 1
    } else {
      xmlName.lastIndex = at + 1
      const name = xmlName.exec(text)?.[0]
      if (name === undefined) throw invalid('a < that is not written &lt;', at)
      const element = node('element', name, '', open, start, text.length)
      at += 1 + name.length
      attribute.lastIndex = at
      for (let found = attribute.exec(text); found !== null; found = attribute.exec(text)) {
        const [whole, key = '', double, single] = found
        if (element.attributes.some(other => other.name === key)) throw invalid(`a second attribute ${key}`, at)
        element.attributes.push(node('attribute', key, resolved(double ?? single ?? '', at), element, at, at + whole.length))
        at = attribute.lastIndex
      }
      open.children.push(element)
      while (/\s/.test(text[at] ?? '')) at += 1
      const empty = text[at] === '/'
      if (text[at + (empty ? 1 : 0)] !== '>') throw invalid(`an attribute of <${name.slice(0, 50)}> without a quoted value`, at)
      at += empty ? 2 : 1
      if (empty) element.end = at
      else {
        open = element
        depth += 1
        if (depth > deepest) throw new Failure(`XML may be nested ${String(deepest)} deep at most.`)
      }
    }
  }
  if (open !== root) throw invalid(`<${open.name.slice(0, 50)}> without an end`, open.start)
  if (!root.children.some(child => child.kind === 'element')) throw invalid('no element', 0)
  return root
}

/** Text as it stands between tags. */
export const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
