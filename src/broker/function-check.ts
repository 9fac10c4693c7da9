import { mayUse } from '../core/connection.ts'
import type { FunctionSignature, FunctionUses } from '../core/function.ts'
import { invalid, Problem, type FieldError } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { Signature } from '../deluge/check.ts'
import type { Finding } from '../deluge/finding.ts'
import type { Checked, Rename } from '../sandbox/messages.ts'
import { connectionsNamed, findFunctionSettings, functionNames } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { askerOf } from './function-asker.ts'

/** UTF-16 units of one function's source. */
export const longestSource = 1_000_000

/**
 * Everything wrong with a source, in this organisation's dialect. Stores nothing.
 * @param options  `namespace`: where it will be saved; `rename`: the name to give it first, which the answer's `source` has.
 * @throws Problem validation_failed when it is too long
 */
export async function checkSource(
  broker: Broker,
  principal: Principal,
  source: string,
  options: { readonly namespace?: string | undefined; readonly rename?: Rename | undefined } = {},
): Promise<Checked> {
  const { organizationId } = principal
  if (source.length > longestSource)
    throw invalid('source', `A function has ${longestSource} characters at most. Split it into several functions.`)
  const settings = await findFunctionSettings(broker.db, organizationId)
  const known = await functionNames(broker.db, organizationId)
  return broker.sandbox.check(source, { asker: askerOf(principal), precedence: settings?.precedence ?? 'usual', known, ...options })
}

const asField = ({ line, column, endLine, endColumn, message, suggestion }: Finding): FieldError => ({
  path: 'source',
  message,
  line,
  column,
  end_line: endLine,
  end_column: endColumn,
  suggestion,
})

const atLine = (line: number, message: string, suggestion: string | null = null): FieldError => ({
  path: 'source',
  message,
  line,
  column: 1,
  end_line: line,
  end_column: 1,
  suggestion,
})

/** @throws Problem script_invalid with every error */
function assertNoErrors(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new Problem('script_invalid', {}, { errors: errors.slice(0, 200) })
}

/** What is left out of the path fits. */
const isNamed = (
  signature: FunctionSignature,
  {
    namespace = signature.namespace,
    name = signature.name,
  }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
) => `${signature.namespace}.${signature.name}`.toLowerCase() === `${namespace}.${name}`.toLowerCase()

export interface Judged {
  readonly signature: FunctionSignature | null
  readonly uses: FunctionUses
  readonly warnings: readonly FieldError[]
}

/**
 * A source as it may be saved by its author: no errors, and no connection of others that the author may not use. One that does not exist
 * yet is a warning, so that functions can come before their connections.
 */
export async function judged(
  broker: Broker,
  principal: Principal,
  source: string,
  path: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Promise<Judged> {
  const { organizationId, userId } = principal
  const { errors, warnings, signatures, uses } = await checkSource(broker, principal, source, { namespace: path.namespace })
  assertNoErrors(errors.map(asField))
  const names = [...new Set(uses.connections.map(one => one.name))]
  const rows = new Map((await connectionsNamed(broker.db, organizationId, names)).map(row => [row.link_name, row]))
  const signature = signatures.find(one => isNamed(one, path)) ?? signatures[0] ?? null
  const lineOf = (name: string) => uses.connections.find(one => one.name === name)?.line ?? 1
  assertNoErrors(
    names.flatMap(name => {
      const row = rows.get(name)
      return !row || mayUse(row, userId)
        ? []
        : [atLine(lineOf(name), `You may not use the connection ${name}.`, 'Ask its owner to give you access, or name one of your own.')]
    }),
  )
  return {
    signature: signature && storedSignature(signature),
    uses: storedUses(uses),
    warnings: [
      ...warnings.map(asField),
      ...names
        .filter(name => !rows.has(name))
        .map(name => atLine(lineOf(name), `There is no connection ${name.slice(0, 60)} yet.`, 'Create it before the function runs.')),
    ],
  }
}

const storedSignature = ({ namespace, name, returns, parameters }: Signature): FunctionSignature => ({
  namespace,
  name,
  returns,
  parameters: parameters.map(parameter => ({ name: parameter.name, type: parameter.type })),
})

const storedUses = ({ connections, functions }: Checked['uses']): FunctionUses => ({
  connections: [...new Set(connections.map(one => one.name))],
  functions: [...new Set(functions.map(one => `${one.namespace}.${one.name}`.toLowerCase()))],
})

/** A saved function under another name, as it is stored. Its connections are not asked about: they are its author's, who stays. */
export async function checkedForRename(
  broker: Broker,
  principal: Principal,
  before: { readonly namespace: string; readonly name: string; readonly source: string },
  to: { readonly namespace: string; readonly name: string },
): Promise<Judged & { readonly source: string }> {
  const rename = { from: { namespace: before.namespace, name: before.name }, to }
  const { source, errors, warnings, signatures, uses } = await checkSource(broker, principal, before.source, {
    namespace: to.namespace,
    rename,
  })
  assertNoErrors(errors.map(asField))
  const signature = signatures.find(one => isNamed(one, to)) ?? signatures[0] ?? null
  return { source, signature: signature && storedSignature(signature), uses: storedUses(uses), warnings: warnings.map(asField) }
}

/** @throws Problem script_invalid when the header names another function */
export function assertNamed(signature: FunctionSignature | null, namespace: string, name: string): void {
  if (signature === null || isNamed(signature, { namespace, name })) return
  const said = `${signature.namespace}.${signature.name}`
  assertNoErrors([
    atLine(1, `The header names ${said}, but this function is ${namespace}.${name}.`, `Write ${namespace}.${name} in the header.`),
  ])
}
