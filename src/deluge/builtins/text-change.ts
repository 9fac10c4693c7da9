import { Failure } from '../failure.ts'
import { regexOf, replaceText } from '../regex.ts'
import { folded, indexOfText, lastIndexOfText } from '../search-text.ts'
import { textOf } from '../text.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'

/** Told to the meter, so that a script that keeps many long texts meets its memory limit. */
function made(context: Context, text: string): string {
  if (text.length > 1000) context.meter.made(text.length * 2)
  return text
}

/** A negative end is ignored (§3.9, subText). */
function part(context: Context, text: string, start: number, end = -1): string {
  if (start < 0) throw new Failure(`Given index ${String(start)} is less than 0`)
  if (end >= 0 && end < start) throw new Failure(`The end index ${String(end)} is less than the start index ${String(start)}`)
  return made(context, text.slice(start, end < 0 ? text.length : end))
}

function padded(context: Context, text: string, length: number, left: boolean): string {
  if (length <= text.length) return text
  context.meter.textOf(length)
  return made(context, left ? text.padStart(length) : text.padEnd(length))
}

/** UTF-16 units in reverse, but characters beyond the basic plane stay whole. */
const reversed = (text: string): string =>
  text
    .split('')
    .reverse()
    .join('')
    .replaceAll(/([\udc00-\udfff])([\ud800-\udbff])/g, '$2$1')

const without = (text: string, at: number, length: number): string => (at < 0 ? text : text.slice(0, at) + text.slice(at + length))

const replacing = (doc: string, every: boolean, ignoreCase: boolean, examples: Builtin['examples']): Builtin =>
  builtin({
    doc,
    takes: ['text', 'text', 'text', 'boolean?'],
    gives: 'text',
    parameters: ['regularExpression', 'replacement', 'isLiteral'],
    examples,
    run(context, text, search, replacement, isLiteral = false) {
      return isLiteral
        ? replaceText(text, search, replacement, every, context.meter, ignoreCase)
        : regexOf(search, ignoreCase).replace(text, replacement, every, context.meter)
    },
  })

const kept = (doc: string, dropped: RegExp, examples: Builtin['examples'], aliases: readonly string[] = []): Builtin =>
  builtin({
    doc,
    takes: ['text'],
    gives: 'text',
    aliases,
    examples,
    run: (context, text) => made(context, text.replaceAll(dropped, '')),
  })

const simple = (doc: string, change: (text: string) => string, examples: Builtin['examples'], aliases: readonly string[] = []): Builtin =>
  builtin({ doc, takes: ['text'], gives: 'text', aliases, examples, run: (context, text) => made(context, change(text)) })

