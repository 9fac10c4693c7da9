import type { Assignment, Binary, Expression, FunctionDeclaration, Member, MethodCall, Script, Statement } from './ast.ts'
import { pathOf } from './ast.ts'
import { type Bindings, bindingsOf, isBound } from './bindings.ts'
import { calleeOf, hostRoots, isSystemPath, type Own, ownFunctions } from './callee.ts'
import { type Free, isMeantAsItIs, noneFree, noteOnce, reportFree } from './check-arguments.ts'
import { checkCall, isCategory, isMethod, type Reports } from './check-calls.ts'
import { checkReturns } from './check-returns.ts'
import { checkTask } from './check-tasks.ts'
import { checkCondition, checkOperator, checkSign } from './check-types.ts'
import { type Finding, findingsOf } from './finding.ts'
import { insteadOf } from './instead.ts'
import { didYouMean, nearest } from './nearest.ts'
import { parse, type ParseOptions } from './parse.ts'
import { type KindsOf, kindsIn } from './static-kinds.ts'
import { type Uses, usesOf } from './uses.ts'
import { handedIn, systemVariables } from './variables.ts'
import { expressionsOf, partsOf, visitExpression, visitStatements } from './walk.ts'

export interface CheckOptions extends ParseOptions {
  /** Which host's ways the script was written for (§3.5). */
  readonly profile?: 'crm' | 'creator'
  /** Names that a script without a header receives as arguments. */
  readonly arguments?: readonly string[]
  /** Whether the organisation has a function; without it nothing is said about functions of other files. */
  readonly functionExists?: (namespace: string, name: string) => boolean
  /** Namespaces of functions, besides the usual ones: what is called in them may be saved later. */
  readonly namespaces?: Iterable<string>
}

export interface Signature {
  readonly namespace: string
  readonly name: string
  readonly returns: string
  readonly parameters: readonly { readonly name: string; readonly type: string | null }[]
}

export interface CheckResult {
  readonly script: Script
  /** With these the script cannot run. */
  readonly errors: Finding[]
  readonly warnings: Finding[]
  /** Of the first function, null for a script without a header. */
  readonly signature: Signature | null
  /** Of every function, in the order of the source. */
  readonly signatures: readonly Signature[]
  readonly uses: Uses
}

/**
 * Everything that can be said about a source before it runs (§3.8): its syntax, names that nothing defines, calls with the wrong number of
 * arguments, what is not available here, and what is probably not meant. Never throws; findings are in the order of the source.
 */
export function check(source: string, options: CheckOptions = {}): CheckResult {
  const { script, errors: syntax } = parse(source, options)
  const errors = findingsOf(source)
  const warnings = findingsOf(source)
  const own = ownFunctions(script.functions, options.namespaces)
  const exists = options.functionExists ?? null
  const to: Reports = {
    error: errors.add,
    warning: warnings.add,
    unavailable: (construct, span) => {
      errors.add(span, `${construct} is not available here.`, insteadOf(construct))
    },
  }
  const parts: [readonly Statement[], FunctionDeclaration | null][] = script.functions.map(declaration => [declaration.body, declaration])
  for (const [body, declaration] of [...parts, [script.body, null] as const]) {
    const bindings = bindingsOf(body, declaration)
    const kindOf = kindsIn(body, declaration)
    // What was not understood may have been what gives a variable its value.
    const checking: Checking = {
      bindings,
      kindOf,
      own,
      exists,
      to,
      given: new Set(options.arguments),
      complete: syntax.length === 0,
      full: errors.full,
      mixed: new Set(),
      free: noneFree(),
    }
    visitStatements(body, (statement, loop) => {
      checkStatement(checking, statement, loop !== null)
    })
    reportFree(body, checking.free, to)
    if (declaration !== null && syntax.length === 0) checkReturns(declaration, kindOf, to)
  }
  checkNames(script, to)
  const inOrder = (list: Finding[]) => list.sort((a, b) => a.line - b.line || a.column - b.column)
  return {
    script,
    errors: inOrder([...syntax, ...errors.list]),
    warnings: inOrder(warnings.list),
    signature: signaturesOf(script)[0] ?? null,
    signatures: signaturesOf(script),
    uses: usesOf(script, own, exists, errors.lineAt),
  }
}

const signaturesOf = (script: Script): Signature[] =>
  script.functions.map(({ namespace, name, returns, parameters }) => ({
    namespace,
    name,
    returns,
    parameters: parameters.map(parameter => ({ name: parameter.name, type: parameter.type })),
  }))

