import { decimalOf, digitsOf, isNumeric } from '../arithmetic.ts'
import { coerce } from '../coerce.ts'
import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import { listOf, type ElementType, type List, type Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'
import { distinctOf, identitiesOf, identityOf, lastPlaceOf, placeOf } from './identity.ts'
import { sortBy } from './order.ts'

const parameterOf = { text: 'text', number: 'number', decimal: 'numeric', boolean: 'boolean', date: 'date' } as const

/**
 * What a typed list makes of an element (LEX-13): 1 becomes "1" among texts, a date becomes milliseconds among numbers. Null stays; so do
 * maps and lists among texts, which scripts collect in `List:String()` and send as JSON.
 */
export function elementOf(context: Context, of: ElementType, value: Value): Value {
  if (value === null) return null
  if (of === 'text' && typeof value === 'object' && (value.kind === 'map' || value.kind === 'list')) return value
  const given = (of === 'number' || of === 'decimal') && typeof value === 'object' && value.kind === 'date' ? value.ms : value
  const made = coerce(context, given, parameterOf[of])
  return of === 'decimal' && isNumeric(made) ? decimalOf(digitsOf(made)) : made
}

/** Appends one; everything that lets a list grow by one element comes here. */
export function append(context: Context, list: List, value: Value): void {
  const { items } = list
  context.meter.itemsOf(items.length + 1)
  items.push(list.of === null ? value : elementOf(context, list.of, value))
}

function appendAll(context: Context, list: List, values: readonly Value[]): void {
  context.meter.itemsOf(list.items.length + values.length)
  context.meter.made(values.length * 8)
  // A copy first: a list may be added to itself.
  for (const value of [...values]) list.items.push(list.of === null ? value : elementOf(context, list.of, value))
}

/** CO-2. */
export const beyond = (index: number): Failure =>
  new Failure(index < 0 ? 'Given index is less than 0' : `Given index ${String(index)} is greater than the list size`)

export function itemAt(list: List, index: number): Value {
  const item = list.items[index]
  if (item === undefined) throw beyond(index)
  return item
}

/** A new list of the same type. */
function copyOf(context: Context, items: readonly Value[], of: ElementType | null): List {
  context.meter.made(items.length * 8)
  return listOf([...items], of)
}

export function sliceOf(context: Context, list: List, start: number, end: number): List {
  if (start < 0 || end < 0 || end > list.items.length) throw beyond(start < 0 ? start : end)
  if (start > end) throw new Failure('The end of a part of a list must not be before its start.')
  return copyOf(context, list.items.slice(start, end), list.of)
}

/** Elements found in both, in the order of the first, each once. */
export function inBoth({ meter }: Context, first: readonly Value[], second: readonly Value[]): Value[] {
  const wanted = identitiesOf(meter, second)
  return distinctOf(
    meter,
    first.filter(item => wanted.has(identityOf(meter, item))),
  )
}

function joined({ surroundings, meter }: Context, items: readonly Value[], separator: string): string {
  const { text: limit } = meter.limits
  let text = ''
  for (const [index, item] of items.entries()) {
    const next = (index > 0 ? separator : '') + textOf(surroundings, item, limit)
    meter.textOf(text.length + next.length)
    text += next
  }
  return text
}

export const list: Builtins = {
  add: builtin({
    doc: 'Appends an element. A list is one element. A typed list converts what is added.',
    takes: ['list', 'any'],
    gives: 'none',
    parameters: ['element'],
    examples: {
      'l = {1,2}; l.add(3); l': '{1,2,3}',
      'l = List(); l.add({1,2}); l.size()': '1',
      'l = List:String(); l.add(1); l.contains("1")': 'true',
      'l = List:String(); l.add({"a":1}); {"rows":l}': '{"rows":{{"a":1}}}',
      "l = List:Float(); l.add('01-Jan-2019'); l.get(0)": '1546329600000.0',
      'l = List:Int(); l.add("12"); l.add(3.7); l': '{12,3}',
      'l = List:Bool(); l.add("true"); l.get(0)': 'true',
      'l = List:Date(); l.add("01-Jan-2019"); l.get(0)': "'01-Jan-2019'",
      'l = List:Int(); l.add("many"); l': "error: can not be cast to 'NUMBER'",
    },
    run: (context, receiver, value) => {
      append(context, receiver, value)
      return null
    },
  }),
  addAll: builtin({
    doc: 'Appends every element of another list.',
    takes: ['list', 'list'],
    gives: 'none',
    parameters: ['list'],
    examples: { 'l = {1,2}; l.addAll({3,4}); l': '{1,2,3,4}', 'l = {1,2}; l.addAll(l); l': '{1,2,1,2}' },
    run: (context, receiver, other) => {
      appendAll(context, receiver, other.items)
      return null
    },
  }),
  insert: builtin({
    doc: 'Puts an element at an index; what stood there and after it moves back.',
    takes: ['list', 'integer', 'any'],
    gives: 'none',
    parameters: ['index', 'element'],
    aliases: ['insertAt'],
    examples: {
      'l = {1,3}; l.insert(1, 2); l': '{1,2,3}',
      'l = {1}; l.insert(1, 2); l': '{1,2}',
      'l = {1}; l.insert(2, 2); l': 'error: Given index 2 is greater than the list size',
    },
    run: (context, receiver, index, value) => {
      if (index < 0 || index > receiver.items.length) throw beyond(index)
      context.meter.itemsOf(receiver.items.length + 1)
      receiver.items.splice(index, 0, receiver.of === null ? value : elementOf(context, receiver.of, value))
      return null
    },
  }),
  clear: builtin({
    doc: 'Takes every element out.',
    takes: ['list'],
    gives: 'none',
    examples: { 'l = {1,2}; l.clear(); l.size()': '0' },
    run: (_, receiver) => {
      receiver.items.length = 0
      return null
    },
  }),
  get: builtin({
    doc: 'The element at an index, counted from 0.',
    takes: ['list', 'integer'],
    gives: 'any',
    parameters: ['index'],
    examples: { '{"a","b"}.get(1)': '"b"', '{"a","b"}.get(2)': 'error: Given index 2 is greater than the list size' },
    run: (_, receiver, index) => itemAt(receiver, index),
  }),
  indexOf: builtin({
    doc: 'The index of the first such element, or -1. Types count: "1" is not 1.',
    takes: ['list', 'any'],
    gives: 'number',
    parameters: ['element'],
    examples: { '{"a","b","a"}.indexOf("a")': '0', '{1,2}.indexOf("1")': '-1' },
    run: ({ meter }, receiver, value) => placeOf(meter, receiver.items, value),
  }),
  lastIndexOf: builtin({
    doc: 'The index of the last such element, or -1.',
    takes: ['list', 'any'],
    gives: 'number',
    parameters: ['element'],
    examples: { '{"a","b","a"}.lastIndexOf("a")': '2', '{1,2}.lastIndexOf(3)': '-1' },
    run: ({ meter }, receiver, value) => lastPlaceOf(meter, receiver.items, value),
  }),
  size: builtin({
    doc: 'The number of elements.',
    takes: ['list'],
    gives: 'number',
    aliases: ['count', 'length'],
    examples: { '{1,2,3}.size()': '3', 'List().size()': '0' },
    run: (_, receiver) => receiver.items.length,
  }),
  isEmpty: builtin({
    doc: 'Whether there is no element.',
    takes: ['list'],
    gives: 'boolean',
    examples: { 'List().isEmpty()': 'true', '{""}.isEmpty()': 'false' },
    run: (_, receiver) => receiver.items.length === 0,
  }),
  contains: builtin({
    doc: 'Whether an element is in the list. Types and case count: "1" is not 1.',
    takes: ['list', 'any'],
    gives: 'boolean',
    parameters: ['element'],
    examples: {
      '{1,"2","Zoho","Creator"}.contains("1")': 'false',
      '{1,"2","Zoho","Creator"}.contains(2)': 'false',
      '{1,"2","Zoho","Creator"}.contains("zoho")': 'false',
      '{1,"2","Zoho","Creator"}.contains("Creator")': 'true',
      '{1,{"version":5}}.contains({"Version":5})': 'false',
      '{1,{"version":5}}.contains({"version":5})': 'true',
      '{1,{"India","USA"}}.contains({"India"})': 'false',
    },
    run: ({ meter }, receiver, value) => placeOf(meter, receiver.items, value) >= 0,
  }),
  notContains: builtin({
    doc: 'Whether an element is not in the list.',
    takes: ['list', 'any'],
    gives: 'boolean',
    parameters: ['element'],
    examples: { '{"Creator","CRM","Cliq"}.notContains("Books")': 'true', '{1,2}.notContains(2)': 'false' },
    run: ({ meter }, receiver, value) => placeOf(meter, receiver.items, value) < 0,
  }),
  remove: builtin({
    doc: 'Takes the element at an index out and gives it.',
    takes: ['list', 'integer'],
    gives: 'any',
    parameters: ['index'],
    examples: {
      'l = {"a","b","c"}; l.remove(1); l': '{"a","c"}',
      'l = {"a","b","c"}; l.remove(1)': '"b"',
      'l = {"a"}; l.remove(1); l': 'error: Given index 1 is greater than the list size',
      'l = {"a"}; l.remove(-1); l': 'error: Given index is less than 0',
    },
    run: (_, receiver, index) => {
      const removed = itemAt(receiver, index)
      receiver.items.splice(index, 1)
      return removed
    },
  }),
  removeElement: builtin({
    doc: 'Takes the first such element out, when there is one.',
    takes: ['list', 'any'],
    gives: 'none',
    parameters: ['element'],
    examples: { 'l = {"a","b","a"}; l.removeElement("a"); l': '{"b","a"}', 'l = {1,2}; l.removeElement("1"); l': '{1,2}' },
    run: ({ meter }, receiver, value) => {
      const index = placeOf(meter, receiver.items, value)
      if (index >= 0) receiver.items.splice(index, 1)
      return null
    },
  }),
  removeAll: builtin({
    doc: 'Takes out every element that is in another list. Types count.',
    takes: ['list', 'list'],
    gives: 'none',
    parameters: ['list'],
    examples: { 'l = {1,2,1,3}; l.removeAll({1,3}); l': '{2}', 'l = {"1",1}; l.removeAll({1}); l': '{"1"}' },
    run: ({ meter }, receiver, other) => {
      const unwanted = identitiesOf(meter, other.items)
      receiver.items = receiver.items.filter(item => !unwanted.has(identityOf(meter, item)))
      return null
    },
  }),
  subList: builtin({
    doc: 'A new list from one index up to another, which is not included; to the end when left out.',
    takes: ['list', 'integer', 'integer?'],
    gives: 'list',
    parameters: ['start', 'end'],
    examples: {
      '{1,2,3,4}.subList(0,3)': '{1,2,3}',
      '{1,2,3,4}.subList(2)': '{3,4}',
      '{1,2}.subList(0,3)': 'error: Given index 3 is greater than the list size',
      '{1,2}.subList(2,1)': 'error: must not be before its start',
    },
    run: (context, receiver, start, end = receiver.items.length) => sliceOf(context, receiver, start, end),
  }),
  sort: builtin({
    doc: 'Sorts the list and gives a sorted copy; descending with false. Capitals come before small letters. A list of mixed types stays and gives null.',
    takes: ['list', 'boolean?'],
    gives: 'list',
    parameters: ['ascending'],
    examples: {
      '{3,1,2}.sort()': '{1,2,3}',
      '{3,1,2.5,10}.sort(false)': '{10,3,2.5,1}',
      '{"Creator","crm","Zoho Creator"}.sort(true)': '{"Creator","Zoho Creator","crm"}',
      'l = {3,1,2}; l.sort(); l': '{1,2,3}',
      "{'02-Jan-2020','31-Dec-2019'}.sort().get(0)": "'31-Dec-2019'",
      '{1,"a"}.sort()': 'null',
    },
    // The page says "returns the list", and that the variable may be left out: then only sorting in place has a use. The copy keeps
    // `a = l.sort(); b = l.sort(false);` two lists.
    run: (context, receiver, ascending = true) =>
      sortBy(receiver.items, item => item, ascending) ? copyOf(context, receiver.items, receiver.of) : null,
  }),
  distinct: builtin({
    doc: 'A new list with every element once, in the order of the first. Types count: "1" and 1 both stay.',
    takes: ['list'],
    gives: 'list',
    examples: { '{"1",1,1,2,2,3}.distinct()': '{"1",1,2,3}', '{{"a":1},{"a":1}}.distinct().size()': '1' },
    run: ({ meter }, receiver) => listOf(distinctOf(meter, receiver.items), receiver.of),
  }),
  intersect: builtin({
    doc: 'A new list of the elements found in both lists, each once. Types count.',
    takes: ['list', 'list'],
    gives: 'list',
    parameters: ['list'],
    examples: {
      '{"Zoho Creator","Zoho CRM","Zoho Projects"}.intersect({"Zoho Mail","Zoho Analytics","Zoho Creator"})': '{"Zoho Creator"}',
      '{1,2,3}.intersect({"1",3,2})': '{2,3}',
    },
    run: (context, receiver, other) => listOf(inBoth(context, receiver.items, other.items), receiver.of),
  }),
  toString: builtin({
    doc: 'The elements separated by commas, JSON when a list or map is among them; or by a separator.',
    takes: ['list', 'text?'],
    gives: 'text',
    parameters: ['separator'],
    aliases: ['toText'],
    examples: {
      '{"Product","Version"}.toString()': '"Product,Version"',
      '{{"a":1},2}.toString()': '"[{\\"a\\":1},2]"',
      '{"a",1,2.5}.toString(" | ")': '"a | 1 | 2.5"',
    },
    run: (context, receiver, separator) =>
      separator === undefined
        ? textOf(context.surroundings, receiver, context.meter.limits.text)
        : joined(context, receiver.items, separator),
  }),
  toList: builtin({
    doc: 'The list itself (CO-4).',
    takes: ['list', 'text?'],
    gives: 'list',
    parameters: ['separator'],
    examples: { '{1,2}.toList()': '{1,2}', '"a,b".toList().toList()': '{"a","b"}' },
    run: (_, receiver) => receiver,
  }),
  toJSONList: builtin({
    doc: 'The list itself: it is what JSON text would become.',
    takes: ['list'],
    gives: 'list',
    examples: { '{1,2}.toJSONList()': '{1,2}' },
    run: (_, receiver) => receiver,
  }),
  toMap: builtin({
    doc: 'The map in a list that holds only one; any other list is no map.',
    takes: ['list'],
    gives: 'map',
    examples: { '{{"a":1}}.toMap().get("a")': '1', '{1,2}.toMap()': "error: can not be cast to 'MAP'" },
    run: (_, { items }) => {
      const [only] = items
      if (items.length === 1 && typeof only === 'object' && only?.kind === 'map') return only
      throw new Failure("LIST can not be cast to 'MAP'")
    },
  }),
  getJSON: builtin({
    doc: 'The element at an index, or what stands under a key in the first map that has it, as from JSON text; null when there is none.',
    takes: ['list', 'any'],
    gives: 'any',
    parameters: ['index'],
    examples: {
      '{{"a":1}}.getJSON(0).getJSON("a")': '1',
      '{1}.getJSON(5)': 'null',
      // CO-1: an answer's list of one record is asked like the record
      '{"owners":[{"name":"Ada"}]}.get("owners").getJSON("name")': '"Ada"',
      '{1,{"a":null},{"b":2}}.getJSON("b")': '2',
      '{1}.getJSON("b")': 'null',
    },
    run: (context, receiver, at) => {
      if (typeof at !== 'string' || /^\d+$/.test(at)) return receiver.items[coerce(context, at, 'integer') as number] ?? null
      for (const item of receiver.items) {
        if (typeof item !== 'object' || item?.kind !== 'map') continue
        const value = item.entries.get(at)
        if (value !== undefined) return value
      }
      return null
    },
  }),
}
