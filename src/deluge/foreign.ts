import type { Foreign } from './ast.ts'
import { advance, before, type Cursor, isAt, peek, textOf, wordAt } from './cursor.ts'

/*
 * Statements that only another host of the language can run (ST-10, ST-12) are read to their end and kept as text: a script that holds one
 * is correct, it just cannot run here.
 */

/** Ends a foreign construct at the token before the next. */
function foreignFrom(cursor: Cursor, start: number, construct: string): Foreign {
  const end = Math.max(start, before(cursor).end)
  return { kind: 'foreign', construct, text: cursor.source.slice(start, end), start, end }
}

const opens = new Set(['(', '[', '{'])
const closes = new Set([')', ']', '}'])

/** Reads what stands in brackets, from the opening one to its partner. Brackets of all kinds count alike: this is not our syntax. */
function readBrackets(cursor: Cursor): void {
  let depth = 0
  do {
    const { kind } = peek(cursor)
    if (kind === 'end') {
      cursor.report(before(cursor), "Expecting ']' but found 'EOF'")
      return
    }
    if (opens.has(kind)) depth += 1
    else if (closes.has(kind)) depth -= 1
    advance(cursor)
  } while (depth > 0)
}

/** Reads a name with points: `Form`, `App.Form`. */
function readPath(cursor: Cursor): string {
  const parts: string[] = []
  while (isAt(cursor, 'name')) {
    parts.push(textOf(cursor, advance(cursor)))
    if (!isAt(cursor, '.') || peek(cursor, 1).kind !== 'name') break
    advance(cursor)
  }
  return parts.join('.')
}

/** `insert into Form [ a = 1 ]` and `delete from Form[ … ]`, at their first word. */
export function insertOrDelete(cursor: Cursor): Foreign {
  const { start } = peek(cursor)
  const construct = `${wordAt(cursor)} ${wordAt(cursor, 1)}`
  advance(cursor)
  advance(cursor)
  readPath(cursor)
  if (isAt(cursor, '[') || isAt(cursor, '(')) readBrackets(cursor)
  return foreignFrom(cursor, start, construct)
}

export const startsInsertOrDelete = (cursor: Cursor): boolean =>
  (wordAt(cursor) === 'insert' && wordAt(cursor, 1) === 'into') || (wordAt(cursor) === 'delete' && wordAt(cursor, 1) === 'from')

/** `Form[ … ] sort by f desc range from a to b`; the cursor stands at the bracket, the path before it begins at `start`. */
export function fetching(cursor: Cursor, start: number, path: string): Foreign {
  readBrackets(cursor)
  readOrder(cursor)
  return foreignFrom(cursor, start, `fetching records of ${path}`)
}

export const startsOrder = (cursor: Cursor): boolean =>
  (wordAt(cursor) === 'sort' && wordAt(cursor, 1) === 'by') || (wordAt(cursor) === 'range' && wordAt(cursor, 1) === 'from')

/** `Form sort by f`, where a form is fetched whole. */
export function fetchingAll(cursor: Cursor, start: number): Foreign {
  readOrder(cursor)
  return foreignFrom(cursor, start, 'fetching records')
}

const directions = new Set(['asc', 'desc', 'ascending', 'descending'])

function readOrder(cursor: Cursor): void {
  while (startsOrder(cursor)) {
    const sorting = wordAt(cursor) === 'sort'
    advance(cursor)
    advance(cursor)
    if (sorting) {
      do {
        readPath(cursor)
        if (directions.has(wordAt(cursor))) advance(cursor)
      } while (isAt(cursor, ',') && peek(cursor, 1).kind === 'name' && Boolean(advance(cursor)))
    } else {
      readBound(cursor)
      if (wordAt(cursor) === 'to') {
        advance(cursor)
        readBound(cursor)
      }
    }
  }
}

