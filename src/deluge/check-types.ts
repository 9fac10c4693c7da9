import type { Binary, Expression, Span } from './ast.ts'
import type { Reports } from './check-calls.ts'
import { numberInText } from './coerce.ts'
import { declaredType } from './declared-types.ts'
import type { KindsOf } from './static-kinds.ts'
import { kindNames, type Kind } from './value.ts'

/*
 * Type mismatches that are certain before a run (§3.8, EX-5, EX-8, CO-5): where literals or declared types leave no doubt. What only a run
 * can tell is left to it.
 */

const isNumeric = (kind: Kind): boolean => kind === 'number' || kind === 'decimal'
const isMoment = (kind: Kind): boolean => kind === 'date' || kind === 'time'

/** Which operand is of the wrong kind. */
type Side = 'left' | 'right' | 'left/right'

function sideOf(leftIsWrong: boolean, rightIsWrong: boolean): Side | null {
  if (leftIsWrong) return rightIsWrong ? 'left/right' : 'left'
  return rightIsWrong ? 'right' : null
}

/** `-`, `*`, `/`, `%`: numbers, and for `-` two dates or two times. A text is no number here, whatever is in it (CO-5). */
function wrongInArithmetic(operator: string, left: Kind | null, right: Kind | null): Side | null {
  const moments = operator === '-'
  const isWrong = (kind: Kind | null) => kind !== null && !isNumeric(kind) && !(moments && isMoment(kind))
  const side = sideOf(isWrong(left), isWrong(right))
  if (side !== null || left === null || right === null || !moments) return side
  return isMoment(left) ? (left === right ? null : 'right') : isMoment(right) ? 'right' : null
}

/** `+`: a text takes anything beside it (EX-3), so both kinds must be known. */
function wrongInSum(left: Kind | null, right: Kind | null): Side | null {
  if (left === null || right === null || left === 'text' || right === 'text') return null
  return sideOf(!isNumeric(left), !isNumeric(right))
}

/** A text that writes neither a number nor a date has no order. */
const isWord = (expression: Expression): boolean =>
  (expression.kind === 'text' || expression.kind === 'quoted') && expression.value !== '' && !/\d/.test(expression.value)

const hasNoOrder = (expression: Expression, kind: Kind | null): boolean =>
  isWord(expression) || kind === 'list' || kind === 'map' || kind === 'collection' || kind === 'boolean' || kind === 'file'

function wrongInOrder({ left, right }: Binary, kinds: readonly [Kind | null, Kind | null]): Side | null {
  if (left.kind === 'null' || right.kind === 'null') return null
  const [first, second] = kinds
  const side = sideOf(hasNoOrder(left, first), hasNoOrder(right, second))
  if (side !== null || first === null || second === null) return side
  return (isNumeric(first) && isMoment(second)) || (isMoment(first) && isNumeric(second)) ? 'right' : null
}

function insteadOf(operator: string, left: Kind | null, right: Kind | null): string | null {
  if (left === 'date' && right !== null && isNumeric(right)) return `Write date.${operator === '-' ? 'subDay' : 'addDay'}(days).`
  if (operator === '+' && left === 'list') return 'Write list.add(value) or list.addAll(list).'
  if (operator === '+' && left === 'map') return 'Write map.put(key, value) or map.putAll(map).'
  if (left === 'text' || right === 'text') return 'Make it a number first: text.toLong() or text.toDecimal().'
  return null
}

const nameOf = (kind: Kind | null) => (kind === null ? 'this' : kindNames[kind])

function spanOf({ left, right }: Binary, side: Side): Span {
  if (side === 'left/right') return { start: left.start, end: right.end }
  return side === 'left' ? left : right
}

