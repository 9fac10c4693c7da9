import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCases } from '../test/deluge/cases.ts'

/** What the language and its functions have to do, by the ids that tests cite. A new id is a row. */
export const requirements: Readonly<Record<string, string>> = {
  'URL-1': 'invokeurl: the address is absolute',
  'URL-2': 'invokeurl: methods, GET when none is named',
  'URL-3': 'invokeurl: headers; a map as a value is JSON',
  'URL-4': 'invokeurl: parameters of a GET stand in the query',
  'URL-5': 'invokeurl: parameters of other methods as text, form, multipart or file',
  'URL-6': 'invokeurl: content type and its defaults',
  'URL-7': 'invokeurl: body by its type and the header given',
  'URL-8': 'invokeurl: body together with parameters',
  'URL-9': 'invokeurl: explicit multipart parts',
  'URL-10': 'invokeurl: files',
  'URL-11': 'invokeurl: the connection',
  'URL-12': 'invokeurl: the detailed answer',
  'URL-13': 'invokeurl: the form of the answer',
  'URL-14': 'invokeurl: the charset of the answer',
  'URL-15': 'invokeurl: JSON text as a body',
  'URL-20': 'answers: the kinds of value they become',
  'URL-21': 'answers: JSON is a map or a list',
  'URL-22': 'answers: what is no text is a file with a name',
  'URL-23': 'answers: CSV is a file that serves as text',
  'URL-24': 'answers: XML stays text',
  'URL-25': 'answers: a status of 4xx or 5xx does not fail',
  'URL-26': 'answers: an empty body',
  'URL-27': 'answers: what could not be asked fails and can be caught',
  'URL-28': 'answers: numbers are exact, keys keep their order',
  'LEX-1': 'comments anywhere',
  'LEX-2': 'ends of statements, blocks',
  'LEX-3': 'names, and reserved ones',
  'LEX-4': 'keywords and built-ins in any case',
  'LEX-5': 'texts, their escapes, several lines',
  'LEX-6': 'single quotes: date, time or text',
  'LEX-7': 'the forms in which dates are read',
  'LEX-8': 'exact integers, decimals, signs',
  'LEX-9': 'true, false, null',
  'LEX-10': 'lists and maps written out, {} as both',
  'LEX-11': 'keys of maps are expressions',
  'LEX-12': '{:}',
  'LEX-13': 'typed and other constructors',
  'LEX-14': 'declared types of variables are ignored',
  'LEX-15': 'smart quotes are an error',
  'ST-1': 'assignment, compound assignment, one scope',
  'ST-2': 'if, else if, else',
  'ST-3': 'for each',
  'ST-4': 'for each index',
  'ST-5': 'break and continue',
  'ST-6': 'loops that do not exist',
  'ST-7': 'try and catch',
  'ST-8': 'return',
  'ST-9': 'info',
  'ST-10': 'statements of forms are not available',
  'ST-11': 'sendmail',
  'ST-12': 'statements about records are not available',
  'ST-13': 'calls as statements',
  'ST-14': 'headers of functions',
  'EX-1': 'operators and parentheses',
  'EX-2': 'precedence, the usual one and Creator’s',
  'EX-3': 'plus with a text',
  'EX-4': 'the difference of dates',
  'EX-5': 'a date plus a number is an error',
  'EX-6': 'division',
  'EX-7': 'division by zero',
  'EX-8': 'comparing texts',
  'EX-9': 'comparing lists',
  'EX-10': 'comparing with null',
  'EX-11': 'if(condition, a, b)',
  'EX-12': 'ifnull(a, b)',
  'EX-13': 'logic stops when it is decided',
  'EX-14': 'calls chain',
  'EX-15': 'both forms of a call',
  'EX-16': 'criteria operators are no expressions',
  'EX-17': 'methods bind tighter than operators',
  'CO-1': 'get on JSON text',
  'CO-2': 'missing keys and indexes',
  'CO-3': 'methods on null',
  'CO-4': 'toList',
  'CO-5': 'numeric text and operators',
  'CO-6': 'a number put together with a text',
  'CO-7': 'toLong',
  'CO-8': 'isNull, isBlank, isEmpty by profile',
  'CO-9': 'a number and numeric text are equal',
  'FN-1': 'functions: exposed by API key or OAuth',
  'FN-2': 'functions: the addresses they are called at',
  'FN-3': 'functions: scopes of calls with OAuth',
  'FN-4': 'functions: their API key',
  'FN-5': 'functions: arguments from query, form, JSON',
  'FN-6': 'functions: crmAPIRequest',
  'FN-7': 'functions: the default reply',
  'FN-8': 'functions: crmAPIResponse',
  'FN-9': 'functions: the reply of a failure',
}

/** A test that cites an id, for people: its file and its title. */
interface Citation {
  readonly id: string
  readonly where: string
}

const root = fileURLToPath(new URL('../', import.meta.url))
const idPattern = /\b(?:URL|LEX|ST|EX|CO|FN)-\d+\b/g
const titlePattern = /\b(?:it|test|describe)(?:\.\w+)*(?:\([^'"`]*\))?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs

function testFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length))
    .sort()
}

function inTests(): Citation[] {
  return ['src/deluge', 'src/broker', 'src/http', 'test'].flatMap(testFiles).flatMap(file =>
    [...readFileSync(join(root, file), 'utf8').matchAll(titlePattern)].flatMap(match => {
      const title = match[2] ?? ''
      return [...new Set(title.match(idPattern) ?? [])].map(id => ({ id, where: `\`${file}\` ${title.replaceAll('\\', '')}` }))
    }),
  )
}

const inCases = (): Citation[] => readCases().flatMap(one => one.ids.map(id => ({ id, where: `\`test/deluge/${one.file}\` ${one.title}` })))

export interface Coverage {
  readonly rows: readonly { readonly id: string; readonly what: string; readonly shownBy: readonly string[] }[]
  readonly uncovered: readonly string[]
  readonly unknown: readonly string[]
}

/** Which tests show what, and what none shows. */
export function delugeCoverage(): Coverage {
  const citations = [...inCases(), ...inTests()]
  const of = (id: string) => citations.filter(one => one.id === id).map(one => one.where)
  const rows = Object.entries(requirements).map(([id, what]) => ({
    id,
    what,
    shownBy: of(id),
  }))
  return {
    rows,
    uncovered: Object.keys(requirements).filter(id => of(id).length === 0),
    unknown: [...new Set(citations.map(one => one.id))].filter(id => !Object.hasOwn(requirements, id)),
  }
}
