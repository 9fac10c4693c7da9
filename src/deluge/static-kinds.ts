import type { Binary, Expression, FunctionDeclaration, Statement } from './ast.ts'
import { declaredKind } from './declared-types.ts'
import type { Kind } from './value.ts'
import { visitStatements } from './walk.ts'

/** What kind the value of an expression surely is, where it is not null; null where only a run can tell. */
export type KindsOf = (expression: Expression) => Kind | null

const constructors: Readonly<Record<string, Kind>> = { map: 'map', list: 'list', collection: 'collection' }
const comparing: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>=', '&&', '||'])

const isNumeric = (kind: Kind | null): boolean => kind === 'number' || kind === 'decimal'

/** A quoted literal without a digit writes no date and no time; in the usual pattern it is a date whatever the organisation's is (LEX-6, LEX-7). */
const kindOfQuoted = (value: string): Kind | null => (!/\d/.test(value) ? 'text' : usualDate.test(value) ? 'date' : null)
const usualDate = /^(?:0[1-9]|1\d|2[0-8])-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(?:19|20)\d\d$/

function combined(operator: string, left: Kind | null, right: Kind | null): Kind | null {
  if (comparing.has(operator)) return 'boolean'
  if (operator === '+' && (left === 'text' || right === 'text')) return 'text'
  if (operator === '-' && left === right && (left === 'date' || left === 'time')) return 'number'
  if (!isNumeric(left) || !isNumeric(right)) return null
  // A quotient of two NUMBERs may be either (EX-6), and both are numbers to every operator.
  return left === 'decimal' || right === 'decimal' ? 'decimal' : 'number'
}

/** Where variables get their only value: at the outermost level, so that nothing can pass it by. */
function onlyValues(body: readonly Statement[]): ReadonlyMap<string, { readonly value: Expression; readonly from: number }> {
  const counts = new Map<string, number>()
  const counted = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  visitStatements(body, statement => {
    if (statement.kind === 'assignment' && statement.target.kind === 'variable') counted(statement.target.name)
    else if (statement.kind === 'for each' || statement.kind === 'try') counted(statement.variable.name)
  })
  const values = new Map<string, { value: Expression; from: number }>()
  for (const statement of body) {
    if (statement.kind !== 'assignment' || statement.target.kind !== 'variable' || statement.operator !== '=') continue
    if (counts.get(statement.target.name) === 1) values.set(statement.target.name, { value: statement.value, from: statement.end })
  }
  return values
}

/**
 * The kinds that are certain in one function: of literals, constructors and operators, of arguments by their declared types while nothing is
 * assigned to them, and of variables that have one value.
 */
export function kindsIn(body: readonly Statement[], declaration: FunctionDeclaration | null): KindsOf {
  const values = onlyValues(body)
  const assigned = new Set<string>()
  visitStatements(body, statement => {
    if (statement.kind === 'assignment' && statement.target.kind === 'variable') assigned.add(statement.target.name)
    else if (statement.kind === 'for each' || statement.kind === 'try') assigned.add(statement.variable.name)
  })
  const declared = new Map(declaration?.parameters.map(({ name, type }) => [name, type === null ? null : declaredKind(type)]))
  const known = new Map<Expression, Kind | null>()

  const ofVariable = (name: string, at: number): Kind | null => {
    if (declared.has(name)) return assigned.has(name) ? null : (declared.get(name) ?? null)
    const only = values.get(name)
    return only === undefined || at < only.from ? null : kindOf(only.value)
  }

  /** Chains of thousands of operands are deep trees: from the innermost on, in a loop. */
  const ofBinary = (root: Binary): Kind | null => {
    const waiting: Binary[] = []
    let at: Expression = root
    for (; at.kind === 'binary' && !known.has(at); at = at.left) waiting.push(at)
    let kind = kindOf(at)
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      kind = combined(next.operator, kind, kindOf(next.right))
      known.set(next, kind)
    }
    return kind
  }

  const found = (expression: Expression): Kind | null => {
    switch (expression.kind) {
      case 'text':
      case 'boolean':
      case 'list':
        return expression.kind
      case 'quoted':
        return kindOfQuoted(expression.value)
      case 'number':
        return expression.digits.includes('.') ? 'decimal' : 'number'
      // `{}` may become either (LEX-10)
      case 'map':
        return expression.entries.length === 0 ? null : 'map'
      case 'call':
        return constructors[expression.name.toLowerCase().replace(/:.*$/, '')] ?? null
      case 'variable':
        return ofVariable(expression.name, expression.start)
      case 'unary':
        return expression.operator === '!' ? 'boolean' : isNumeric(kindOf(expression.operand)) ? kindOf(expression.operand) : null
      default:
        return null
    }
  }

  const kindOf = (expression: Expression): Kind | null => {
    const before = known.get(expression)
    if (before !== undefined) return before
    if (expression.kind === 'binary') return ofBinary(expression)
    // while it is looked for: `x = x + 1` says nothing of x
    known.set(expression, null)
    const kind = found(expression)
    known.set(expression, kind)
    return kind
  }
  return kindOf
}
