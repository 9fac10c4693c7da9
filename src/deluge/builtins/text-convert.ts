import { decimalOf, digitsOf, integerOfDecimal } from '../arithmetic.ts'
import { numberInText } from '../coerce.ts'
import { formatDate, parseDate } from '../dates.ts'
import { formatNumber, isNumberMask } from '../decimal-format.ts'
import { Failure } from '../failure.ts'
import { containerInJson, parseJson } from '../json.ts'
import { placesOf } from '../search-text.ts'
import { textOf } from '../text.ts'
import { kindNames, kindOf, listOf, mapOf, type Integer, type KeyValue, type List, type Numeric, type Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'

/** Says nothing of the text itself: it may be a secret. */
function numberIn(text: string, type: 'NUMBER' | 'DECIMAL'): Numeric {
  const number = numberInText(text)
  if (number === null) throw new Failure(`TEXT can not be cast to '${type}'`)
  return number
}

/** What stands behind the point is cut off (CO-7). */
function wholeIn(text: string): Integer {
  const number = numberIn(text, 'NUMBER')
  return typeof number === 'object' ? integerOfDecimal(number.value) : number
}

/** Between separators; parts between two that follow each other are empty, and an empty text has no parts. */
function split(context: Context, text: string, separator: string): List {
  if (text === '') return listOf([])
  if (separator === '') {
    context.meter.itemsOf(text.length)
    context.meter.made(text.length * 34)
    return listOf([...text])
  }
  const parts: string[] = []
  let start = 0
  for (const at of placesOf(text, separator)) {
    parts.push(text.slice(start, at))
    start = at + separator.length
    context.meter.itemsOf(parts.length)
  }
  parts.push(text.slice(start))
  context.meter.made(parts.length * 32 + text.length * 2)
  return listOf(parts)
}

function listIn(context: Context, text: string): List | null {
  const value = containerInJson(text, context.meter)
  return typeof value === 'object' && value?.kind === 'list' ? value : null
}

function fromJson(value: Value, key: string): Value {
  if (typeof value === 'object' && value?.kind === 'map') return value.entries.get(key) ?? null
  if (typeof value === 'object' && value?.kind === 'list' && /^\d{1,9}$/.test(key)) {
    const item = value.items[Number(key)]
    if (item === undefined) throw new Failure(`Given index ${key} is greater than the list size`)
    return item
  }
  return null
}

function mapIn(context: Context, text: string): KeyValue {
  const read = parseJson(text, context.meter)
  // as a list does: scripts write a list of one record as text, and read that
  const [only = null, ...others] = typeof read === 'object' && read?.kind === 'list' ? read.items : []
  const value = only !== null && others.length === 0 ? only : read
  if (typeof value === 'object' && value?.kind === 'map') return value.open ? mapOf([]) : value
  throw new Failure(`${kindNames[kindOf(value)]} can not be cast to 'MAP'`)
}

/** Field values come from records as text: a pattern still means the number or date that the text writes. */
function textByPattern(context: Context, text: string, pattern: string, timeZone?: string): string {
  const { surroundings } = context
  if (isNumberMask(pattern)) {
    const number = numberInText(text)
    return number === null ? text : formatNumber(number, pattern, 'down')
  }
  const date = parseDate(surroundings, text)
  return date === null ? text : formatDate(surroundings, date, pattern, timeZone)
}

/** What makes something else of a TEXT, and a TEXT of what has no way of its own. */
export const converting: Builtins = {
  text: builtin({
    doc: 'The number that the text writes, by a mask of DecimalFormat: `#` and `0` for digits, `,` for groups; rounded half to even.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['mask'],
    examples: {
      '"123123456".text("##,###")': '"123,123,456"',
      '"12345654.1234".text("$#,##0.00")': '"$12,345,654.12"',
      '"abc".text("0")': "error: can not be cast to 'DECIMAL'",
    },
    run: (_context, text, mask) => formatNumber(numberIn(text, 'DECIMAL'), mask),
  }),
  toString: builtin({
    doc: 'The value as `info` prints it. With a pattern, the number or date that a text writes by that pattern.',
    takes: ['any', 'text?', 'text?'],
    gives: 'text',
    parameters: ['format', 'timeZone'],
    aliases: ['toText'],
    examples: {
      '"Zoho".toString()': '"Zoho"',
      'true.toString()': '"true"',
      '"2026-04-06".toString("dd/MM/yyyy")': '"06/04/2026"',
      '"1234.567".toString("#,##0.00")': '"1,234.56"',
      '"Zoho".toString("dd/MM/yyyy")': '"Zoho"',
      'null.toString()': 'error: Null value occurred',
    },
    run(context, value, pattern, timeZone) {
      if (value === null) throw new Failure('Null value occurred')
      const text = typeof value === 'string' ? value : textOf(context.surroundings, value, context.meter.limits.text)
      return pattern === undefined ? text : textByPattern(context, text, pattern, timeZone)
    },
  }),
  toLong: builtin({
    doc: 'The whole number that the text writes, exact to its last digit; what stands behind the point is cut off.',
    takes: ['text'],
    gives: 'number',
    aliases: ['toNumber'],
    examples: {
      '"1234".toLong()': '1234',
      '"123.25".toNumber()': '123',
      '"99.9".toLong()': '99',
      '"-99.9".toLong()': '-99',
      '" 7 ".toLong()': '7',
      '"4876876000000123456".toLong()': '4876876000000123456',
      '"134A123B".toLong()': "error: TEXT can not be cast to 'NUMBER'",
      '"".toLong()': "error: TEXT can not be cast to 'NUMBER'",
    },
    run: (_context, text) => wholeIn(text),
  }),
  toDecimal: builtin({
    doc: 'The DECIMAL that the text writes.',
    takes: ['text'],
    gives: 'decimal',
    examples: {
      '"123.25".toDecimal()': '123.25',
      '"1234".toDecimal()': '1234.0',
      '"1.5e3".toDecimal()': '1500.0',
      '"1,5".toDecimal()': "error: TEXT can not be cast to 'DECIMAL'",
    },
    run: (_context, text) => decimalOf(digitsOf(numberIn(text, 'DECIMAL'))),
  }),
  toList: builtin({
    doc: 'The parts between separators (a comma unless one is given) as texts; each character where the separator is empty. A JSON array without a separator given is that list.',
    takes: ['text', 'text?'],
    gives: 'list',
    parameters: ['separator'],
    examples: {
      '"a,b".toList()': '{"a","b"}',
      '"ZohoCreator/ZohoCRM".toList("/")': '{"ZohoCreator","ZohoCRM"}',
      '"a,,b".toList()': '{"a","","b"}',
      '"a".toList(";")': '{"a"}',
      '"".toList().size()': '0',
      '"[1,\\"b\\"]".toList()': '{1,"b"}',
      '"a.b".toList(".")': '{"a","b"}',
      // how scripts without a counting loop count
      '"".leftpad(3).toList("").size()': '3',
      '"aé".toList("")': '{"a","é"}',
    },
    // An empty text gives an empty list: scripts begin lists with "".toList() and loop over fields that are empty.
    run: (context, text, separator) => (separator === undefined ? listIn(context, text) : null) ?? split(context, text, separator ?? ','),
  }),
  toListString: builtin({
    doc: 'The comma-separated parts of a text, or the elements of a list, as a list of texts.',
    takes: ['any'],
    gives: 'list',
    examples: {
      '"1,2,3".toListString()': '{"1","2","3"}',
      '{1,2}.toListString()': '{"1","2"}',
      'null.toListString()': 'error: Null value occurred',
    },
    run(context, value) {
      if (value === null) throw new Failure('Null value occurred')
      const { surroundings, meter } = context
      const given = typeof value === 'object' && value.kind === 'list' ? value : null
      const text = given ? '' : textOf(surroundings, value, meter.limits.text)
      const { items } = given ?? listIn(context, text) ?? split(context, text, ',')
      return listOf(
        items.map(item => textOf(surroundings, item, meter.limits.text)),
        'text',
      )
    },
  }),
  toMap: builtin({
    doc: 'The map that a JSON object is, or the only object of a JSON array.',
    takes: ['text'],
    gives: 'map',
    examples: {
      '{{"a":1}}.toString().toMap().get("a")': '1',
      '"[{},{}]".toMap()': "error: LIST can not be cast to 'MAP'",
      '"{\\"a\\":1}".toMap().get("a")': '1',
      '"{\\"id\\":4876876000000123456}".toMap().get("id")': '4876876000000123456',
      '"[1]".toMap()': "error: can not be cast to 'MAP'",
      '"a=1".toMap()': 'error: Invalid JSON Format String',
    },
    run: mapIn,
  }),
  toJSONList: builtin({
    doc: 'The list that a JSON array is; a JSON object alone is a list of one.',
    takes: ['text'],
    gives: 'list',
    examples: {
      '"[{\\"a\\":1},{\\"a\\":2}]".toJSONList().get(1).get("a")': '2',
      '"{\\"a\\":1}".toJSONList().size()': '1',
      '"x".toJSONList()': 'error: Invalid JSON Format String',
    },
    run: (context, text) => {
      const value = parseJson(text, context.meter)
      return typeof value === 'object' && value?.kind === 'list' ? value : listOf([value])
    },
  }),
  getJSON: builtin({
    doc: 'What stands under a key of a JSON object, or at a place of a JSON array; null when there is nothing.',
    takes: ['text', 'text'],
    gives: 'any',
    parameters: ['key'],
    examples: {
      '"{\\"a\\":{\\"b\\":\\"c\\"}}".getJSON("a").getJSON("b")': '"c"',
      '"{\\"a\\":1}".getJson("x")': 'null',
      '"[10,20]".getJSON(1)': '20',
      '"".getJSON("a")': 'null',
      '"x".getJSON("a")': 'error: Invalid JSON Format String',
    },
    // Nothing was answered (URL-26), and nothing stands in it.
    run: (context, text, key) => (text === '' ? null : fromJson(parseJson(text, context.meter), key)),
  }),
  textToHex: builtin({
    doc: 'The bytes of the text in UTF-8, two hexadecimal digits each, lower case.',
    takes: ['text'],
    gives: 'text',
    examples: { '"Zoho Creator".textToHex()': '"5a6f686f2043726561746f72"', '"é".textToHex()': '"c3a9"', '"".textToHex()': '""' },
    run: (context, text) => {
      context.meter.textOf(text.length * 2)
      const hex = Buffer.from(text).toString('hex')
      context.meter.made(hex.length * 2)
      return hex
    },
  }),
  hexToText: builtin({
    doc: 'The text whose bytes in UTF-8 the hexadecimal digits are.',
    takes: ['text'],
    gives: 'text',
    examples: {
      '"5a6f686f2043726561746f72".hexToText()': '"Zoho Creator"',
      '"C3A9".hexToText()': '"é"',
      '"5".hexToText()': 'error: hexadecimal',
    },
    run: (context, text) => {
      if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
        throw new Failure('The text has something other than pairs of hexadecimal digits.')
      }
      context.meter.made(text.length)
      return Buffer.from(text, 'hex').toString('utf8')
    },
  }),
}
