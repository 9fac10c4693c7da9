import type { Attribute, TaskCall } from './ast.ts'
import { coerce } from './coerce.ts'
import { codeOf, failing, operandOf } from './compile-expressions.ts'
import type { Operand } from './compile-operators.ts'
import { Failure } from './failure.ts'
import type { Code, Run, Slots } from './program.ts'
import { slotOf, type Scope } from './scope.ts'
import type { AttributeType } from './tasks/define.ts'
import { tasks } from './tasks/index.ts'
import type { Value } from './value.ts'

const spelt = (type: AttributeType, word: string): string | undefined => type.words?.find(one => one.toLowerCase() === word.toLowerCase())

/** `type: GET`: one of the words, bare or quoted; a variable may hold one (§2.1). */
function constantCode(scope: Scope, type: AttributeType, { name, value }: Attribute): Code {
  const written = value.kind === 'variable' ? value.name : value.kind === 'text' || value.kind === 'quoted' ? value.value : null
  const word = written === null ? undefined : spelt(type, written)
  if (word !== undefined) return () => word
  const code = value.kind === 'variable' && !scope.bound.has(value.name) ? () => value.name : codeOf(scope, value)
  return (slots, run) => {
    const given = code(slots, run)
    if (given === null) return null
    const text = coerce(run.context, given, 'text') as string
    const known = type.words === undefined ? text : spelt(type, text)
    if (known === undefined) throw new Failure(`'${name}' is one of ${(type.words ?? []).join(', ')}.`)
    return known
  }
}

/** `connection: mailchimp`: a name that no variable has is itself (CON-6, CON-7). */
function nameCode(scope: Scope, { value }: Attribute): Code {
  if (value.kind !== 'variable' || scope.bound.has(value.name)) return codeOf(scope, value)
  const { name } = value
  if (scope.parameters !== null) return () => name
  const slot = slotOf(scope, name)
  return slots => slots[slot] ?? name
}

interface Given {
  readonly name: string
  readonly type: AttributeType
  readonly code: Code
  readonly at: number
}

function evaluated(run: Run, slots: Slots, { type, code, at }: Given): Value {
  run.at = at
  const value = code(slots, run)
  run.at = at
  if (value === null && type.required !== true) return null
  return coerce(run.context, value, type.type === 'constant' || type.type === 'name' ? 'text' : type.type)
}

export function compileTask(scope: Scope, expression: TaskCall): Operand {
  const { start: at } = expression
  const task = Object.hasOwn(tasks, expression.name.toLowerCase()) ? tasks[expression.name.toLowerCase()] : undefined
  if (!task) return failing(at, `Not able to find '${expression.name}' task`)
  const given: Given[] = []
  for (const attribute of expression.attributes) {
    const name = attribute.name.toLowerCase()
    const type = Object.hasOwn(task.attributes, name) ? task.attributes[name] : undefined
    if (!type) return failing(attribute.start, `${expression.name} has no attribute '${attribute.name}'`)
    const code =
      type.type === 'constant'
        ? constantCode(scope, type, attribute)
        : type.type === 'name'
          ? nameCode(scope, attribute)
          : codeOf(scope, attribute.value)
    given.push({ name, type, code, at: attribute.value.start })
  }
  const missing = Object.entries(task.attributes).find(([name, type]) => type.required === true && !given.some(one => one.name === name))
  if (missing) return failing(at, `${expression.name} needs the attribute '${missing[0]}'`)
  return operandOf((slots, run) => {
    const attributes: Record<string, Value> = {}
    for (const one of given) {
      const value = evaluated(run, slots, one)
      if (value !== null || one.type.type === 'any') attributes[one.name] = value
    }
    run.at = at
    return task.run(run.context, attributes)
  }, at)
}