/** Two functions of one name, two parameters of one name. */
function checkNames(script: Script, to: Reports): void {
  const functions = new Set<string>()
  for (const { namespace, name, parameters, start, end } of script.functions) {
    const path = `${namespace}.${name}`.toLowerCase()
    if (functions.has(path))
      to.error({ start, end: Math.min(end, start + 1) }, `There are two functions '${name}'`, 'Give one of them another name.')
    functions.add(path)
    const names = new Set<string>()
    for (const parameter of parameters) {
      if (names.has(parameter.name)) to.error(parameter, `There are two arguments '${parameter.name}'`, 'Give one of them another name.')
      names.add(parameter.name)
    }
  }
}

interface Checking {
  readonly bindings: Bindings
  readonly kindOf: KindsOf
  readonly own: Own
  readonly exists: ((namespace: string, name: string) => boolean) | null
  readonly to: Reports
  readonly given: ReadonlySet<string>
  readonly complete: boolean
  /** Enough was found: what follows is not looked at, so that a wrong source costs no more than a right one. */
  readonly full: () => boolean
  /** Where mixed logic was reported: a chain of operators begins where its first operand does. */
  readonly mixed: Set<number>
  readonly free: Free
}

function checkStatement(checking: Checking, statement: Statement, inLoop: boolean): void {
  const { to } = checking
  if (checking.full()) return
  switch (statement.kind) {
    case 'break':
    case 'continue':
      if (!inLoop) to.error(statement, `\`${statement.kind}\` stands in no loop.`, 'It belongs in a `for each`.')
      break
    case 'foreign':
      to.unavailable(statement.construct, statement)
      break
    case 'assignment':
      checkTarget(checking, statement)
      checkExpression(checking, statement.value)
      break
    case 'expression': {
      const { kind } = statement.expression
      if (kind !== 'call' && kind !== 'method' && kind !== 'task' && kind !== 'foreign') {
        to.warning(statement, 'Improper Statement', 'It does nothing: assign it, print it with `info`, or take it away.')
      }
      checkExpression(checking, statement.expression)
      break
    }
    default:
      for (const expression of expressionsOf(statement)) checkExpression(checking, expression)
      if (statement.kind === 'if') for (const { condition } of statement.branches) checkCondition(condition, checking.kindOf, to)
  }
}

function checkTarget(checking: Checking, { target, operator }: Assignment): void {
  const { bindings, to } = checking
  if (target.kind === 'variable') {
    if (operator !== '=') checkExpression(checking, target)
    return
  }
  const path = pathOf(target)
  const root = path?.split('.', 1)[0] ?? ''
  if (path !== null && !isBound(bindings, root) && systemVariables.has(path.toLowerCase())) {
    to.error(target, `'${path}' cannot be assigned.`, 'It is read only: assign a variable of your own.')
  } else checkExpression(checking, target.object)
}

function checkExpression(checking: Checking, root: Expression): void {
  const { bindings, own, exists, to } = checking
  visitExpression(root, expression => {
    if (checking.full()) return []
    switch (expression.kind) {
      case 'variable':
        checkVariable(checking, expression.name, expression)
        return []
      case 'member':
        return checkMember(checking, expression)
      case 'call':
      case 'method': {
        const callee = calleeOf(expression, bindings, own, exists)
        if (expression.kind === 'method' && callee.kind === 'method' && isUnknownPath(checking, expression)) return expression.arguments
        checkCall(expression, callee, own, exists, to)
        const [condition] = expression.arguments
        if (callee.kind === 'conditional' && callee.name === 'if' && condition) checkCondition(condition, checking.kindOf, to)
        if (expression.kind === 'call' || callee.kind === 'method') return partsOf(expression)
        // The path before the name is no value.
        return expression.keys === null ? expression.arguments : [...expression.keys, ...expression.arguments]
      }
      case 'binary':
        checkMixed(checking, expression)
        checkOperator(expression, checking.kindOf, to)
        return partsOf(expression)
      case 'unary':
        if (expression.operator === '!') checkCondition(expression.operand, checking.kindOf, to)
        else checkSign(expression.operand, checking.kindOf, to)
        return partsOf(expression)
      case 'task':
        return checkTask(expression, bindings, to)
      case 'foreign': {
        const [, element = ''] = /^(\w+)\[\s*\w+\s*\]/.exec(expression.text) ?? []
        if (isBound(bindings, element)) {
          to.error(expression, 'Elements are not taken with brackets.', `Write ${element}.get(…).`)
        } else to.unavailable(expression.construct, expression)
        return []
      }
      default:
        return partsOf(expression)
    }
  })
}

