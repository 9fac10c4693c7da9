import { pathOf, type Expression, type Statement } from './ast.ts'
import type { Surroundings } from './host.ts'
import type { CompiledFunction } from './program.ts'

/** What is known of the function being compiled: its variables have one scope, whatever block they stand in (ST-1). */
export interface Scope {
  readonly surroundings: Surroundings
  /** Functions of the same file by lower-case `namespace.name`. */
  readonly functions: ReadonlyMap<string, CompiledFunction>
  /** Variables by name, which is case-sensitive (LEX-3). */
  readonly slots: Map<string, number>
  /** Parameters and what is assigned somewhere in the function. */
  readonly bound: Set<string>
  /** Parameters of a function with a header; null where any argument may come. */
  readonly parameters: ReadonlySet<string> | null
  /** Where `input` itself is kept, or -1 until it is read. */
  inputSlot: number
}

export function slotOf(scope: Scope, name: string): number {
  const known = scope.slots.get(name)
  if (known !== undefined) return known
  scope.slots.set(name, scope.slots.size)
  return scope.slots.size - 1
}

/** Adds the names that statements assign: targets, loop variables, caught errors. */
export function collectAssigned(statements: readonly Statement[], into: Set<string>): void {
  for (const statement of statements) {
    switch (statement.kind) {
      case 'assignment':
        if (statement.target.kind === 'variable') into.add(statement.target.name)
        break
      case 'if':
        for (const branch of statement.branches) collectAssigned(branch.body, into)
        collectAssigned(statement.otherwise ?? [], into)
        break
      case 'for each':
        into.add(statement.variable.name)
        collectAssigned(statement.body, into)
        break
      case 'try':
        into.add(statement.variable.name)
        collectAssigned(statement.body, into)
        collectAssigned(statement.handler, into)
        break
      default:
    }
  }
}

/** Steps of the longest dotted path that means something: `zoho.crm.v8.getRecords`, `zoho.loginuser.name`. */
const mostSteps = 8

/** The dotted path of a chain of names that begins with no variable of the script; null for everything else. */
export function freePath(scope: Scope, expression: Expression): string | null {
  let root = expression
  for (let steps = 0; root.kind === 'member'; steps += 1) {
    if (steps === mostSteps) return null
    root = root.object
  }
  return root.kind === 'variable' && !scope.bound.has(root.name) ? pathOf(expression) : null
}
