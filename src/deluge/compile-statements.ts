import { type Assignment, type ForEach, type If, type Statement, type Try } from './ast.ts'
import { codeOf, compileExpression, failing, fieldOf } from './compile-expressions.ts'
import { arithmetic, compute, testOf, type Arithmetic } from './compile-operators.ts'
import { Failure } from './failure.ts'
import { elementsOf } from './iterate.ts'
import { broke, continued, lineOf, proceed, returned, type Code, type Completion, type Run, type Step } from './program.ts'
import { freePath, slotOf, type Scope } from './scope.ts'
import { textOf } from './text.ts'
import { kindNames, kindOf, putEntry, type KeyValue, type Value } from './value.ts'

function count(run: Run, at: number): void {
  const { meter } = run
  if (meter.countdown === 0) {
    run.at = at
    meter.look()
  }
  meter.countdown -= 1
}

/** Statements one after the other; each is counted when it begins (§3.7). */
export function compileBlock(scope: Scope, statements: readonly Statement[]): Step {
  const steps = statements.map(statement => compileStatement(scope, statement))
  const places = statements.map(statement => statement.start)
  const length = steps.length
  const [only] = steps
  const [place] = places
  if (length === 1 && only && place !== undefined) {
    return (slots, run) => {
      count(run, place)
      return only(slots, run)
    }
  }
  return (slots, run) => {
    const { meter } = run
    for (let at = 0; at < length; at += 1) {
      if (meter.countdown === 0) {
        run.at = places[at] as number
        meter.look()
      }
      meter.countdown -= 1
      const completion = (steps[at] as Step)(slots, run)
      if (completion !== proceed) return completion
    }
    return proceed
  }
}

const done =
  (code: Code): Step =>
  (slots, run) => {
    code(slots, run)
    return proceed
  }

function compileStatement(scope: Scope, statement: Statement): Step {
  switch (statement.kind) {
    case 'assignment':
      return assignment(scope, statement)
    case 'expression':
      return done(codeOf(scope, statement.expression))
    case 'if':
      return conditional(scope, statement)
    case 'for each':
      return forEach(scope, statement)
    case 'break':
      return () => broke
    case 'continue':
      return () => continued
    case 'return':
      return returning(statement.value === null ? null : codeOf(scope, statement.value), statement.start)
    case 'info':
      return info(codeOf(scope, statement.value), statement.start)
    case 'try':
      return attempt(scope, statement)
    case 'foreign':
      return done(failing(statement.start, `${statement.construct} is not available here.`).code)
  }
}

/** The place is noted: what is returned may not become what the header says. */
function returning(value: Code | null, at: number): Step {
  return (slots, run) => {
    const result = value === null ? null : value(slots, run)
    run.at = at
    run.result = result
    run.hasResult = value !== null
    return returned
  }
}

function info(code: Code, at: number): Step {
  return (slots, run) => {
    const value = code(slots, run)
    run.at = at
    run.info(textOf(run.surroundings, value, run.meter.limits.text))
    return proceed
  }
}

const arithmeticOf = (operator: Exclude<Assignment['operator'], '='>) => operator.slice(0, 1) as Arithmetic

function assignment(scope: Scope, statement: Assignment): Step {
  const { target, operator, start: at } = statement
  const value = compileExpression(scope, statement.value)
  if (target.kind === 'variable') {
    const slot = slotOf(scope, target.name)
    const current = { code: (slots: (Value | undefined)[]) => slots[slot] as Value, slot, constant: undefined, at: target.start }
    const { code } = operator === '=' ? value : { code: arithmetic(arithmeticOf(operator), current, value) }
    return (slots, run) => {
      slots[slot] = code(slots, run)
      return proceed
    }
  }
  const argument = inputName(scope, freePath(scope, target))
  if (argument !== null) {
    const slot = slotOf(scope, argument)
    return (slots, run) => {
      const given = value.code(slots, run)
      run.at = at
      slots[slot] = operator === '=' ? given : compute(run, arithmeticOf(operator), slots[slot] ?? null, given)
      return proceed
    }
  }
  const object = codeOf(scope, target.object)
  const { name } = target
  return (slots, run) => {
    const holder = object(slots, run)
    const given = value.code(slots, run)
    run.at = at
    const map = toAssignIn(holder)
    const next = operator === '=' ? given : compute(run, arithmeticOf(operator), fieldOf(run, map, name), given)
    run.meter.itemsOf(map.entries.size + 1)
    run.meter.made(64 + name.length * 2)
    putEntry(map, name, name, next)
    return proceed
  }
}

/** `input.x = v` changes the argument x; null for any other target. */
function inputName(scope: Scope, path: string | null): string | null {
  const name = path === null ? null : (/^input\.(\w+)$/.exec(path)?.[1] ?? null)
  return name !== null && (scope.parameters === null || scope.parameters.has(name)) ? name : null
}

function toAssignIn(holder: Value): KeyValue {
  if (holder === null) throw new Failure('Null value occurred')
  if (typeof holder === 'object' && holder.kind === 'map') return holder
  if (typeof holder === 'object' && holder.kind === 'collection' && holder.content.kind === 'map') return holder.content
  throw new Failure(`${kindNames[kindOf(holder)]} can not be cast to 'MAP'`)
}

function conditional(scope: Scope, statement: If): Step {
  const branches = statement.branches.map(({ condition, body }) => ({
    test: testOf(compileExpression(scope, condition)),
    body: compileBlock(scope, body),
  }))
  const otherwise = statement.otherwise === null ? null : compileBlock(scope, statement.otherwise)
  const [first] = branches
  if (branches.length === 1 && first) {
    const { test, body } = first
    if (otherwise === null) return (slots, run) => (test(slots, run) ? body(slots, run) : proceed)
    return (slots, run) => (test(slots, run) ? body(slots, run) : otherwise(slots, run))
  }
  return (slots, run) => {
    for (const { test, body } of branches) if (test(slots, run)) return body(slots, run)
    return otherwise === null ? proceed : otherwise(slots, run)
  }
}

/** The head counts once per turn (§3.7); the first turn is counted with the statement. */
function forEach(scope: Scope, statement: ForEach): Step {
  const { start: at, index } = statement
  const list = compileExpression(scope, statement.list)
  const slot = slotOf(scope, statement.variable.name)
  const body = compileBlock(scope, statement.body)
  return (slots, run) => {
    const value = list.code(slots, run)
    run.at = list.at
    const elements = elementsOf(run, value)
    for (let turn = 0; turn < elements.length; turn += 1) {
      if (turn > 0) count(run, at)
      slots[slot] = index ? turn : elements[turn]
      const completion = body(slots, run)
      if (completion === broke) break
      if (completion === returned) return completion
    }
    return proceed
  }
}

function attempt(scope: Scope, statement: Try): Step {
  const slot = slotOf(scope, statement.variable.name)
  const body = compileBlock(scope, statement.body)
  const handler = compileBlock(scope, statement.handler)
  return (slots, run): Completion => {
    try {
      return body(slots, run)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'limit' || error.kind === 'cancelled') throw error
      slots[slot] = { kind: 'error', message: error.message, line: error.line || lineOf(run.program, run.at) }
    }
    return handler(slots, run)
  }
}
