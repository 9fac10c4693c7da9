import type { Expression, FunctionDeclaration, Statement } from './ast.ts'
import { visitStatements } from './walk.ts'

/** What one function, or what stands outside functions, says about its variables. */
export interface Bindings {
  readonly parameters: ReadonlySet<string>
  /** False for a script without a header: its caller may pass any argument. */
  readonly hasHeader: boolean
  /** From which offset on each variable has a value, by name. */
  readonly since: ReadonlyMap<string, number>
  /** The texts that variables stand for which are assigned once, and to a text. */
  readonly texts: ReadonlyMap<string, string>
}

/**
 * Variables live in the whole function, whatever block assigns them (ST-1). In a loop one turn's assignment serves the next, so a variable
 * assigned in a loop has a value from where the outermost loop around it begins.
 */
export function bindingsOf(body: readonly Statement[], declaration: FunctionDeclaration | null): Bindings {
  const parameters = new Set(declaration?.parameters.map(({ name }) => name))
  const since = new Map<string, number>()
  const values = new Map<string, Expression | null>()
  const bind = (name: string, at: number, loop: Statement | null, value: Expression | null) => {
    const from = loop === null ? at : Math.min(at, loop.start)
    since.set(name, Math.min(since.get(name) ?? Infinity, from))
    values.set(name, values.has(name) ? null : value)
  }
  visitStatements(body, (statement, loop) => {
    if (statement.kind === 'assignment' && statement.target.kind === 'variable') {
      // `x += 1` reads x first, so that only a later use of it finds a value.
      bind(statement.target.name, statement.end, loop, statement.operator === '=' ? statement.value : null)
    } else if (statement.kind === 'for each') bind(statement.variable.name, statement.list.end, loop, null)
    else if (statement.kind === 'try') bind(statement.variable.name, statement.variable.start, loop, null)
  })
  const texts = new Map<string, string>()
  for (const [name, value] of values) {
    if ((value?.kind === 'text' || value?.kind === 'quoted') && !parameters.has(name)) texts.set(name, value.value)
  }
  return { parameters, hasHeader: declaration !== null, since, texts }
}

export const isBound = (bindings: Bindings, name: string): boolean => bindings.parameters.has(name) || bindings.since.has(name)

/** The text an expression always is, or null: a literal, or a variable that stands for one. */
export function textAlways(bindings: Bindings, expression: Expression): string | null {
  if (expression.kind === 'text' || expression.kind === 'quoted') return expression.value
  return expression.kind === 'variable' ? (bindings.texts.get(expression.name) ?? null) : null
}

/** How a text begins as far as that is certain, or null: "https://api.x.com/v1/" of `"https://api.x.com/v1/" + id`. */
export function beginningOf(bindings: Bindings, expression: Expression): string | null {
  const following: Expression[] = []
  let first = expression
  while (first.kind === 'binary' && first.operator === '+') {
    following.push(first.right)
    first = first.left
  }
  let text = textAlways(bindings, first)
  for (let next = following.pop(); text !== null && next !== undefined; next = following.pop()) {
    const more = textAlways(bindings, next)
    if (more === null) break
    text += more
  }
  return text
}
