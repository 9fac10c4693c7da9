import { type Call, type Expression, type MethodCall } from './ast.ts'
import { functions } from './builtins/index.ts'
import { pathInApplication } from './callee.ts'
import { callFunction, callNamed } from './calls.ts'
import { coerce } from './coerce.ts'
import { codeOf, operandOf } from './compile-expressions.ts'
import type { Operand } from './compile-operators.ts'
import { callFunctionForm, callMethod, runRow, siteOf } from './dispatch.ts'
import { Failure } from './failure.ts'
import type { Code, Run, Slots } from './program.ts'
import { freePath, slotOf, type Scope } from './scope.ts'
import { integrationTasks } from './tasks/integration/index.ts'
import { keyTextOf } from './text.ts'
import { emptyMap, listOf, openContainer, putEntry, type ElementType, type Value } from './value.ts'
import { systemVariables, variablePrefixes } from './variables.ts'

/** Arguments, evaluated in order. With keys (`insert("k":v)`) they are one map. */
function argumentsOf(scope: Scope, { arguments: given, keys }: Pick<Call, 'arguments' | 'keys'>): Code[] {
  const codes = given.map(one => codeOf(scope, one))
  return keys === null ? codes : [keyed(scope, keys, codes)]
}

function keyed(scope: Scope, keys: readonly Expression[], values: readonly Code[]): Code {
  const keyCodes = keys.map(key => codeOf(scope, key))
  return (slots, run) => {
    const map = emptyMap()
    keyCodes.forEach((keyCode, at) => {
      const key = keyCode(slots, run)
      putEntry(map, key, keyTextOf(run.surroundings, key), (values[at] as Code)(slots, run))
    })
    return map
  }
}

function valuesOf(codes: readonly Code[], slots: Slots, run: Run): Value[] {
  const values: Value[] = []
  for (const code of codes) values.push(code(slots, run))
  return values
}

const elementTypes: ReadonlyMap<string, ElementType> = new Map([
  ['string', 'text'],
  ['text', 'text'],
  ['int', 'number'],
  ['number', 'number'],
  ['float', 'decimal'],
  ['decimal', 'decimal'],
  ['bool', 'boolean'],
  ['boolean', 'boolean'],
  ['date', 'date'],
  ['datetime', 'date'],
])