/** One operator and its operands. */
export function checkOperator(expression: Binary, kindOf: KindsOf, to: Reports): void {
  const { operator, left, right } = expression
  const first = kindOf(left)
  const second = kindOf(right)
  let side: Side | null
  switch (operator) {
    case '&&':
    case '||':
      checkCondition(left, kindOf, to)
      checkCondition(right, kindOf, to)
      return
    case '==':
    case '!=':
      if (expression.single) to.warning({ start: left.end, end: right.start }, "'=' compares in a condition.", 'Write ==.')
      checkEquality(expression, first, second, to)
      return
    case '+':
      side = wrongInSum(first, second)
      break
    case '-':
    case '*':
    case '/':
    case '%':
      side = wrongInArithmetic(operator, first, second)
      break
    default:
      side = wrongInOrder(expression, [first, second])
      if (side !== null) {
        const wrong = side === 'right' ? second : first
        to.error(spanOf(expression, side), `Type mismatch ${side} expression: '${operator}' is not defined for ${nameOf(wrong)}`, null)
      }
      return
  }
  if (side === null) return
  const kinds = first === null || second === null ? nameOf(first ?? second) : `${nameOf(first)} and ${nameOf(second)}`
  to.error(
    spanOf(expression, side),
    `Type mismatch ${side} expression: '${operator}' is not defined for ${kinds}`,
    insteadOf(operator, first, second),
  )
}

/** `-x` of what is no number. */
export function checkSign(operand: Expression, kindOf: KindsOf, to: Reports): void {
  const kind = kindOf(operand)
  if (kind !== null && !isNumeric(kind)) to.error(operand, `Type mismatch right expression: '-' is not defined for ${kindNames[kind]}`)
}

/** Literals, and what literals make: never null, as an argument may be. */
const isMade = (expression: Expression): boolean => expression.kind !== 'variable'

/** What stands as a condition. Null does not hold and is none of these; an argument may be null. */
export function checkCondition(condition: Expression, kindOf: KindsOf, to: Reports): void {
  const kind = kindOf(condition)
  if (kind === null || kind === 'boolean' || !isMade(condition)) return
  if (kind === 'text') {
    const text = condition.kind === 'text' || condition.kind === 'quoted' ? condition.value.toLowerCase() : 'true'
    if (text === 'true' || text === 'false') return
  }
  to.error(condition, `${kindNames[kind]} can not be cast to 'BOOLEAN'`, 'Compare it with something: value != null.')
}

/** Whether a literal text is no value of a kind, so that nothing of that kind equals it (CO-9). */
function isNone(text: Expression, kind: Kind | null): boolean {
  if (kind === null || (text.kind !== 'text' && text.kind !== 'quoted')) return false
  if (isNumeric(kind)) return text.value.length < 1000 && numberInText(text.value) === null
  return kind === 'boolean' && !/^(?:true|false)$/i.test(text.value)
}

function checkEquality({ left, right }: Binary, first: Kind | null, second: Kind | null, to: Reports): void {
  const [text, kind, side] = isNone(right, first) ? [right, first, 'right'] : isNone(left, second) ? [left, second, 'left'] : []
  if (text === undefined || kind == null) return
  const isEmpty = (text.kind === 'text' || text.kind === 'quoted') && text.value === ''
  to.warning(
    text,
    `Type mismatch ${side} expression: a ${kindNames[kind]} never equals this TEXT`,
    isEmpty ? 'Compare with null.' : 'Compare with toString() of the other.',
  )
}

/** What a header says and what a `return` gives (ST-14), where that cannot become it. */
export function checkReturned(declared: string, value: Expression, kindOf: KindsOf, to: Reports): void {
  const type = declaredType(declared)
  const kind = kindOf(value)
  if (type === undefined || kind === null || !isMade(value) || becomes(type, kind, value)) return
  to.error(value, `Type mismatch right expression: ${kindNames[kind]} can not be cast to '${declared}'`, `The header says ${declared}.`)
}

/** Whether a value of a kind may become what a header declares. */
function becomes(type: string, kind: Kind, value: Expression): boolean {
  if (type === 'text' || type === kind) return true
  if (kind === 'text') {
    const text = value.kind === 'text' || value.kind === 'quoted' ? value.value : null
    if (text === null || text === '') return true
    if (type === 'number' || type === 'decimal') return text.length > 1000 || numberInText(text) !== null
    if (type === 'boolean') return /^\s*(?:true|false)\s*$/i.test(text)
    if (type === 'date' || type === 'time') return /\d/.test(text)
    return type === 'list' || (type !== 'file' && /^\s*[{[]/.test(text))
  }
  if (isNumeric(kind)) return type === 'number' || type === 'decimal'
  return type === 'collection' && (kind === 'list' || kind === 'map')
}
