import type { FunctionDeclaration, Script, Statement } from './ast.ts'
import { bindingsOf } from './bindings.ts'
import { calleeOf, ownFunctions } from './callee.ts'
import { parse, type ParseOptions } from './parse.ts'
import { expressionsOf, partsOf, visitExpression, visitStatements } from './walk.ts'

/** A function as scripts name it. */
export interface FunctionName {
  readonly namespace: string
  readonly name: string
}

/** Blanks may stand around the dot; a comment between its parts leaves a header as it is. */
const headerName = /^\w+(?:\s*\.\s*\w+)*/

/**
 * A source in which a function has another name: in its header, and in the calls by which it calls itself. Everything else stays as it was
 * written. What cannot be understood is left alone.
 */
export function renamed(source: string, from: FunctionName, to: FunctionName, options: ParseOptions = {}): string {
  const { script } = parse(source, options)
  const isMeant = ({ namespace, name }: FunctionName) =>
    `${namespace}.${name}`.toLowerCase() === `${from.namespace}.${from.name}`.toLowerCase()
  const spans: { readonly start: number; readonly end: number }[] = []
  for (const declaration of script.functions) {
    if (!isMeant(declaration)) continue
    const written = headerName.exec(source.slice(declaration.nameStart, declaration.nameStart + 500))?.[0] ?? ''
    if (written.replace(/\s/g, '').toLowerCase() !== `${from.namespace}.${from.name}`.toLowerCase()) continue
    spans.push({ start: declaration.nameStart, end: declaration.nameStart + written.length })
  }
  for (const [body, declaration] of bodiesOf(script)) {
    const bindings = bindingsOf(body, declaration)
    const own = ownFunctions(script.functions, [from.namespace])
    visitStatements(body, statement => {
      for (const root of expressionsOf(statement))
        visitExpression(root, expression => {
          if (expression.kind !== 'method') return partsOf(expression)
          const callee = calleeOf(expression, bindings, own, (namespace, name) => isMeant({ namespace, name }))
          const called = callee.kind === 'own' ? callee.declaration : callee.kind === 'function' ? callee : null
          if (called === null || !isMeant(called)) return partsOf(expression)
          spans.push({ start: expression.start, end: expression.nameStart + expression.name.length })
          return [...(expression.keys ?? []), ...expression.arguments]
        })
    })
  }
  return spans
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end }) => `${text.slice(0, start)}${to.namespace}.${to.name}${text.slice(end)}`, source)
}

const bodiesOf = ({ functions, body }: Script): readonly (readonly [readonly Statement[], FunctionDeclaration | null])[] => [
  ...functions.map(declaration => [declaration.body, declaration] as const),
  [body, null],
]