const isContainer = (value: Value | undefined) =>
  typeof value === 'object' && value !== null && (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection')

/** `Map()`, `List()`, `List:String()`, `Collection(1,2)`, `Collection("k":v)`, `Map({…})` (LEX-13); null for any other name. */
function construct(name: string, hasKeys: boolean): ((run: Run, values: readonly Value[]) => Value) | null {
  const [word, type] = name.toLowerCase().split(':')
  if (word === 'map') {
    return ({ context }, [first]) => (first === undefined ? emptyMap() : coerce(context, first, 'map'))
  }
  if (word === 'list') {
    const of = elementTypes.get(type ?? '') ?? null
    const addAll = siteOf('addAll')
    return ({ context }, values) => {
      const [first] = values
      if (of === null) return values.length === 1 && isContainer(first) ? coerce(context, first ?? null, 'list') : listOf([...values])
      const list = listOf([], of)
      // the list converts what it takes
      if (values.length > 0)
        callMethod(context, addAll, [list, values.length === 1 && isContainer(first) ? (first ?? null) : listOf([...values])])
      return list
    }
  }
  if (word !== 'collection') return null
  return ({ context }, values) => {
    const [first] = values
    if (first === undefined) return { kind: 'collection', content: openContainer() }
    if (hasKeys || (values.length === 1 && isContainer(first))) return coerce(context, first, 'collection')
    return { kind: 'collection', content: listOf([...values]) }
  }
}

export function compileCall(scope: Scope, expression: Call): Operand {
  const { name, start: at } = expression
  const codes = argumentsOf(scope, expression)
  const made = construct(name, expression.keys !== null)
  if (made) {
    return operandOf((slots, run) => {
      const values = valuesOf(codes, slots, run)
      run.at = at
      run.meter.made(96)
      return made(run, values)
    }, at)
  }
  const own = scope.functions.get(`.${name.toLowerCase()}`)
  if (own) {
    return operandOf((slots, run) => {
      const values = valuesOf(codes, slots, run)
      run.at = at
      return callFunction(run, own, values)
    }, at)
  }
  const site = siteOf(name)
  return operandOf((slots, run) => {
    const values = valuesOf(codes, slots, run)
    run.at = at
    return callFunctionForm(run.context, site, values)
  }, at)
}

/** `a.b.f(x)` where nothing in the script is called `a`: a built-in with dots, an integration task, a function of the file or the host. */
function compilePathCall(scope: Scope, expression: MethodCall, path: string): Operand | null {
  const { name, nameStart: at } = expression
  const full = `${path}.${name}`
  const lower = full.toLowerCase()
  const beforeCall = (codes: readonly Code[], call: (run: Run, values: readonly Value[]) => Value) =>
    operandOf((slots, run) => {
      const values = valuesOf(codes, slots, run)
      run.at = at
      return call(run, values)
    }, at)
  const row = functions.get(lower)
  if (row) return beforeCall(argumentsOf(scope, expression), (run, values) => runRow(run.context, row, values))
  const task = integrationTasks.get(lower)
  if (task) {
    return beforeCall(argumentsOf(scope, expression), (run, written) => {
      // behind the connection: whether the login user's own authorisation is used, which the connection says here
      const values = written.length === task.most + 1 && typeof written.at(-1) === 'boolean' ? written.slice(0, -1) : written
      if (values.length >= task.least && values.length <= task.most) return task.run(run.context, values)
      throw new Failure(`Number of Arguments mismatches for the function '${task.name}'`)
    })
  }
  const own = scope.functions.get(lower)
  if (own) return beforeCall(argumentsOf(scope, expression), (run, values) => callFunction(run, own, values))
  if (systemVariables.has(path.toLowerCase()) || path === 'input' || /^input\.\w+$/.test(path)) return null
  if (variablePrefixes.some(prefix => path.toLowerCase().startsWith(prefix))) return null
  const codes = argumentsOf(scope, expression)
  const inApplication = pathInApplication(path)
  if (inApplication !== null) {
    const meant = scope.functions.get(`${inApplication}.${name}`.toLowerCase())
    if (meant) return beforeCall(codes, (run, values) => callFunction(run, meant, values))
    if (/^\w+$/.test(inApplication)) return beforeCall(codes, (run, values) => callNamed(run, inApplication, name, values))
  }
  if (path.includes('.')) {
    return beforeCall(codes, () => {
      throw new Failure(`Not able to find '${full}' function`)
    })
  }
  if (scope.parameters !== null) return beforeCall(codes, (run, values) => callNamed(run, path, name, values))
  // in a script without a header the name may be an argument
  const slot = slotOf(scope, path)
  const site = siteOf(name)
  return operandOf((slots, run) => {
    const receiver = slots[slot]
    const values = valuesOf(codes, slots, run)
    run.at = at
    return receiver === undefined ? callNamed(run, path, name, values) : callMethod(run.context, site, [receiver, ...values])
  }, at)
}

export function compileMethodCall(scope: Scope, expression: MethodCall): Operand {
  const path = freePath(scope, expression.object)
  const elsewhere = path === null ? null : compilePathCall(scope, expression, path)
  if (elsewhere) return elsewhere
  const object = codeOf(scope, expression.object)
  // `insert("k":v)` says that the collection has keys; `insert(aMap)` adds an element, which is a map
  const name = expression.keys !== null && expression.name.toLowerCase() === 'insert' ? 'insertAll' : expression.name
  return operandOf(methodCode(name, expression.nameStart, object, argumentsOf(scope, expression)), expression.nameStart)
}

function methodCode(name: string, at: number, object: Code, codes: readonly Code[]): Code {
  const site = siteOf(name)
  const [first, second] = codes
  if (codes.length === 0) return quick0(name, object, at) ?? ((slots, run) => called(run, at, site, [object(slots, run)]))
  if (codes.length === 1 && first) {
    return quick1(name, object, first, at) ?? ((slots, run) => called(run, at, site, [object(slots, run), first(slots, run)]))
  }
  if (codes.length === 2 && first && second) {
    return (
      quick2(name, object, first, second, at) ??
      ((slots, run) => called(run, at, site, [object(slots, run), first(slots, run), second(slots, run)]))
    )
  }
  return (slots, run) => called(run, at, site, [object(slots, run), ...valuesOf(codes, slots, run)])
}

function called(run: Run, at: number, site: ReturnType<typeof siteOf>, values: readonly [Value, ...Value[]]): Value {
  run.at = at
  return callMethod(run.context, site, values)
}

// The methods that scripts call most (§8), where they have nothing to convert: the rows do the same for everything else.

function quick0(name: string, object: Code, at: number): Code | null {
  const site = siteOf(name)
  switch (name.toLowerCase()) {
    case 'size':
      return (slots, run) => {
        const receiver = object(slots, run)
        if (typeof receiver === 'object' && receiver !== null) {
          if (receiver.kind === 'list') return receiver.items.length
          if (receiver.kind === 'map') return receiver.entries.size
        }
        return called(run, at, site, [receiver])
      }
    default:
      return null
  }
}

function quick1(name: string, object: Code, argument: Code, at: number): Code | null {
  const site = siteOf(name)
  switch (name.toLowerCase()) {
    case 'get':
      return (slots, run) => {
        const receiver = object(slots, run)
        const key = argument(slots, run)
        if (typeof receiver === 'object' && receiver !== null) {
          if (receiver.kind === 'map' && typeof key === 'string') return receiver.entries.get(key) ?? null
          if (receiver.kind === 'list' && typeof key === 'number') {
            const item = receiver.items[key]
            if (item !== undefined) return item
          }
        }
        return called(run, at, site, [receiver, key])
      }
    case 'containkey':
    case 'containskey':
      return (slots, run) => {
        const receiver = object(slots, run)
        const key = argument(slots, run)
        if (typeof receiver === 'object' && receiver?.kind === 'map' && typeof key === 'string') return receiver.entries.has(key)
        return called(run, at, site, [receiver, key])
      }
    case 'add':
      return (slots, run) => {
        const receiver = object(slots, run)
        const item = argument(slots, run)
        if (typeof receiver === 'object' && receiver?.kind === 'list' && receiver.of === null) {
          const { items } = receiver
          run.at = at
          run.meter.itemsOf(items.length + 1)
          run.meter.made(16)
          items.push(item)
          return null
        }
        return called(run, at, site, [receiver, item])
      }
    default:
      return null
  }
}

function quick2(name: string, object: Code, first: Code, second: Code, at: number): Code | null {
  if (name.toLowerCase() !== 'put') return null
  const site = siteOf(name)
  return (slots, run) => {
    const receiver = object(slots, run)
    const key = first(slots, run)
    const value = second(slots, run)
    if (typeof receiver === 'object' && receiver?.kind === 'map' && typeof key === 'string' && receiver.keys === null) {
      run.at = at
      run.meter.itemsOf(receiver.entries.size)
      run.meter.made(64 + key.length * 2)
      receiver.open = false
      receiver.entries.set(key, value)
      return null
    }
    return called(run, at, site, [receiver, key, value])
  }
}
