import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import { emptyMap, keysOf, listOf, openContainer, type Collection, type Value } from '../value.ts'
import { at, indexOf, keyOf, sizeOf, valuesOf } from './collection-content.ts'
import { builtin, type Builtins, type Context } from './define.ts'
import { distinctOf, lastPlaceOf, placeOf } from './identity.ts'
import { beyond, inBoth, sliceOf } from './list.ts'
import { hasKey, putAllIn, putIn, valueAt } from './map.ts'

const holds = (context: Context, { content }: Collection, value: Value): boolean =>
  content.kind === 'map' ? hasKey(context, content, value) : placeOf(context.meter, content.items, value) >= 0

/** What asks a collection. */
export const collectionRead: Builtins = {
  get: builtin({
    doc: 'The value of a key, null when there is none; or the element at an index, which must exist (CO-2).',
    takes: ['collection', 'any'],
    gives: 'any',
    parameters: ['key'],
    examples: {
      'Collection("Creator","CRM").get(1)': '"CRM"',
      'Collection("Creator":5).get("Creator")': '5',
      'Collection("Creator":5).get("Mail")': 'null',
      'Collection("Creator").get(1)': 'error: Given index 1 is greater than the list size',
    },
    run: at,
  }),
  getAsString: builtin({
    doc: 'As get, as text.',
    takes: ['collection', 'any'],
    gives: 'text',
    parameters: ['key'],
    examples: { 'Collection("Creator":5).getAsString("Creator")': '"5"', 'Collection("Creator":5).getAsString("Mail")': 'null' },
    run: (context, receiver, key) => {
      const value = at(context, receiver, key)
      return value === null ? null : textOf(context.surroundings, value, context.meter.limits.text)
    },
  }),
  getKey: builtin({
    doc: 'The key of the first such value, null when there is none; or the index of the first such element, or -1.',
    takes: ['collection', 'any'],
    gives: 'any',
    parameters: ['value'],
    examples: {
      'Collection("Creator","CRM").getKey("CRM")': '1',
      'Collection("Creator":5,"CRM":2).getKey(2)': '"CRM"',
      'Collection("Creator").getKey("Mail")': '-1',
      'Collection("Creator":5).getKey(9)': 'null',
    },
    run: ({ meter }, receiver, value) => keyOf(receiver, placeOf(meter, valuesOf(receiver), value)),
  }),
  getLastKey: builtin({
    doc: 'The key of the last such value, null when there is none; or the index of the last such element, or -1.',
    takes: ['collection', 'any'],
    gives: 'any',
    parameters: ['value'],
    examples: {
      'Collection("Creator":5,"CRM":2,"Mail":5).getLastKey(5)': '"Mail"',
      'Collection("Creator","CRM","Creator").getLastKey("Creator")': '2',
      'Collection("Creator").getLastKey("Mail")': '-1',
      'Collection("Creator":5).getLastKey(9)': 'null',
    },
    run: ({ meter }, receiver, value) => keyOf(receiver, lastPlaceOf(meter, valuesOf(receiver), value)),
  }),
  keys: builtin({
    doc: 'A list of the keys, or of the indexes.',
    takes: ['collection'],
    gives: 'list',
    examples: { 'Collection("Creator":5,"CRM":2).keys()': '{"Creator","CRM"}', 'Collection("Creator","CRM").keys()': '{0,1}' },
    run: ({ meter }, { content }) => {
      const keys = content.kind === 'list' ? [...content.items.keys()] : keysOf(content)
      meter.made(keys.length * 8)
      return listOf(keys)
    },
  }),
  values: builtin({
    doc: 'A list of the values or elements.',
    takes: ['collection'],
    gives: 'list',
    aliases: ['toList'],
    examples: { 'Collection("Creator":5,"CRM":2).values()': '{5,2}', 'Collection("Creator","CRM").values()': '{"Creator","CRM"}' },
    run: ({ meter }, receiver) => {
      meter.made(sizeOf(receiver) * 8)
      return listOf([...valuesOf(receiver)])
    },
  }),
  containsKey: builtin({
    doc: 'Whether there is such a key or index. Case counts.',
    takes: ['collection', 'any'],
    gives: 'boolean',
    parameters: ['key'],
    aliases: ['containKey'],
    examples: {
      'Collection("Creator":5,"CRM":2).containsKey("CRM")': 'true',
      'Collection("Creator","CRM","Mail").containsKey(3)': 'false',
    },
    run: (context, { content }, key) => {
      if (content.kind === 'map') return hasKey(context, content, key)
      return typeof key === 'number' && key >= 0 && key < content.items.length
    },
  }),
  containsValue: builtin({
    doc: 'Whether there is such a value or element. Types and case count.',
    takes: ['collection', 'any'],
    gives: 'boolean',
    parameters: ['value'],
    aliases: ['containValue'],
    examples: { 'Collection("Creator":5,"CRM":2).containsValue(2)': 'true', 'Collection("Creator").containsValue("creator")': 'false' },
    run: ({ meter }, receiver, value) => placeOf(meter, valuesOf(receiver), value) >= 0,
  }),
  contains: builtin({
    doc: 'Whether there is such an element, or something under such a key.',
    takes: ['collection', 'any'],
    gives: 'boolean',
    parameters: ['element'],
    examples: { 'Collection("Creator","CRM").contains("CRM")': 'true', 'Collection("Creator":5).contains("Creator")': 'true' },
    run: holds,
  }),
  notContains: builtin({
    doc: 'Whether there is no such element, or nothing under such a key.',
    takes: ['collection', 'any'],
    gives: 'boolean',
    parameters: ['element'],
    examples: { 'Collection("Creator","CRM").notContains("Books")': 'true', 'Collection("Creator":5).notContains("Creator")': 'false' },
    run: (context, receiver, value) => !holds(context, receiver, value),
  }),
  size: builtin({
    doc: 'The number of elements or entries.',
    takes: ['collection'],
    gives: 'number',
    aliases: ['count'],
    examples: { 'Collection("Creator","CRM").size()': '2', 'Collection().size()': '0' },
    run: (_, receiver) => sizeOf(receiver),
  }),
  isEmpty: builtin({
    doc: 'Whether there is nothing in it.',
    takes: ['collection'],
    gives: 'boolean',
    examples: { 'Collection().isEmpty()': 'true', 'Collection(1).isEmpty()': 'false' },
    run: (_, receiver) => sizeOf(receiver) === 0,
  }),
  distinct: builtin({
    doc: 'A list with every value or element once.',
    takes: ['collection'],
    gives: 'list',
    examples: {
      'Collection("Creator":5,"CRM":2,"Mail":5).distinct()': '{5,2}',
      'Collection("Creator","CRM","CRM").distinct()': '{"Creator","CRM"}',
    },
    run: ({ meter }, receiver) => listOf(distinctOf(meter, valuesOf(receiver))),
  }),
  intersect: builtin({
    doc: 'A list of the values or elements found in both collections, each once.',
    takes: ['collection', 'collection'],
    gives: 'list',
    parameters: ['other'],
    examples: {
      'Collection("Creator","CRM").intersect(Collection("CRM","Mail"))': '{"CRM"}',
      'Collection("Creator":5,"CRM":2).intersect(Collection("Mail":5))': '{5}',
    },
    run: (context, receiver, other) => listOf(inBoth(context, valuesOf(receiver), valuesOf(other))),
  }),
  duplicate: builtin({
    doc: 'A copy; of the part from one index up to another, which is not included, when these are given.',
    takes: ['collection', 'integer?', 'integer?'],
    gives: 'collection',
    parameters: ['start', 'end'],
    examples: {
      'c = Collection(1,2,3,4); c.duplicate(1,3).toString()': '"2,3"',
      'c = Collection(1,2); d = c.duplicate(); d.insert(3); c.size()': '2',
      'Collection("a":1,"b":2,"c":3).duplicate(1,3).toString()': '"{\\"b\\":2,\\"c\\":3}"',
      'Collection(1).duplicate(0,2)': 'error: Given index 2 is greater than the list size',
    },
    run: (context, receiver, start = 0, end = sizeOf(receiver)) => {
      const { content } = receiver
      if (content.kind === 'list') return { kind: 'collection', content: sliceOf(context, content, start, end) }
      if (start < 0 || end > content.entries.size) throw beyond(start < 0 ? start : end)
      const copy = sizeOf(receiver) === 0 ? openContainer() : emptyMap()
      const part = [...content.entries].slice(start, end)
      for (const [key, value] of part) putIn(context, copy, content.keys?.get(key) ?? key, value)
      context.meter.made(part.length * 64)
      return { kind: 'collection', content: copy }
    },
  }),
  toString: builtin({
    doc: 'The elements separated by commas; JSON when it has keys.',
    takes: ['collection'],
    gives: 'text',
    aliases: ['toText'],
    examples: { 'Collection("Creator","CRM").toString()': '"Creator,CRM"', 'Collection("a":1).toString()': '"{\\"a\\":1}"' },
    run: ({ surroundings, meter }, receiver) => textOf(surroundings, receiver, meter.limits.text),
  }),
  toMap: builtin({
    doc: 'The keys and values as a map.',
    takes: ['collection'],
    gives: 'map',
    examples: { 'Collection("a":1).toMap().get("a")': '1', 'Collection(1).toMap()': "error: can not be cast to 'MAP'" },
    run: (context, { content }) => {
      if (content.kind === 'list') throw new Failure("COLLECTION can not be cast to 'MAP'")
      const copy = emptyMap()
      putAllIn(context, copy, content)
      return copy
    },
  }),
  toJSONList: builtin({
    doc: 'The elements as a list; keys and values as a list with one map.',
    takes: ['collection'],
    gives: 'list',
    examples: { 'Collection(1,2).toJSONList()': '{1,2}', 'Collection("a":1).toJSONList().get(0).get("a")': '1' },
    run: (context, { content }) => {
      if (content.kind === 'list') return sliceOf(context, content, 0, content.items.length)
      const copy = emptyMap()
      putAllIn(context, copy, content)
      return listOf(copy.entries.size === 0 ? [] : [copy])
    },
  }),
  getJSON: builtin({
    doc: 'As get; null when there is nothing.',
    takes: ['collection', 'any'],
    gives: 'any',
    parameters: ['key'],
    examples: { 'Collection("a":{"b":1}).getJSON("a").getJSON("b")': '1', 'Collection(1).getJSON(4)': 'null' },
    run: (context, { content }, key) => (content.kind === 'map' ? valueAt(context, content, key) : (content.items[indexOf(key)] ?? null)),
  }),
}
