import type { FunctionDeclaration, Statement } from './ast.ts'
import type { Reports } from './check-calls.ts'
import { checkReturned } from './check-types.ts'
import type { KindsOf } from './static-kinds.ts'
import { visitStatements } from './walk.ts'

/** A function that says what it returns returns it on every path (§3.8), and one that returns nothing has no value to return (ST-14). */
export function checkReturns(declaration: FunctionDeclaration, kindOf: KindsOf, to: Reports): void {
  const { returns, name, body, start } = declaration
  const isVoid = returns.toLowerCase() === 'void'
  let some = false
  visitStatements(body, statement => {
    if (statement.kind !== 'return' || statement.value === null) return
    if (isVoid && !some)
      to.warning(
        statement.value,
        `'${name}' returns a value, and its header says void.`,
        'Say what it returns in its header, or write `return;`.',
      )
    else if (!isVoid) checkReturned(returns, statement.value, kindOf, to)
    some = true
  })
  if (isVoid) return
  const at = { start, end: start + returns.length }
  if (!some) to.error(at, `'${name}' returns nothing, and its header says ${returns}.`, 'Add `return value;`, or write void.')
  else if (!alwaysReturns(body)) to.warning(at, `'${name}' does not return a value on every path.`, 'Add `return value;` at its end.')
}

/** Whether nothing can get past these statements. */
function alwaysReturns(body: readonly Statement[]): boolean {
  return body.some(statement => {
    switch (statement.kind) {
      case 'return':
        return true
      case 'if':
        return (
          statement.otherwise !== null &&
          alwaysReturns(statement.otherwise) &&
          statement.branches.every(branch => alwaysReturns(branch.body))
        )
      case 'try':
        return alwaysReturns(statement.body) && alwaysReturns(statement.handler)
      default:
        return false
    }
  })
}
