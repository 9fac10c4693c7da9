import { Failure } from '../failure.ts'
import { containerInJson } from '../json.ts'
import { textOf } from '../text.ts'
import { listOf, type Value } from '../value.ts'
import { escapeXml, parseXml, type XmlNode } from '../xml.ts'
import { selectXPath, textOfFound } from '../xpath.ts'
import { builtin, type Builtins, type Context } from './define.ts'

/** Keys of maps may be any text, names of elements may not: what does not fit becomes `_`. */
const elementName = (key: string): string => key.replace(/[^-.\w:\u00c0-\uffff]/g, '_').replace(/^(?![A-Za-z_:\u00c0-\uffff])/, '_')

/** A value as elements of a name: a list is one element for each of its items, a map has one inside for each entry. */
function elements(context: Context, name: string, value: Value, written: { length: number }, depth = 0): string {
  if (depth > 200) throw new Failure('A value may be nested 200 deep at most.')
  const inside = (item: Value): string => {
    if (item === null) return ''
    if (typeof item === 'object' && item.kind === 'map')
      return [...item.entries].map(([key, entry]) => elements(context, elementName(key), entry, written, depth + 1)).join('')
    if (typeof item === 'object' && item.kind === 'collection') return inside(item.content)
    if (typeof item === 'object' && item.kind === 'list') return elements(context, 'item', item, written, depth + 1)
    return escapeXml(textOf(context.surroundings, item))
  }
  const items = value !== null && typeof value === 'object' && value.kind === 'list' ? value.items : [value]
  return items
    .map(item => {
      const text = `<${name}>${inside(item)}</${name}>`
      written.length += text.length
      context.meter.textOf(written.length)
      return text
    })
    .join('')
}

/** XML text: as it is when it is XML, and under `<root>` when it is JSON, a map or a list. */
function xmlOf(context: Context, value: Value): string {
  const container = typeof value === 'string' ? containerInJson(value, context.meter) : value
  return container === null && typeof value === 'string' ? value : elements(context, 'root', container, { length: 0 })
}

/** A node as text: an element as it was written, an attribute as an element of its name, anything else as its characters. */
function fragmentOf(node: XmlNode, source: string): string {
  if (node.kind === 'element') return source.slice(node.start, node.end)
  return node.kind === 'attribute' ? `<${node.name}>${escapeXml(node.value)}</${node.name}>` : node.value
}

/** XML (URL-24). No namespaces: names are compared as they are written, prefix included. */
export const xml: Builtins = {
  executeXPath: builtin({
    doc: 'What an XPath 1.0 finds in XML: elements as XML text, `text()` as text, an attribute as an element of its name. Several texts have "-|-" between them, for `toList("-|-")`. JSON is looked at as XML under the element `root`.',
    takes: ['any', 'text'],
    gives: 'text',
    parameters: ['xpath'],
    examples: {
      '"<a><b>1</b><b>2</b></a>".executeXPath("/a/b")': '"<b>1</b><b>2</b>"',
      '"<a><b>1</b><b>2</b></a>".executeXPath("/a/b/text()")': '"1-|-2"',
      '"<a href=\'x\'>y</a>".executeXPath("/a/@href").executeXPath("/href/text()")': '"x"',
      '"{\\"address\\":{\\"city\\":\\"Surat\\"}}".executeXPath("/root/address/city")': '"<city>Surat</city>"',
      'm = {"a":{"b":1}}; m.executeXPath("root/a/b/text()")': '"1"',
      '"<a/>".executeXPath("/b")': '""',
      '"<a><b/><b/></a>".executeXPath("count(/a/b)")': '"2"',
      '"<a>".executeXPath("/a")': 'error: This is not valid XML',
      '"<!DOCTYPE a [<!ENTITY b \'c\'>]><a>&b;</a>".executeXPath("/a")': 'error: document type',
      '"<a/>".executeXPath("/a[")': 'error: The XPath is not valid',
    },
    run(context, value, path) {
      const source = xmlOf(context, value)
      const found = selectXPath(parseXml(source, context.meter), path, context.meter)
      if (typeof found !== 'object') return textOfFound(found)
      const texts = found.map(node => fragmentOf(node, source))
      context.meter.textOf(texts.reduce((sum, text) => sum + text.length + 3, 0))
      return texts.join(found.every(node => node.kind === 'text') ? '-|-' : '')
    },
  }),
  toXML: builtin({
    doc: 'JSON text, a map or a list as XML, under the element `root`. XML stays as it is.',
    takes: ['any'],
    gives: 'text',
    examples: {
      'm = {"OrderNo":{343,443},"Name":"Lia"}; m.toXML()': '"<root><OrderNo>343</OrderNo><OrderNo>443</OrderNo><Name>Lia</Name></root>"',
      '"{\\"a b\\":\\"<\\"}".toXML()': '"<root><a_b>&lt;</a_b></root>"',
      '"<a>1</a>".toXML()': '"<a>1</a>"',
      '"a < b".toXML()': 'error: This is not valid XML',
    },
    run(context, value) {
      const source = xmlOf(context, value)
      if (source === value) parseXml(source, context.meter)
      return source
    },
  }),
  toXmlList: builtin({
    doc: 'The elements of an XML text, one after the other, as a list of XML texts: what `executeXPath` gave, to go through it.',
    takes: ['text'],
    gives: 'list',
    examples: {
      '"<a><b>1</b><b>2</b></a>".executeXPath("/a/b").toXmlList()': '{"<b>1</b>","<b>2</b>"}',
      'l = "<b>1</b><b>2</b>".toXmlList(); l.get(1).executeXPath("/b/text()")': '"2"',
      '"".toXmlList().size()': '0',
    },
    run(context, source) {
      if (source.trim() === '') return listOf([])
      const found = parseXml(source, context.meter).children.filter(node => node.kind === 'element')
      context.meter.itemsOf(found.length)
      return listOf(found.map(node => source.slice(node.start, node.end)))
    },
  }),
}
