import type { Expression, Statement } from './ast.ts'

/** What an expression is made of, in the order of the source. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'list':
      return expression.items
    case 'map':
      return expression.entries.flatMap(({ key, value }) => [key, value])
    case 'member':
      return [expression.object]
    case 'call':
      return expression.keys === null ? expression.arguments : [...expression.keys, ...expression.arguments]
    case 'method':
      return [expression.object, ...(expression.keys ?? []), ...expression.arguments]
    case 'unary':
      return [expression.operand]
    case 'binary':
      return [expression.left, expression.right]
    case 'task':
      return expression.attributes.map(({ value }) => value)
    default:
      return []
  }
}

/**
 * Visits an expression and everything in it, in the order of the source as far as parts go. What `visit` answers is visited in place of the
 * parts. A loop, since texts put together from thousands of parts are deep trees.
 */
export function visitExpression(root: Expression, visit: (expression: Expression) => readonly Expression[]): void {
  const waiting = [root]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const parts = visit(next)
    for (let at = parts.length - 1; at >= 0; at -= 1) {
      const part = parts[at]
      if (part !== undefined) waiting.push(part)
    }
  }
}

/** The expressions that a statement itself holds, without those of the blocks in it. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case 'assignment':
      return [statement.target, statement.value]
    case 'expression':
      return [statement.expression]
    case 'if':
      return statement.branches.map(({ condition }) => condition)
    case 'for each':
      return [statement.list]
    case 'return':
      return statement.value === null ? [] : [statement.value]
    case 'info':
      return [statement.value]
    default:
      return []
  }
}

/** The blocks in a statement. */
export function blocksOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.kind) {
    case 'if':
      return [...statement.branches.map(({ body }) => body), ...(statement.otherwise === null ? [] : [statement.otherwise])]
    case 'for each':
      return [statement.body]
    case 'try':
      return [statement.body, statement.handler]
    default:
      return []
  }
}

/** Visits statements and those in their blocks, in order. `loop` is the outermost loop around one, or null. */
export function visitStatements(
  body: readonly Statement[],
  visit: (statement: Statement, loop: Statement | null) => void,
  loop: Statement | null = null,
): void {
  for (const statement of body) {
    visit(statement, loop)
    const inside = loop ?? (statement.kind === 'for each' ? statement : null)
    for (const block of blocksOf(statement)) visitStatements(block, visit, inside)
  }
}
