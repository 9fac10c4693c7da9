import type { BinaryOperator, Span } from './ast.ts'
import { advance, type Cursor, fail, peek, textOf, wordAt } from './cursor.ts'
import type { Token } from './token.ts'

/*
 * What people write who know other languages: each gets a sentence, and what it is in this one (ST-6, ST-7).
 */

/** Words that begin a statement elsewhere. */
export const mistakenStatements: Readonly<Record<string, readonly [message: string, suggestion: string]>> = {
  while: ['`while` does not exist in Deluge.', 'Loop over a list with `for each`, and leave it with `break`.'],
  do: ['`do` does not exist in Deluge.', 'Loop over a list with `for each`, and leave it with `break`.'],
  for: ['A counting `for` does not exist in Deluge.', 'Loop over a list: for each index i in {0,1,2} { … }.'],
  foreach: ['`foreach` is written as two words.', 'Write: for each x in list { … }.'],
  switch: ['`switch` does not exist in Deluge.', 'Write if(…) { … } else if(…) { … } else { … }.'],
  throw: ['`throw` does not exist in Deluge.', 'Return a value that says what went wrong.'],
  finally: ['`finally` does not exist in Deluge.', 'Write what must always happen after the block of `catch`.'],
  function: ['A function is not declared with `function`.', 'Begin with what it returns: string standalone.name(string argument) { … }.'],
  def: ['A function is not declared with `def`.', 'Begin with what it returns: string standalone.name(string argument) { … }.'],
  let: ['Variables are not declared.', 'Leave out `let`: name = value;'],
  var: ['Variables are not declared.', 'Leave out `var`: name = value;'],
  const: ['Variables are not declared.', 'Leave out `const`: name = value;'],
  else: ['This `else` belongs to no `if`.', 'It follows directly after the } of an if, without a ; between.'],
  elseif: ['`elseif` is written as two words.', 'Write: else if(…) { … }.'],
  elsif: ['`elsif` does not exist in Deluge.', 'Write: else if(…) { … }.'],
  elif: ['`elif` does not exist in Deluge.', 'Write: else if(…) { … }.'],
  catch: ['This `catch` belongs to no `try`.', 'It follows directly after the } of a try.'],
  print: ['`print` does not exist in Deluge.', 'Write: info value;'],
  echo: ['`echo` does not exist in Deluge.', 'Write: info value;'],
  import: ['Nothing is imported in Deluge.', 'Call another function by its namespace and name: standalone.name(…).'],
  class: ['Deluge has no classes.', 'Keep values in a map and write functions.'],
}

/** Methods that other languages have under these names, and what they are called here. In lower case. */
const methodsElsewhere: Readonly<Record<string, string>> = {
  getmessage: 'Write e.message.',
  getlinenumber: 'Write e.lineNo.',
  toupper: 'Write toUpperCase().',
  tolower: 'Write toLowerCase().',
  split: 'Write text.toList(separator).',
  join: 'Write list.toString(separator).',
  push: 'Write list.add(value).',
  append: 'Write list.add(value), or text + text.',
  pop: 'Write list.remove(list.size() - 1).',
  shift: 'Write list.remove(0).',
  charat: 'Write text.subString(at, at + 1).',
  padleft: 'Write text.leftpad(length), and replaceAll for other signs than blanks.',
  padstart: 'Write text.leftpad(length), and replaceAll for other signs than blanks.',
  padright: 'Write text.rightpad(length).',
  padend: 'Write text.rightpad(length).',
  substringafter: 'Write text.getSuffix(mark).',
  substringbefore: 'Write text.getPrefix(mark).',
  slice: 'Write list.subList(from, to) or text.subString(from, to).',
  replace: 'Write text.replaceAll(search, replacement, true).',
  toint: 'Write toLong().',
  tointeger: 'Write toLong().',
  parseint: 'Write toLong().',
  tofloat: 'Write toDecimal().',
  todouble: 'Write toDecimal().',
  tofixed: 'Write round(places).',
  haskey: 'Write map.containKey(key).',
  has: 'Write map.containKey(key).',
  includes: 'Write contains(value).',
  set: 'Write map.put(key, value).',
  entryset: 'Loop over map.keys().',
  tojson: 'Write toString(): a map or a list gives its JSON.',
  tojsonstring: 'Write toString(): a map or a list gives its JSON.',
  stringify: 'Write toString(): a map or a list gives its JSON.',
  gettype: 'There is none: isNumber(), isText(), isDate() and isFile() tell.',
  adddays: 'Write date.addDay(days).',
  addmonths: 'Write date.addMonth(months).',
  addhours: 'Write date.addHour(hours).',
  format: 'Write date.toString("dd-MMM-yyyy") or number.toString("#,##0.00").',
}

/** What a method of another language is called here, or null. */
export const calledHere = (name: string): string | null =>
  Object.hasOwn(methodsElsewhere, name.toLowerCase()) ? (methodsElsewhere[name.toLowerCase()] ?? null) : null