/** `foo.bar(x)` where nothing is called foo and no value has a bar: one finding, not two. */
function isUnknownPath(
  { bindings, given: handed, to }: Checking,
  { object, name, arguments: given, start, nameStart }: MethodCall,
): boolean {
  if (object.kind !== 'variable' || isMethod(name) || isBound(bindings, object.name) || handed.has(object.name)) return false
  if (isSystemPath(object.name) || (!bindings.hasHeader && object.name === 'crmAPIRequest')) return false
  const span = { start, end: nameStart + name.length }
  // `Deals.Contacts()` makes a row of the subform Contacts of a form (ST-12).
  if (given.length === 0 && /^[A-Z]\w*\.[A-Z]/.test(`${object.name}.${name}`)) to.unavailable(`${object.name}.${name}()`, span)
  else to.error(span, `Not able to find '${object.name}.${name}' function`)
  return true
}

function checkVariable(checking: Checking, name: string, at: { readonly start: number; readonly end: number }): void {
  const { bindings, to, given, complete } = checking
  const since = bindings.since.get(name)
  if (bindings.parameters.has(name) || (since !== undefined && since <= at.start) || systemVariables.has(name.toLowerCase())) return
  if (name === 'input' || given.has(name) || (!bindings.hasHeader && name === 'crmAPIRequest')) return
  if (hostRoots.has(name.toLowerCase()) && since === undefined) {
    to.unavailable(name, at)
    return
  }
  if (!complete) return
  const message = `Variable '${name}' is not defined`
  if (checking.free.names.has(name)) return
  const isFree = since === undefined && !bindings.hasHeader && given.size === 0
  if (isFree && handedIn.has(name)) {
    noteOnce(checking.free.handedIn, name, at)
    return
  }
  if (since !== undefined) to.error(at, message, 'It gets its first value further down.')
  else if (isCategory(name)) to.error(at, message, 'Call a function: its name and its arguments in parentheses follow.')
  else {
    const candidates = [...bindings.parameters, ...bindings.since.keys(), ...given, ...loose]
    if (isFree && isMeantAsItIs(name, nearest(name, candidates))) noteOnce(checking.free.names, name, at)
    else to.error(at, message, didYouMean(name, candidates))
  }
}

/** System variables without dots. */
const loose = [...systemVariables.keys()].filter(name => !name.includes('.'))

/** A dotted path: a system variable, or fields of a value. Looks at its root, since nothing between can be wrong. */
function checkMember(checking: Checking, member: Member): readonly Expression[] {
  let root: Expression = member
  while (root.kind === 'member') root = root.object
  if (root.kind !== 'variable' || isBound(checking.bindings, root.name)) return [root]
  const path = pathOf(member) ?? ''
  if (isSystemPath(path)) return []
  if (root.name.toLowerCase() === 'zoho') {
    if (checking.complete && !hasSystemPrefix(path)) {
      checking.to.error(member, `Variable '${path.slice(0, 80)}' is not defined`, didYouMean(path, systemVariables.keys()))
    }
    return []
  }
  if (!hostRoots.has(root.name.toLowerCase())) return [root]
  checking.to.unavailable(root.name.toLowerCase() === 'old' ? 'old' : path.split('.', 3).join('.'), member)
  return []
}

/** `zoho.loginuser.name`, where a system variable's value is asked for a field. */
const hasSystemPrefix = (path: string): boolean =>
  systemVariables.has(path.toLowerCase().split('.', 2).join('.')) && path.split('.', 4).length < 4

/** `a && b || c`: products disagree about what binds first (EX-2). */
function checkMixed({ to, mixed }: Checking, { operator, left, right, start, end }: Binary): void {
  if (operator !== '&&' && operator !== '||') return
  const other = operator === '&&' ? '||' : '&&'
  const isMixed = [left, right].some(side => side.kind === 'binary' && side.operator === other && !side.parenthesised)
  if (!isMixed || mixed.has(start)) return
  mixed.add(start)
  to.warning({ start, end }, '&& and || stand together without parentheses.', 'Write parentheses: not every product reads && first.')
}