/** `1`, `start + 1`, `ids.size()`: to whatever cannot belong to a number. */
function readBound(cursor: Cursor): void {
  for (;;) {
    const { kind } = peek(cursor)
    if (kind === '(') {
      readBrackets(cursor)
      continue
    }
    const word = wordAt(cursor)
    if (word === 'to' || word === 'sort' || word === 'range') return
    if (!['name', 'number', '.', '+', '-', '*', '/', '%'].includes(kind)) return
    advance(cursor)
  }
}

/** Words that begin a statement of form scripts when a name follows (`hide Field;`), and `alert`, which takes any expression. */
const formWords = new Set(['hide', 'show', 'enable', 'disable', 'cancel', 'clear', 'reload', 'unhide', 'mandatory'])

export const startsFormWord = (name: string): boolean => formWords.has(name.toLowerCase())

export function startsFormStatement(cursor: Cursor): boolean {
  const word = wordAt(cursor)
  const { kind } = peek(cursor, 1)
  if (word === 'alert') return kind === 'text' || kind === 'quoted' || kind === 'name' || kind === '(' || kind === '{' || kind === 'number'
  return formWords.has(word) && kind === 'name'
}

/** `alert "…";`, `cancel submit;`, `hide Field;`: to its `;` or to where the next statement begins. */
export function formStatement(cursor: Cursor): Foreign {
  const { start } = peek(cursor)
  const word = wordAt(cursor)
  const construct = word === 'cancel' ? `cancel ${wordAt(cursor, 1)}` : word
  advance(cursor)
  readStatement(cursor)
  return foreignFrom(cursor, start, construct)
}

/** Words of loops over records that only another host has: `eachRow rec in Orders[…] { … }`. */
const recordLoops = new Set(['eachrow', 'foreachrow'])

export const startsRecordLoop = (cursor: Cursor): boolean =>
  recordLoops.has(wordAt(cursor)) && peek(cursor, 1).kind === 'name' && wordAt(cursor, 2) === 'in'

/** `eachRow rec in Orders[ID != 0] { … }`: its head and its block. */
export function recordLoop(cursor: Cursor): Foreign {
  const { start } = peek(cursor)
  while (!isAt(cursor, '{') && !isAt(cursor, ';') && !isAt(cursor, 'end')) {
    if (isAt(cursor, '[') || isAt(cursor, '(')) readBrackets(cursor)
    else advance(cursor)
  }
  if (isAt(cursor, '{')) readBrackets(cursor)
  return foreignFrom(cursor, start, 'a loop over records')
}

/** `update rec;` and `update Orders[ID == 1] [ Status = "Done" ];`, at the word. Records are changed where they are stored. */
export const startsUpdate = (cursor: Cursor): boolean =>
  wordAt(cursor) === 'update' && peek(cursor, 1).kind === 'name' && !peek(cursor, 1).fresh && updateEnds.has(peek(cursor, 2).kind)

const updateEnds = new Set([';', '[', '.', '}', 'end'])

export function updateOf(cursor: Cursor): Foreign {
  const { start } = advance(cursor)
  readPath(cursor)
  while (isAt(cursor, '[')) readBrackets(cursor)
  return foreignFrom(cursor, start, 'update')
}

/** `Field:ui.add(list)`, `input.Field:ui.clear()`: what belongs to a field of a form; the cursor stands at the colon. */
export function fieldStatement(cursor: Cursor, start: number): Foreign {
  readStatement(cursor)
  return foreignFrom(cursor, start, 'the user interface of a field')
}

/** To the `;`, to the end of the block, or to a line that begins something new. */
function readStatement(cursor: Cursor): void {
  let first = true
  for (;;) {
    const token = peek(cursor)
    if (token.kind === ';' || token.kind === 'end' || closes.has(token.kind)) return
    if (token.fresh && !first && token.kind === 'name' && !continues.has(before(cursor).kind)) return
    first = false
    if (opens.has(token.kind)) readBrackets(cursor)
    else advance(cursor)
  }
}

/** After these a statement goes on in the next line. */
const continues = new Set(['+', '-', '*', '/', '%', ',', '.', ':', '=', '==', '!=', '<', '>', '<=', '>=', '&&', '||', '!'])
