import { numberInText } from '../coerce.ts'
import { parseDate } from '../dates.ts'
import type { Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'

/** Empty as far as `isBlank`, `isNull` and `isEmpty` differ on it (CO-8); null for everything else. */
type Emptiness = 'null' | 'text' | 'spaces' | 'container' | 'entry' | null

function emptinessOf(value: Value): Emptiness {
  if (value === null) return 'null'
  if (typeof value === 'string') return value === '' ? 'text' : value.trim() === '' ? 'spaces' : null
  if (typeof value !== 'object') return null
  if (value.kind === 'collection') return emptinessOf(value.content)
  if (value.kind === 'list') return value.items.length === 0 ? 'container' : null
  if (value.kind !== 'map') return null
  if (value.entries.size === 0) return 'container'
  return value.entries.size === 1 && value.entries.get('') === '' ? 'entry' : null
}

type Answers = Readonly<Record<Exclude<Emptiness, null>, boolean | null>>

/**
 * The matrix of CO-8, by profile. It is the language's own page, oddities and all: elsewhere than in Creator `isBlank(null)` is false and
 * `isEmpty` of null and "" is null, which a condition takes as false. `{"":""}` is the one map for which the page answers null.
 */
const matrix: Readonly<Record<'crm' | 'creator', Readonly<Record<'isBlank' | 'isNull' | 'isEmpty', Answers>>>> = {
  crm: {
    isBlank: { spaces: true, text: true, null: false, container: true, entry: false },
    isNull: { spaces: false, text: true, null: true, container: false, entry: null },
    isEmpty: { spaces: true, text: null, null: null, container: true, entry: false },
  },
  creator: {
    isBlank: { spaces: true, text: true, null: true, container: true, entry: null },
    isNull: { spaces: false, text: true, null: true, container: false, entry: null },
    isEmpty: { spaces: false, text: true, null: true, container: true, entry: false },
  },
}

function answer(context: Context, question: 'isBlank' | 'isNull' | 'isEmpty', value: Value): boolean | null {
  const emptiness = emptinessOf(value)
  return emptiness === null ? false : matrix[context.surroundings.profile][question][emptiness]
}

const isContainer = (value: Value): boolean =>
  value !== null && typeof value === 'object' && (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection')

/** Questions about any value. Examples answer as the CRM does; §3.5 has both columns. */
export const logical: Builtins = {
  isNull: builtin({
    doc: 'Whether a value is null or an empty text.',
    takes: ['any'],
    gives: 'boolean',
    examples: { 'isNull("")': 'true', 'isNull(null)': 'true', '" ".isNull()': 'false', 'isNull({})': 'false', 'isNull({"":""})': 'null' },
    run: (context, value) => (value === null ? true : answer(context, 'isNull', value)),
  }),
  isBlank: builtin({
    doc: 'Whether a value is an empty text, a text of blanks, or an empty list or map. Null is blank in Creator only.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      'isBlank(" ")': 'true',
      'isBlank("")': 'true',
      'isBlank(null)': 'false',
      'isBlank({})': 'true',
      'isBlank({""})': 'false',
      'isBlank("a")': 'false',
    },
    run: (context, value) => answer(context, 'isBlank', value),
  }),
  isEmpty: builtin({
    doc: 'Whether a list, map, collection or text is empty. Of null and an empty text it is null, except in Creator.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      'isEmpty({})': 'true',
      'isEmpty({""})': 'false',
      '" ".isEmpty()': 'true',
      '"".isEmpty()': 'null',
      'isEmpty(null)': 'null',
      '"a".isEmpty()': 'false',
      '5.isEmpty()': 'false',
    },
    run: (context, value) => answer(context, 'isEmpty', value),
  }),
  isText: builtin({
    doc: 'Whether a value is text: digits alone are not. Null for a list, a map or a boolean.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      'isText("Hello")': 'true',
      'isText("123")': 'false',
      'isText("12 a")': 'true',
      'isText("")': 'true',
      "'01-02-2020'.isText()": 'false',
      'isText({1})': 'null',
      'isText(true)': 'null',
    },
    run(_context, value) {
      if (typeof value === 'string') return numberInText(value) === null
      return typeof value === 'boolean' || isContainer(value) ? null : false
    },
  }),
  isNumber: builtin({
    doc: 'Whether a value is a number, or a text that writes one. Null for a list or a map.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      'isNumber("12.3")': 'true',
      '"1".isNumber()': 'true',
      '24.isNumber()': 'true',
      '(24/2*10).isNumber()': 'true',
      '"24/2*10".isNumber()': 'false',
      'isNumber({1})': 'null',
      'isNumber(null)': 'false',
    },
    run(_context, value) {
      if (typeof value === 'string') return numberInText(value) !== null
      if (isContainer(value)) return null
      return typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'object' && value?.kind === 'decimal')
    },
  }),
  isDate: builtin({
    doc: 'Whether a value is a date, or a text that writes one. Null for a list or a map.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      "isDate('01-Jan-2020')": 'true',
      'isDate("01-Jan-2020")': 'true',
      'isDate("soon")': 'false',
      'isDate(5)': 'false',
      'isDate({1})': 'null',
    },
    run({ surroundings }, value) {
      if (typeof value === 'string') return parseDate(surroundings, value) !== null
      return isContainer(value) ? null : typeof value === 'object' && value?.kind === 'date'
    },
  }),
  isFile: builtin({
    doc: 'Whether a value is a file.',
    takes: ['any'],
    gives: 'boolean',
    examples: { 'isFile("a".toFile("a.txt"))': 'true', 'isFile("a.txt")': 'false', 'isFile(null)': 'false' },
    run: (_context, value) => typeof value === 'object' && value?.kind === 'file',
  }),
  isValidObject: builtin({
    doc: 'Whether there is a value: false for null and for an empty text, list or map.',
    takes: ['any'],
    gives: 'boolean',
    examples: {
      '"Zoho".isValidObject()': 'true',
      '"".isValidObject()': 'false',
      'isValidObject(null)': 'false',
      'isValidObject(0)': 'true',
    },
    run(_context, value) {
      const emptiness = emptinessOf(value)
      return emptiness === null || emptiness === 'spaces' || emptiness === 'entry'
    },
  }),
  ifnull: builtin({
    // The compiler answers for `ifnull` and `if`, because they leave out what they do not need. The rows are their documentation.
    doc: 'The first value, or the second when the first is null. The second is not looked at otherwise.',
    takes: ['any', 'any'],
    gives: 'any',
    parameters: ['value', 'otherwise'],
    receiver: false,
    examples: { 'ifnull(null, 1)': '1', 'ifnull(2, 1)': '2', 'ifnull("", 1)': '""', 'ifnull(1, 1/0)': '1' },
    run: (_context, value, otherwise) => value ?? otherwise,
  }),
  if: builtin({
    doc: 'The first value when the condition holds, else the second. Only the one needed is looked at.',
    takes: ['boolean', 'any', 'any'],
    gives: 'any',
    parameters: ['condition', 'then', 'otherwise'],
    receiver: false,
    examples: { 'if(1 < 2, "a", "b")': '"a"', 'if(1 > 2, 1/0, "b")': '"b"' },
    run: (_context, condition, then, otherwise) => (condition ? then : otherwise),
  }),
}
