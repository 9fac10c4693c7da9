import type { FunctionDeclaration, Statement } from './ast.ts'
import { compileBlock } from './compile-statements.ts'
import type { Finding } from './finding.ts'
import type { Surroundings } from './host.ts'
import { parse } from './parse.ts'
import { proceed, type CompiledFunction, type CompiledParameter, type Program } from './program.ts'
import { collectAssigned, slotOf, type Scope } from './scope.ts'

type Draft = { -readonly [Key in keyof CompiledFunction]: CompiledFunction[Key] }

function declare(program: Program, declaration: FunctionDeclaration | null): Draft {
  const { namespace, name } = declaration ?? { namespace: '', name: '' }
  const title = declaration === null ? '' : namespace === '' ? name : `${namespace}.${name}`
  return {
    program,
    namespace,
    name,
    start: declaration?.start ?? 0,
    title,
    returns: declaration?.returns ?? null,
    parameters: [],
    blank: [],
    slots: new Map(),
    inputSlot: -1,
    body: () => proceed,
  }
}

function fill(draft: Draft, surroundings: Surroundings, declaration: FunctionDeclaration | null, body: readonly Statement[]): void {
  const declared = declaration?.parameters ?? []
  const bound = new Set(declared.map(parameter => parameter.name))
  collectAssigned(body, bound)
  const scope: Scope = {
    surroundings,
    functions: draft.program.functions,
    slots: new Map(),
    bound,
    parameters: declaration === null ? null : new Set(declared.map(parameter => parameter.name)),
    inputSlot: -1,
  }
  draft.parameters = declared.map(({ name, type }): CompiledParameter => ({ name, type, slot: slotOf(scope, name) }))
  draft.body = compileBlock(scope, body)
  // a variable that only a branch not taken assigns is null, one that nothing assigns is not defined
  draft.blank = [...scope.slots.keys()].map(name => (bound.has(name) ? null : undefined))
  draft.slots = scope.slots
  draft.inputSlot = scope.inputSlot
}

const tooDeep: Finding = {
  line: 1,
  column: 1,
  endLine: 1,
  endColumn: 1,
  message: 'The script is nested too deeply.',
  suggestion: 'Put the inner parts into variables or functions of their own.',
}

/**
 * Compiles a script into closures, once for as many runs as wanted: nothing of a run is kept in it. What is wrong with the script is in
 * `errors`; `surroundings` say how it is read (precedence, and which quoted texts are dates).
 */
export function compile(source: string, surroundings: Surroundings): Program {
  const { script, errors } = parse(source, { precedence: surroundings.precedence })
  const functions = new Map<string, CompiledFunction>()
  const found: Finding[] = [...errors]
  const program: Program & { main: CompiledFunction } = { source, errors: found, functions, main: undefined as never }
  const drafts = script.functions.map(declaration => ({ declaration, draft: declare(program, declaration) }))
  for (const { declaration, draft } of drafts) {
    const key = `${declaration.namespace}.${declaration.name}`.toLowerCase()
    if (!functions.has(key)) functions.set(key, draft)
  }
  const outside = declare(program, null)
  const [first] = drafts
  program.main = script.body.length === 0 && first ? first.draft : outside
  if (errors.length > 0) return program
  try {
    for (const { declaration, draft } of drafts) fill(draft, surroundings, declaration, declaration.body)
    fill(outside, surroundings, null, script.body)
  } catch (error) {
    // V8's: a chain of calls of ten thousand links is as deep a tree
    if (!(error instanceof RangeError)) throw error
    found.push(tooDeep)
  }
  return program
}
