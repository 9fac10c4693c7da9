import type { Attribute, Expression, TaskCall } from './ast.ts'
import { advance, before, type Cursor, enter, expect, fail, isAt, peek, shown, endOf, textOf, wordAt } from './cursor.ts'
import type { Token } from './token.ts'

/** Tasks that are tasks even with nothing in their brackets. Others are told by their attributes. */
const known = new Set(['invokeurl', 'invokeapi', 'sendmail', 'zoho.sdp.invokeurl', 'ftp', 'sftp', 'sendsms'])
/** The most words an attribute's name has, "response-format" counting two. */
const mostWords = 4

/** Whether the bracket at the cursor belongs to a task: `name [ attribute : value …`. Otherwise it holds criteria (ST-12). */
export const isTask = (cursor: Cursor, path: string): boolean => known.has(path.toLowerCase()) || attributeLength(cursor, 1) > 0

/** How many tokens the name of an attribute takes up to its colon, as it stands `ahead`; 0 when there is none. */
function attributeLength(cursor: Cursor, ahead: number): number {
  if (peek(cursor, ahead).kind !== 'name') return 0
  let length = 1
  for (let words = 1; words <= mostWords; words += 1) {
    const { kind } = peek(cursor, ahead + length)
    if (kind === ':') return length
    if (kind === 'name') length += 1
    else if (kind === '-' && peek(cursor, ahead + length + 1).kind === 'name') length += 2
    else return 0
  }
  return 0
}

/**
 * Whether a task is written in parentheses, as old scripts have it: `sendmail ( To : a From : b )`. Keys of a call stand between commas and
 * are values; a bare word with a colon directly behind the parenthesis is an attribute.
 */
export const isTaskInParentheses = (cursor: Cursor, name: string): boolean =>
  known.has(name.toLowerCase()) && attributeLength(cursor, 1) > 0

/**
 * `invokeurl [ url: … type: GET ]` (§2.1): attributes in any order, with nothing but white space between. The cursor stands at the bracket;
 * `expression` reads one expression.
 */
export function parseTask(cursor: Cursor, start: number, name: string, expression: (cursor: Cursor) => Expression): TaskCall {
  enter(cursor)
  const close = advance(cursor).kind === '(' ? ')' : ']'
  const attributes: Attribute[] = []
  while (!isAt(cursor, close)) {
    attributes.push(parseAttribute(cursor, name, expression))
    const { kind } = peek(cursor)
    if (kind === ',' || kind === ';') {
      cursor.report(peek(cursor), `'${kind}' stands between two attributes of ${name}.`, 'Take it away: white space is enough.')
      advance(cursor)
    }
  }
  expect(cursor, close)
  cursor.depth -= 1
  return { kind: 'task', name, attributes, start, end: endOf(cursor) }
}

function parseAttribute(cursor: Cursor, task: string, expression: (cursor: Cursor) => Expression): Attribute {
  const { start } = peek(cursor)
  const length = attributeLength(cursor, 0)
  if (length === 0) {
    const token = peek(cursor)
    const message = `Expecting an attribute of ${task} or ']' but found ${shown(cursor, token)}`
    return fail(cursor, token, message, 'Attributes are written `name : value`, a text in quotation marks.')
  }
  const first = cursor.at
  cursor.at += length
  let name = ''
  for (const token of cursor.tokens.slice(first, cursor.at)) name += separator(name, token) + textOf(cursor, token)
  expect(cursor, ':')
  const values = [parseValue(cursor, name, expression)]
  // `to: a, b` is a list (ST-11); a comma before the next attribute is a mistake, and left to the caller.
  while (
    isAt(cursor, ',') &&
    ![']', ')'].includes(peek(cursor, 1).kind) &&
    (attributeLength(cursor, 1) === 0 || isAttachment(cursor, name, 1))
  ) {
    advance(cursor)
    values.push(parseValue(cursor, name, expression))
  }
  const [value] = values
  if (values.length === 1 && value !== undefined) return { name, value, start, end: endOf(cursor) }
  const listed = { kind: 'list', brackets: '{}', items: values, start: value?.start ?? start, end: before(cursor).end } as const
  return { name, value: listed, start, end: endOf(cursor) }
}

const separator = (name: string, token: Token): string => (name === '' || token.kind === '-' || name.endsWith('-') ? '' : ' ')

/** What an attachment says it is, before a colon (ST-11). */
const attached = new Set(['file', 'view', 'template', 'page', 'report'])
const isAttachment = (cursor: Cursor, attribute: string, ahead: number): boolean =>
  attribute.toLowerCase() === 'attachments' && attached.has(wordAt(cursor, ahead)) && peek(cursor, ahead + 1).kind === ':'

/** Attachments may say what they are: `file: variable`; what another host makes (`view: Report as PDF`) is not for us. */
function parseValue(cursor: Cursor, attribute: string, expression: (cursor: Cursor) => Expression): Expression {
  const { start } = peek(cursor)
  if (!isAttachment(cursor, attribute, 0)) return expression(cursor)
  const what = wordAt(cursor)
  cursor.at += 2
  if (what === 'file') return expression(cursor)
  while (!isAt(cursor, ']') && !isAt(cursor, 'end') && !isAt(cursor, ',') && attributeLength(cursor, 0) === 0) advance(cursor)
  const end = endOf(cursor)
  return { kind: 'foreign', construct: `attaching a ${what}`, text: cursor.source.slice(start, end), start, end }
}

const withoutSemicolon = new Set(['sendmail', 'sendsms'])

/** Whether a statement may end with this and no `;` (LEX-2). */
export const acceptsNoSemicolon = (expression: Expression): boolean =>
  expression.kind === 'foreign' || (expression.kind === 'task' && withoutSemicolon.has(expression.name.toLowerCase()))

/** `invokeurl […]` alone on its line: editors write it without the `;`. One whose answer is kept needs it. */
export const isBareCall = (expression: Expression): boolean => expression.kind === 'task' && expression.name.toLowerCase() === 'invokeurl'
