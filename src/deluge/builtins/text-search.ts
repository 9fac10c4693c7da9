import { parseDate } from '../dates.ts'
import { equal } from '../equal.ts'
import { regexOf } from '../regex.ts'
import { folded, indexOfText, lastIndexOfText, placesOf } from '../search-text.ts'
import { kindOf, type Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'

const dateInText = (context: Context, value: Value): Value => (typeof value === 'string' ? parseDate(context.surroundings, value) : null)

/** Same kind and same value: `1.equals("1")` is false (§3.9), but a quoted date is a date, however it is written. */
function equals(context: Context, left: Value, right: Value): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left === right
  const [one, other] = [kindOf(left), kindOf(right)]
  const numeric = (kind: string): boolean => kind === 'number' || kind === 'decimal'
  if (one === other || (numeric(one) && numeric(other))) return equal(context.surroundings, left, right)
  if (one === 'date') return equal(context.surroundings, left, dateInText(context, right))
  if (other === 'date') return equal(context.surroundings, dateInText(context, left), right)
  return false
}

/** What asks something of a TEXT. Places count UTF-16 units from 0, as the original counts them. */
export const searching: Builtins = {
  contains: builtin({
    doc: 'Whether a text occurs in it, case as written. The empty text occurs in every text.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: {
      '"Zoho Creator".contains("Creator")': 'true',
      '"Zoho Creator".contains("creator")': 'false',
      '"Zoho".contains("")': 'true',
      'contains("abc", "b")': 'true',
      '"naïve 😀".contains("😀")': 'true',
    },
    run: (_context, text, part) => indexOfText(text, part) >= 0,
  }),
  notContains: builtin({
    doc: 'Whether a text does not occur in it, case as written.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho".notContains("zoho")': 'true', '"Zoho".notContains("oh")': 'false' },
    run: (_context, text, part) => indexOfText(text, part) < 0,
  }),
  containsIgnoreCase: builtin({
    doc: 'Whether a text occurs in it, whatever the case.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho Creator".containsIgnoreCase("CREATOR")': 'true', '"Zoho".containsIgnoreCase("x")': 'false' },
    run: (_context, text, part) => indexOfText(folded(text), folded(part)) >= 0,
  }),
  startsWith: builtin({
    doc: 'Whether it begins with a text, case as written.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho Creator".startsWith("Zoho")': 'true', '"Zoho Creator".startsWith("zoho")': 'false', '"".startsWith("")': 'true' },
    run: (_context, text, part) => text.startsWith(part),
  }),
  startsWithIgnoreCase: builtin({
    doc: 'Whether it begins with a text, whatever the case.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho Creator".startsWithIgnoreCase("zoho")': 'true', '"Zoho".startsWithIgnoreCase("oho")': 'false' },
    run: (_context, text, part) => folded(text.slice(0, part.length)) === folded(part),
  }),
  endsWith: builtin({
    doc: 'Whether it ends with a text, case as written.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho Creator".endsWith("Creator")': 'true', '"Zoho Creator".endsWith("creator")': 'false' },
    run: (_context, text, part) => text.endsWith(part),
  }),
  endsWithIgnoreCase: builtin({
    doc: 'Whether it ends with a text, whatever the case.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['searchText'],
    examples: { '"Zoho Creator".endsWithIgnoreCase("CREATOR")': 'true', '"b".endsWithIgnoreCase("ab")': 'false' },
    run: (_context, text, part) => part.length <= text.length && folded(text.slice(text.length - part.length)) === folded(part),
  }),
  equals: builtin({
    doc: 'Whether two values are of the same type and the same. Numbers of both types compare by value, dates however they are written.',
    takes: ['any', 'any'],
    gives: 'boolean',
    parameters: ['value'],
    examples: {
      '"Zoho".equals("zoho")': 'false',
      '"Zoho".equals("Zoho")': 'true',
      "'01/01/2017'.equals('01-Jan-2017')": 'true',
      '"1".equals(1)': 'false',
      '1.equals(1.0)': 'true',
      '{1,2}.equals({1,2})': 'true',
      '"a".equals(null)': 'false',
    },
    run: equals,
  }),
  equalsIgnoreCase: builtin({
    doc: 'Whether two texts are the same, whatever the case.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['text'],
    examples: { '"Zoho".equalsIgnoreCase("zOHO")': 'true', '"Zoho".equalsIgnoreCase("Zoho ")': 'false' },
    run: (_context, text, other) => text.length === other.length && folded(text) === folded(other),
  }),
  matches: builtin({
    doc: 'Whether the whole text matches a regular expression (Java syntax). Backslashes are doubled in a text literal.',
    takes: ['text', 'text'],
    gives: 'boolean',
    parameters: ['regularExpression'],
    examples: {
      '"ID004500F".matches("[A-Z]{2}[0-9]{6}[A-Z]")': 'true',
      '"ID004500F x".matches("[A-Z]{2}[0-9]{6}[A-Z]")': 'false',
      '"12.5".matches("\\\\d+\\\\.\\\\d")': 'true',
      '"Ab1".matches("(?=.*[A-Z])(?=.*\\\\d).+")': 'true',
      '"a".matches("(")': 'error: has a "(" without ")"',
    },
    run: (context, text, pattern) => regexOf(pattern).matches(text, context.meter),
  }),
  indexOf: builtin({
    doc: 'The place of the first occurrence of a text, from a place on when one is given, counted from 0; -1 when it does not occur.',
    takes: ['text', 'text', 'integer?'],
    gives: 'number',
    parameters: ['searchText', 'from'],
    aliases: ['find'],
    examples: {
      '"Hello world, welcome to the universe".find("e")': '1',
      '"Hello".indexOf("x")': '-1',
      '"Hello".indexOf("H")': '0',
      '"Hello".indexOf("h")': '-1',
      '"a,b,c".indexOf(",",2)': '3',
    },
    run: (_context, text, part, from) => indexOfText(text, part, Math.max(0, from ?? 0)),
  }),
  lastIndexOf: builtin({
    doc: 'The place of the last occurrence of a text, counted from 0; -1 when it does not occur.',
    takes: ['text', 'text'],
    gives: 'number',
    parameters: ['searchText'],
    examples: { '"Hello world, welcome to the universe".lastIndexOf("e")': '35', '"Hello".lastIndexOf("x")': '-1' },
    run: (_context, text, part) => lastIndexOfText(text, part),
  }),
  getOccurenceCount: builtin({
    doc: 'How many times a text occurs in it, without overlap. The empty text is not counted.',
    takes: ['text', 'text'],
    gives: 'number',
    parameters: ['searchText'],
    aliases: ['getOccurrenceCount'],
    examples: {
      '"A database is a database".getOccurenceCount("database")': '2',
      '"banana".getOccurenceCount("ana")': '1',
      '"banana".getOccurenceCount("x")': '0',
      '"banana".getOccurenceCount("")': '0',
    },
    run: (_context, text, part) => {
      let count = 0
      for (const _ of placesOf(text, part)) count += 1
      return count
    },
  }),
  length: builtin({
    doc: 'How many characters it has: UTF-16 units, so that an emoji counts two.',
    takes: ['text'],
    gives: 'number',
    aliases: ['len'],
    examples: {
      '"Create database applications with Zoho Creator".length()': '46',
      '"".len()': '0',
      'len("Zoho")': '4',
      '12345.length()': '5',
      '"😀".length()': '2',
    },
    run: (_context, text) => text.length,
  }),
  isAscii: builtin({
    doc: 'Whether every character is an ASCII character; true for the empty text.',
    takes: ['text'],
    gives: 'boolean',
    examples: { '"".isAscii()': 'true', '"Zoho".isAscii()': 'true', '"ß".isAscii()': 'false', '"😀".isAscii()': 'false' },
    // eslint-disable-next-line no-control-regex -- ASCII begins with control characters
    run: (_context, text) => /^[\u0000-\u007f]*$/.test(text),
  }),
}
