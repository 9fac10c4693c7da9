import { openContainer, removeEntry, type Value } from '../value.ts'
import { deleteAt, elementsOf, entriesOf, indexOf, keyOf, sizeOf, sortEntries, valuesOf } from './collection-content.ts'
import { builtin, type Builtins } from './define.ts'
import { identitiesOf, identityOf, placeOf } from './identity.ts'
import { append, itemAt } from './list.ts'
import { putAllIn, putIn } from './map.ts'
import { sortBy } from './order.ts'

/** What changes a collection. */
export const collectionChange: Builtins = {
  insert: builtin({
    doc: 'Adds an element, or a value with its key; an existing key gets the new value. A collection has indexes or keys, not both.',
    takes: ['collection', 'any', 'any?'],
    gives: 'none',
    parameters: ['element', 'value'],
    examples: {
      'c = Collection("Creator","CRM"); c.insert("Analytics"); c.toString()': '"Creator,CRM,Analytics"',
      'c = Collection("Creator":5); c.insert("CRM":5); c.toString()': '"{\\"Creator\\":5,\\"CRM\\":5}"',
      'c = Collection(); c.insert("a":1); c.get("a")': '1',
      'c = Collection("Creator":5); c.insert("CRM"); c': 'error: This collection has keys',
      'c = Collection("Creator"); c.insert("CRM","x"); c': 'error: This collection has indexes',
      'c = Collection("Creator"); c.insert("CRM":5); c': 'error: This collection has indexes',
      'c = Collection(); c.insert({"name":"a"}); c.insert({"name":"b"}); c.size()': '2',
      'c = {}; c.insert("a"); c.insert("b"); c': '{"a","b"}',
      'c = {}; c.insert("a":1); c.insert("b":2); c': '{"a":1,"b":2}',
    },
    // `insert("k":v)` is `insertAll({"k":v})`: a map without braces of its own, which is an element where it has them.
    run: (context, receiver, element, value) => {
      const hasKeys = receiver.content.kind === 'map' && sizeOf(receiver) > 0
      if (value !== undefined) putIn(context, entriesOf(receiver), element, value)
      else if (hasKeys && typeof element === 'object' && element?.kind === 'map') putAllIn(context, entriesOf(receiver), element)
      else append(context, elementsOf(receiver), element)
      return null
    },
  }),
  insertAll: builtin({
    doc: 'Adds the elements of a list, or the entries of a map.',
    takes: ['collection', 'collection'],
    gives: 'none',
    parameters: ['elements'],
    examples: {
      'c = Collection("Creator"); c.insertAll({"Analytics","Connect"}); c.size()': '3',
      'c = Collection("Creator":5); c.insertAll({"CRM":5,"Campaigns":2}); c.toString()':
        '"{\\"Creator\\":5,\\"CRM\\":5,\\"Campaigns\\":2}"',
      'c = Collection("Creator":5); c.insertAll({"CRM"}); c': 'error: This collection has keys',
    },
    run: (context, receiver, other) => {
      if (sizeOf(other) === 0) return null
      if (other.content.kind === 'map') putAllIn(context, entriesOf(receiver), other.content)
      else {
        const elements = elementsOf(receiver)
        for (const item of [...other.content.items]) append(context, elements, item)
      }
      return null
    },
  }),
  update: builtin({
    doc: 'Replaces the value of a key, or the element at an index. A new key is added; an index must exist.',
    takes: ['collection', 'any', 'any'],
    gives: 'none',
    parameters: ['key', 'value'],
    examples: {
      'c = Collection("Creator","CRM","Campaigns"); c.update(2,"Analytics"); c.toString()': '"Creator,CRM,Analytics"',
      'c = Collection("Creator":5,"CRM":2); c.update("CRM",3); c.toString()': '"{\\"Creator\\":5,\\"CRM\\":3}"',
      'c = Collection("Creator"); c.update(1,"CRM"); c': 'error: Given index 1 is greater than the list size',
    },
    run: (context, receiver, key, value) => {
      const { content } = receiver
      if (content.kind === 'map') putIn(context, content, key, value)
      else {
        const index = indexOf(key)
        itemAt(content, index)
        content.items[index] = value
      }
      return null
    },
  }),
  delete: builtin({
    doc: 'Takes the first such element out, or the first entry with such a value, when there is one.',
    takes: ['collection', 'any'],
    gives: 'none',
    parameters: ['value'],
    examples: {
      'c = Collection("Creator","CRM","Campaigns"); c.delete("CRM"); c.toString()': '"Creator,Campaigns"',
      'c = Collection("Creator":5,"CRM":2); c.delete(2); c.toString()': '"{\\"Creator\\":5}"',
      'c = Collection("Creator"); c.delete("Mail"); c.size()': '1',
    },
    run: (context, receiver, value) => {
      const place = placeOf(context.meter, valuesOf(receiver), value)
      if (place >= 0) deleteAt(context, receiver, keyOf(receiver, place))
      return null
    },
  }),
  deleteAll: builtin({
    doc: 'Takes out every element, or every entry with a value, that is in a list.',
    takes: ['collection', 'list'],
    gives: 'none',
    parameters: ['values'],
    examples: {
      'c = Collection("Creator","CRM","Campaigns"); c.deleteAll({"CRM","Campaigns"}); c.toString()': '"Creator"',
      'c = Collection("Creator":5,"CRM":2); c.deleteAll({2}); c.toString()': '"{\\"Creator\\":5}"',
    },
    run: ({ meter }, { content }, values) => {
      const unwanted = identitiesOf(meter, values.items)
      const stays = (item: Value) => !unwanted.has(identityOf(meter, item))
      if (content.kind === 'list') content.items = content.items.filter(stays)
      else for (const [key, item] of [...content.entries]) if (!stays(item)) removeEntry(content, key)
      return null
    },
  }),
  deleteKey: builtin({
    doc: 'Takes out the entry of a key, when there is one, or the element at an index, which must exist.',
    takes: ['collection', 'any'],
    gives: 'none',
    parameters: ['key'],
    examples: {
      'c = Collection("Creator":5,"CRM":2); c.deleteKey("CRM"); c.size()': '1',
      'c = Collection("Creator":5); c.deleteKey("Mail"); c.size()': '1',
      'c = Collection("Creator","CRM","Campaigns"); c.deleteKey(1); c.toString()': '"Creator,Campaigns"',
      'c = Collection("Creator"); c.deleteKey(3); c': 'error: Given index 3 is greater than the list size',
    },
    run: (context, receiver, key) => {
      deleteAt(context, receiver, key)
      return null
    },
  }),
  deleteKeys: builtin({
    doc: 'Takes out the entries of several keys, or the elements at several indexes, counted before any is taken out.',
    takes: ['collection', 'list'],
    gives: 'none',
    parameters: ['keys'],
    examples: {
      'c = Collection("Creator":5,"CRM":2,"Mail":8); c.deleteKeys({"CRM","Mail"}); c.toString()': '"{\\"Creator\\":5}"',
      'c = Collection("Creator","CRM","Mail"); c.deleteKeys({1,2}); c.toString()': '"Creator"',
    },
    run: (context, receiver, keys) => {
      const { content } = receiver
      if (content.kind === 'map') for (const key of keys.items) deleteAt(context, receiver, key)
      else {
        const places = new Set(keys.items.map(indexOf))
        for (const place of places) itemAt(content, place)
        content.items = content.items.filter((_, place) => !places.has(place))
      }
      return null
    },
  }),
  sort: builtin({
    doc: 'Sorts the elements, or the entries by their values, in place; descending with false. Mixed types stay as they are.',
    takes: ['collection', 'boolean?'],
    gives: 'none',
    parameters: ['ascending'],
    examples: {
      'c = Collection("Creator":5,"CRM":2,"Mail":8); c.sort(); c.toString()': '"{\\"CRM\\":2,\\"Creator\\":5,\\"Mail\\":8}"',
      'c = Collection("Creator","CRM","Mail"); c.sort(false); c.toString()': '"Mail,Creator,CRM"',
    },
    run: (_, { content }, ascending = true) => {
      if (content.kind === 'list') sortBy(content.items, item => item, ascending)
      else sortEntries(content, ([, value]) => value, ascending)
      return null
    },
  }),
  sortKey: builtin({
    doc: 'Sorts the entries by their keys, in place; descending with false.',
    takes: ['collection', 'boolean?'],
    gives: 'none',
    parameters: ['ascending'],
    examples: {
      'c = Collection("Creator":5,"CRM":2,"Mail":8); c.sortKey(); c.toString()': '"{\\"CRM\\":2,\\"Creator\\":5,\\"Mail\\":8}"',
      'c = Collection(10:"b",9:"a"); c.sortKey(); c.keys()': '{9,10}',
    },
    run: (_, { content }, ascending = true) => {
      if (content.kind === 'map') sortEntries(content, ([key]) => content.keys?.get(key) ?? key, ascending)
      return null
    },
  }),
  clear: builtin({
    doc: 'Takes everything out. What comes next may be an element or a key with its value.',
    takes: ['collection'],
    gives: 'none',
    examples: { 'c = Collection("a":1); c.clear(); c.insert("x"); c.get(0)': '"x"' },
    run: (_, receiver) => {
      receiver.content = openContainer()
      return null
    },
  }),
}