const wordOperators: Readonly<Record<string, BinaryOperator>> = { and: '&&', or: '||', mod: '%' }
/** Operators of criteria (EX-16), and methods written as operators. */
const criteriaWords: Readonly<Record<string, string>> = {
  in: 'Write list.contains(value).',
  like: 'Write text.contains(part) or text.startsWith(part).',
  contains: 'Write text.contains(part).',
  startswith: 'Write text.startsWith(part).',
  endswith: 'Write text.endsWith(part).',
}
/** What scripts ask for with `is` and `is not`. */
const comparedByIs = new Set(['null', 'true', 'false'])
const startsValue = new Set(['name', 'text', 'quoted', 'number', '{'])

/** The operator that a word or `?` was meant for, or null when it is none: where one could stand. Only looks. */
export function mistakenWord(cursor: Cursor): BinaryOperator | null {
  const token = peek(cursor)
  const next = peek(cursor, 1)
  if (token.kind === '?') {
    if (next.kind === '?') fail(cursor, token, "'??' does not exist in Deluge.", 'Write ifnull(value, otherwise).')
    if (next.kind === '.') fail(cursor, token, "'?.' does not exist in Deluge.", 'Ask with if(x != null, x.get("key"), null).')
    fail(cursor, token, "'? :' does not exist in Deluge.", 'Write if(condition, a, b).')
  }
  // A word with a colon is the next attribute of a task; a new line begins a statement.
  if (next.kind === ':' || token.fresh) return null
  const word = wordAt(cursor)
  if (Object.hasOwn(wordOperators, word)) return wordOperators[word] ?? null
  if (word === 'is' && wordAt(cursor, 1) === 'not') return '!='
  return (word === 'is' || Object.hasOwn(criteriaWords, word)) && startsValue.has(next.kind) ? '==' : null
}

/** Passes over an operator, and says so when it is one of another language: `===`, `<>`, `**`, `and`, `is not`. */
export function takeOperator(cursor: Cursor): void {
  const first = advance(cursor)
  const second = peek(cursor)
  if (first.kind === 'name') takeWord(cursor, first)
  else if (second.start === first.end) {
    const span = { start: first.start, end: second.end }
    if ((first.kind === '==' || first.kind === '!=') && second.kind === '=') {
      cursor.report(span, `'${first.kind}=' does not exist in Deluge.`, `Compare with ${first.kind}.`)
      advance(cursor)
    } else if (first.kind === '<' && second.kind === '>') {
      cursor.report(span, "'<>' does not exist in Deluge.", 'Compare with !=.')
      advance(cursor)
    } else if (first.kind === '*' && second.kind === '*') {
      cursor.report(span, "'**' does not exist in Deluge.", 'Write power(base, exponent).')
      advance(cursor)
    } else if ((first.kind === '+' || first.kind === '-') && second.kind === first.kind) takeIncrement(cursor, first, span)
  }
}

/** `x++` ends a statement, `x + +y` does not. */
function takeIncrement(cursor: Cursor, { kind }: Token, span: Span): void {
  const after = peek(cursor, 1)
  if (!after.fresh && ![';', ')', '}', 'end'].includes(after.kind)) return
  advance(cursor)
  fail(cursor, span, `'${kind}${kind}' does not exist in Deluge.`, `Write: name = name ${kind} 1;`)
}

function takeWord(cursor: Cursor, token: Token): void {
  const word = textOf(cursor, token)
  const operator = wordOperators[word.toLowerCase()]
  const not = word.toLowerCase() === 'is' && wordAt(cursor) === 'not'
  // `x is null` and `x is not null` are of criteria (EX-16), and scripts of extensions have them as conditions, too; so `x is true`.
  if (word.toLowerCase() === 'is' && comparedByIs.has(wordAt(cursor, not ? 1 : 0))) {
    if (not) advance(cursor)
    return
  }
  const suggestion =
    operator !== undefined
      ? `Write ${operator}.`
      : word.toLowerCase() === 'is'
        ? `Write ${not ? '!=' : '=='}.`
        : (criteriaWords[word.toLowerCase()] ?? null)
  cursor.report(token, `'${word}' is no operator in Deluge.`, suggestion)
  if (not) advance(cursor)
}

/** `function(x) { … }`, `new Map()`, `not x` where a value should stand. */
export function mistakenStart(cursor: Cursor): void {
  const token = peek(cursor)
  const word = wordAt(cursor)
  const next = peek(cursor, 1)
  if (word === 'function' && (next.kind === '(' || next.kind === 'name')) {
    fail(cursor, token, 'Deluge has no functions as values.', 'Write a function of its own and call it by its name.')
  }
  if ((word === 'new' || word === 'await' || word === 'typeof') && next.kind === 'name' && !next.fresh) {
    cursor.report(token, `'${word}' does not exist in Deluge.`, 'Leave it out: Map(), List().')
    advance(cursor)
  } else if (word === 'not' && (next.kind === '(' || next.kind === 'name') && !next.fresh) {
    cursor.report(token, "'not' is no operator in Deluge.", 'Write !.')
    if (next.kind === 'name') advance(cursor)
  }
}
