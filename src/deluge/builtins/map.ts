import { Failure } from '../failure.ts'
import { keyTextOf, textOf } from '../text.ts'
import { keysOf, listOf, putEntry, removeEntry, type KeyValue, type Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'
import { placeOf } from './identity.ts'

/** Puts one; everything that lets a map grow by an entry comes here. */
export function putIn({ surroundings, meter }: Context, map: KeyValue, key: Value, value: Value): void {
  meter.itemsOf(map.entries.size + 1)
  putEntry(map, key, typeof key === 'string' ? key : keyTextOf(surroundings, key), value)
}

/** Puts every entry of another map, keys as they were put there. */
export function putAllIn({ meter }: Context, map: KeyValue, other: KeyValue): void {
  for (const [keyText, value] of other.entries) {
    meter.itemsOf(map.entries.size + 1)
    putEntry(map, other.keys?.get(keyText) ?? keyText, keyText, value)
  }
  meter.made(other.entries.size * 64)
}

export const valueAt = (context: Context, map: KeyValue, key: Value): Value =>
  map.entries.get(typeof key === 'string' ? key : keyTextOf(context.surroundings, key)) ?? null

export const hasKey = (context: Context, map: KeyValue, key: Value): boolean => map.entries.has(keyTextOf(context.surroundings, key))

export const hasValue = ({ meter }: Context, map: KeyValue, value: Value): boolean => placeOf(meter, [...map.entries.values()], value) >= 0

export function clearMap(map: KeyValue): void {
  map.entries.clear()
  map.keys = null
}

export const map: Builtins = {
  put: builtin({
    doc: 'Puts a value under a key; what was there is replaced and keeps its place. A map alone is put entry by entry, as by putAll.',
    takes: ['map', 'any', 'any?'],
    gives: 'none',
    parameters: ['key', 'value'],
    examples: {
      'm = Map(); m.put("a",1); m': '{"a":1}',
      'm = {"a":1,"b":2}; m.put("a",3); m': '{"a":3,"b":2}',
      'm = {}; m.put(1,"x"); m.get("1")': '"x"',
      'm = Map(); m.put("__proto__",1); m.get("__proto__")': '1',
      'm = {"a":1}; m.put({"a":2,"b":3}); m': '{"a":2,"b":3}',
      'm = Map(); m.put("a",null); m': '{"a":null}',
      'm = Map(); k = "a"; m.put(k)': 'error: Number of Arguments mismatches',
    },
    run: (context, receiver, key, value) => {
      if (value === undefined) {
        if (typeof key !== 'object' || key?.kind !== 'map') throw new Failure("Number of Arguments mismatches for the function 'put'")
        putAllIn(context, receiver, key)
      } else putIn(context, receiver, key, value)
      return null
    },
  }),
  putAll: builtin({
    doc: 'Puts every entry of another map; entries with the same key are replaced.',
    takes: ['map', 'map'],
    gives: 'none',
    parameters: ['map'],
    examples: { 'm = {"a":1,"b":2}; m.putAll({"b":3,"c":4}); m': '{"a":1,"b":3,"c":4}', 'm = {"a":1}; m.putAll(m); m': '{"a":1}' },
    run: (context, receiver, other) => {
      putAllIn(context, receiver, other)
      return null
    },
  }),
  get: builtin({
    doc: 'The value under a key; null when there is none (CO-2).',
    takes: ['map', 'any'],
    gives: 'any',
    parameters: ['key'],
    examples: {
      '{"a":1}.get("a")': '1',
      '{"a":1}.get("b")': 'null',
      '"".get("a")': 'null',
      '{"a":1}.get("A")': 'null',
      '{"1":"x"}.get(1)': '"x"',
    },
    run: valueAt,
  }),
  remove: builtin({
    doc: 'Takes out what is under a key and gives it; null when there was nothing.',
    takes: ['map', 'any'],
    gives: 'any',
    parameters: ['key'],
    examples: { 'm = {"a":1,"b":2}; m.remove("a"); m': '{"b":2}', 'm = {"a":1}; m.remove("x")': 'null', 'm = {"a":1}; m.remove("a")': '1' },
    run: ({ surroundings }, receiver, key) => removeEntry(receiver, keyTextOf(surroundings, key)),
  }),
  clear: builtin({
    doc: 'Takes every entry out.',
    takes: ['map'],
    gives: 'none',
    examples: { 'm = {"a":1}; m.clear(); m.size()': '0' },
    run: (_, receiver) => {
      clearMap(receiver)
      return null
    },
  }),
  containKey: builtin({
    doc: 'Whether there is something under a key. Case counts.',
    takes: ['map', 'any'],
    gives: 'boolean',
    parameters: ['key'],
    aliases: ['containsKey'],
    examples: {
      '{"a":1}.containKey("a")': 'true',
      '{"a":1}.containsKey("A")': 'false',
      '{"a":null}.containKey("a")': 'true',
      '{1:"x"}.containKey(1)': 'true',
    },
    run: hasKey,
  }),
  containValue: builtin({
    doc: 'Whether a value is in the map. Types and case count.',
    takes: ['map', 'any'],
    gives: 'boolean',
    parameters: ['value'],
    aliases: ['containsValue'],
    examples: { '{"a":1}.containValue(1)': 'true', '{"a":1}.containsValue("1")': 'false' },
    run: hasValue,
  }),
  contains: builtin({
    doc: 'Whether there is something under a key, as containKey.',
    takes: ['map', 'any'],
    gives: 'boolean',
    parameters: ['key'],
    examples: { '{"a":1}.contains("a")': 'true', '{"a":1}.contains(1)': 'false' },
    run: hasKey,
  }),
  notContains: builtin({
    doc: 'Whether there is nothing under a key.',
    takes: ['map', 'any'],
    gives: 'boolean',
    parameters: ['key'],
    examples: { '{"product":"Creator","subscription":"yearly"}.notContains("price")': 'true', '{"a":1}.notContains("a")': 'false' },
    run: (context, receiver, key) => !hasKey(context, receiver, key),
  }),
  keys: builtin({
    doc: 'A list of the keys in the order they were first put.',
    takes: ['map'],
    gives: 'list',
    aliases: ['keySet'],
    examples: {
      '{"Product":"x","Version":1}.keys()': '{"Product","Version"}',
      'm = Map(); m.put(2,"b"); m.put("a","a"); m.keys()': '{2,"a"}',
    },
    run: ({ meter }, receiver) => {
      meter.made(receiver.entries.size * 8)
      return listOf(keysOf(receiver))
    },
  }),
  values: builtin({
    doc: 'A list of the values in the order their keys were first put.',
    takes: ['map'],
    gives: 'list',
    examples: { '{"a":1,"b":"x"}.values()': '{1,"x"}' },
    run: ({ meter }, receiver) => {
      meter.made(receiver.entries.size * 8)
      return listOf([...receiver.entries.values()])
    },
  }),
  size: builtin({
    doc: 'The number of entries.',
    takes: ['map'],
    gives: 'number',
    aliases: ['count'],
    examples: { '{"a":1,"b":2}.size()': '2', 'Map().size()': '0' },
    run: (_, receiver) => receiver.entries.size,
  }),
  isEmpty: builtin({
    doc: 'Whether there is no entry.',
    takes: ['map'],
    gives: 'boolean',
    examples: { 'Map().isEmpty()': 'true', '{}.isEmpty()': 'true', '{"":""}.isEmpty()': 'false' },
    run: (_, receiver) => receiver.entries.size === 0,
  }),
  toString: builtin({
    doc: 'The map as JSON text, ready to be sent.',
    takes: ['map'],
    gives: 'text',
    aliases: ['toText'],
    examples: { '{"a":1,"b":"x"}.toString()': '"{\\"a\\":1,\\"b\\":\\"x\\"}"' },
    run: ({ surroundings, meter }, receiver) => textOf(surroundings, receiver, meter.limits.text),
  }),
  toMap: builtin({
    doc: 'The map itself.',
    takes: ['map'],
    gives: 'map',
    examples: { '{"a":1}.toMap().get("a")': '1' },
    run: (_, receiver) => receiver,
  }),
  toList: builtin({
    doc: 'A list with the map as its only element: what a service gives for one is then handled like several. An empty map is an empty list.',
    takes: ['map'],
    gives: 'list',
    examples: { '{"a":1}.toList().get(0).get("a")': '1', 'Map().toList().size()': '0' },
    run: (_, receiver) => listOf(receiver.entries.size === 0 ? [] : [receiver]),
  }),
  toJSONList: builtin({
    doc: 'A list with the map as its only element.',
    takes: ['map'],
    gives: 'list',
    examples: { '{"a":1}.toJSONList().size()': '1' },
    run: (_, receiver) => listOf(receiver.entries.size === 0 ? [] : [receiver]),
  }),
  getJSON: builtin({
    doc: 'The value under a key, as from JSON text; null when there is none.',
    takes: ['map', 'any'],
    gives: 'any',
    parameters: ['key'],
    examples: { '{"a":{"b":1}}.getJSON("a").getJSON("b")': '1', '{"a":1}.getJSON("x")': 'null' },
    run: valueAt,
  }),
}