/** What makes another text of a TEXT. */
export const changing: Builtins = {
  getPrefix: builtin({
    doc: 'What stands before the first occurrence of a text, case as written; null when it does not occur.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    examples: {
      '"user@example.com".getPrefix("@")': '"user"',
      '"Create databases, with ease".getPrefix(",")': '"Create databases"',
      '"user".getPrefix("@")': 'null',
    },
    run: (_context, text, search) => {
      const at = indexOfText(text, search)
      return at < 0 ? null : text.slice(0, at)
    },
  }),
  getPrefixIgnoreCase: builtin({
    doc: 'What stands before the first occurrence of a text, whatever the case; null when it does not occur.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    examples: { '"one and two".getPrefixIgnoreCase("AND")': '"one "', '"one".getPrefixIgnoreCase("X")': 'null' },
    run: (_context, text, search) => {
      const at = indexOfText(folded(text), folded(search))
      return at < 0 ? null : text.slice(0, at)
    },
  }),
  getSuffix: builtin({
    doc: 'What stands after the first occurrence of a text, case as written; null when it does not occur.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    examples: {
      '"Create applications with Zoho Creator".getSuffix("with")': '" Zoho Creator"',
      '"a.b.c".getSuffix(".")': '"b.c"',
      '"user".getSuffix("@")': 'null',
    },
    run: (_context, text, search) => {
      const at = indexOfText(text, search)
      return at < 0 ? null : text.slice(at + search.length)
    },
  }),
  getSuffixIgnoreCase: builtin({
    doc: 'What stands after the first occurrence of a text, whatever the case; null when it does not occur.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    examples: { '"one and two".getSuffixIgnoreCase("AND")': '" two"', '"one".getSuffixIgnoreCase("X")': 'null' },
    run: (_context, text, search) => {
      const at = indexOfText(folded(text), folded(search))
      return at < 0 ? null : text.slice(at + search.length)
    },
  }),
  left: builtin({
    doc: 'The first characters; all of them when there are fewer.',
    takes: ['text', 'integer'],
    gives: 'text',
    parameters: ['length'],
    examples: { '"Zoho Creator".left(4)': '"Zoho"', '"Zoho".left(9)': '"Zoho"', '"Zoho".left(0)': '""', 'left(100000.05, 6)': '"100000"' },
    run: (context, text, length) => made(context, text.slice(0, Math.max(0, length))),
  }),
  right: builtin({
    doc: 'The last characters; all of them when there are fewer.',
    takes: ['text', 'integer'],
    gives: 'text',
    parameters: ['length'],
    examples: { '"Zoho Creator".right(7)': '"Creator"', '"Zoho".right(9)': '"Zoho"', '"Zoho".right(0)': '""' },
    run: (context, text, length) => made(context, text.slice(Math.max(0, text.length - Math.max(0, length)))),
  }),
  subString: builtin({
    doc: 'The characters from a place, counted from 0, up to but without another; to the end without it.',
    takes: ['text', 'integer', 'integer?'],
    gives: 'text',
    parameters: ['start', 'end'],
    aliases: ['mid', 'subText'],
    examples: {
      '"Welcome to Zoho Deluge".subString(11,22)': '"Zoho Deluge"',
      '"Zoho".subString(2)': '"ho"',
      '"Zoho".mid(0, 2)': '"Zo"',
      '"Zoho".subText(1, -1)': '"oho"',
      '"Zoho".subText(3, 1)': 'error: less than the start index',
      '"Zoho".subString(-1)': 'error: less than 0',
      '"Zoho".substring(9)': '""',
    },
    run: part,
  }),
  toUpperCase: simple('All letters in upper case.', text => text.toUpperCase(), { '"Zoho 1".toUpperCase()': '"ZOHO 1"' }),
  toLowerCase: simple('All letters in lower case.', text => text.toLowerCase(), { '"Zoho 1".toLowerCase()': '"zoho 1"' }),
  proper: simple(
    'Each word with its first letter in upper case and the others in lower case.',
    text => text.toLowerCase().replaceAll(/(^|\s)(\S)/gu, (_all, space: string, first: string) => space + first.toUpperCase()),
    { '"zoho CREATOR".proper()': '"Zoho Creator"', '"o\'neil éa".proper()': '"O\'neil Éa"', '"".proper()': '""' },
  ),
  trim: simple('Without spaces and line breaks at both ends.', text => text.trim(), {
    '"  a b ".trim()': '"a b"',
    '"\\n a".trim()': '"a"',
  }),
  ltrim: simple('Without spaces and line breaks at its beginning.', text => text.trimStart(), { '" a ".ltrim()': '"a "' }),
  rtrim: simple('Without spaces and line breaks at its end.', text => text.trimEnd(), { '" a ".rtrim()': '" a"' }),
  leftpad: builtin({
    doc: 'Filled with spaces on its left up to a length.',
    takes: ['text', 'integer'],
    gives: 'text',
    parameters: ['length'],
    examples: { '"Left".leftpad(6)': '"  Left"', '"Left".leftpad(2)': '"Left"' },
    run: (context, text, length) => padded(context, text, length, true),
  }),
  rightpad: builtin({
    doc: 'Filled with spaces on its right up to a length.',
    takes: ['text', 'integer'],
    gives: 'text',
    parameters: ['length'],
    examples: { '"Right".rightpad(7)': '"Right  "' },
    run: (context, text, length) => padded(context, text, length, false),
  }),
  concat: builtin({
    doc: 'The text with another one after it.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['text'],
    examples: { '"Zoho ".concat("Creator")': '"Zoho Creator"', '"a".concat(1)': '"a1"' },
    run: (context, text, other) => {
      context.meter.textOf(text.length + other.length)
      return made(context, text + other)
    },
  }),
  repeat: builtin({
    doc: 'The text as many times.',
    takes: ['text', 'integer'],
    gives: 'text',
    parameters: ['times'],
    examples: { '"Zoho".repeat(3)': '"ZohoZohoZoho"', '"a".repeat(0)': '""', '"a".repeat(100000000)': 'error: characters at most' },
    run: (context, text, times) => {
      if (times <= 0 || text === '') return ''
      context.meter.textOf(text.length * times)
      return made(context, text.repeat(times))
    },
  }),
  reverse: builtin({
    doc: 'The characters in reverse order. Of a list: its elements from the last to the first, each in reverse, with ", " between them.',
    takes: ['any'],
    gives: 'text',
    examples: { '"Zoho".reverse()': '"ohoZ"', '{1,2,13}.reverse()': '"31, 2, 1"', '"a😀".reverse()': '"😀a"', '"".reverse()': '""' },
    run: (context, value) => {
      if (value === null) throw new Failure('Null value occurred')
      const { surroundings, meter } = context
      if (typeof value !== 'object' || value.kind !== 'list') return made(context, reversed(textOf(surroundings, value, meter.limits.text)))
      let length = 0
      const texts = value.items.map(item => {
        const text = textOf(surroundings, item, meter.limits.text)
        length += text.length + 2
        meter.textOf(length)
        return text
      })
      return made(context, texts.reverse().map(reversed).join(', '))
    },
  }),
  remove: builtin({
    doc: 'Without every occurrence of a text, case as written.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    examples: {
      '"Zoho Creator".remove("Creator")': '"Zoho "',
      '"a-b-c".remove("-")': '"abc"',
      '"a".remove("A")': '"a"',
      '"a".remove("")': '"a"',
    },
    run: (context, text, search) => replaceText(text, search, '', true, context.meter),
  }),
  removeFirstOccurence: builtin({
    doc: 'Without the first occurrence of a text, case as written.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    aliases: ['removeFirstOccurrence'],
    examples: { '"a-b-c".removeFirstOccurence("-")': '"ab-c"', '"a".removeFirstOccurence("x")': '"a"' },
    run: (context, text, search) => made(context, without(text, indexOfText(text, search), search.length)),
  }),
  removeLastOccurence: builtin({
    doc: 'Without the last occurrence of a text, case as written.',
    takes: ['text', 'text'],
    gives: 'text',
    parameters: ['searchText'],
    aliases: ['removeLastOccurrence'],
    examples: { '"a-b-c".removeLastOccurence("-")': '"a-bc"', '"a".removeLastOccurence("x")': '"a"' },
    run: (context, text, search) => made(context, without(text, lastIndexOfText(text, search), search.length)),
  }),
  removeAllAlpha: kept('Without letters.', /\p{L}/gu, { '"Zoho 42!".removeAllAlpha()': '" 42!"', '"é1".removeAllAlpha()': '"1"' }),
  removeAllAlphaNumeric: kept('Without letters and digits.', /[\p{L}\p{Nd}]/gu, { '"Zoho 42!".removeAllAlphaNumeric()': '" !"' }),
  getAlpha: kept('Only its letters.', /\P{L}/gu, { '"Zoho 42!".getAlpha()': '"Zoho"', '"42".getAlpha()': '""' }),
  getAlphaNumeric: kept('Only its letters and digits.', /[^\p{L}\p{Nd}]/gu, { '"Zoho 42!".getAlphaNumeric()': '"Zoho42"' }),
  replaceAll: replacing(
    'Every match of a regular expression (Java syntax, `$1` in the replacement is a group) replaced; with true as last argument, of a plain text.',
    true,
    false,
    {
      '"write to user@zylker.com now".replaceAll("\\\\@[a-z]{6}\\\\.[a-z]{3}", "")': '"write to user now"',
      '"Create online database".replaceAll("online", "custom")': '"Create custom database"',
      '"a1b22".replaceAll("[0-9]+", "#")': '"a#b#"',
      '"2026-11-22".replaceAll("(\\\\d+)-(\\\\d+)-(\\\\d+)", "$3/$2/$1")': '"22/11/2026"',
      '"1.5".replaceAll(".", "-")': '"---"',
      '"1.5".replaceAll(".", ",", true)': '"1,5"',
      '"5 USD".replaceAll("USD", "$")': '"5 $"',
      '"1234567.89".replaceAll("(?<!\\\\.\\\\d)(?<=\\\\d)(?=(?:\\\\d\\\\d\\\\d)+\\\\b)", ",")': '"1,234,567.89"',
      '"a".replaceAll("(", "")': 'error: For plain text give true as the last argument',
    },
  ),
  replaceAllIgnoreCase: replacing(
    'Every match of a regular expression replaced, whatever the case; with true, of a plain text.',
    true,
    true,
    {
      '"Zoho zoho".replaceAllIgnoreCase("ZOHO", "x")': '"x x"',
      '"a+A+".replaceAllIgnoreCase("A+", "$", true)': '"$$"',
    },
  ),
  replaceFirst: replacing('The first match of a regular expression replaced; with true as last argument, of a plain text.', false, false, {
    '"a1b2".replaceFirst("[0-9]", "#")': '"a#b2"',
    '"a.b.c".replaceFirst(".", "-", true)': '"a-b.c"',
  }),
  replaceFirstIgnoreCase: replacing(
    'The first match of a regular expression replaced, whatever the case; with true, of a plain text.',
    false,
    true,
    {
      '"Zoho zoho".replaceFirstIgnoreCase("ZOHO", "x")': '"x zoho"',
    },
  ),
}
