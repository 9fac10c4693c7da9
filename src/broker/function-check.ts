import { mayUse } from '../core/connection.ts'
import type { FunctionSignature, FunctionUses } from '../core/function.ts'
import { invalid, Problem, type FieldError } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { Finding } from '../deluge/finding.ts'
import type { Checked } from '../sandbox/messages.ts'
import { connectionsNamed, findFunctionSettings, functionNames } from '../storage/functions.ts'
import type { Broker } from './broker.ts'

/** UTF-16 units of one function's source. */
export const longestSource = 1_000_000

/** Everything wrong with a source, in this organisation's dialect. Stores nothing. @throws Problem request_too_large */
export async function checkSource(broker: Broker, organizationId: string, source: string): Promise<Checked> {
  if (source.length > longestSource)
    throw invalid('source', `A function has ${longestSource} characters at most. Split it into several functions.`)
  const settings = await findFunctionSettings(broker.db, organizationId)
  const known = await functionNames(broker.db, organizationId)
  return broker.sandbox.check(source, { organizationId, precedence: settings?.precedence ?? 'usual', known })
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
  { organizationId, userId }: Principal,
  source: string,
  path: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Promise<Judged> {
  const { errors, warnings, signatures, uses } = await checkSource(broker, organizationId, source)
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
    signature: signature && {
      namespace: signature.namespace,
      name: signature.name,
      returns: signature.returns,
      parameters: signature.parameters.map(({ name, type }) => ({ name, type })),
    },
    uses: {
      connections: names,
      functions: [...new Set(uses.functions.map(one => `${one.namespace}.${one.name}`.toLowerCase()))],
    },
    warnings: [
      ...warnings.map(asField),
      ...names
        .filter(name => !rows.has(name))
        .map(name => atLine(lineOf(name), `There is no connection ${name.slice(0, 60)} yet.`, 'Create it before the function runs.')),
    ],
  }
}

/** @throws Problem script_invalid when the header names another function */
export function assertNamed(signature: FunctionSignature | null, namespace: string, name: string): void {
  if (signature === null || isNamed(signature, { namespace, name })) return
  const said = `${signature.namespace}.${signature.name}`
  assertNoErrors([
    atLine(1, `The header names ${said}, but this function is ${namespace}.${name}.`, `Write ${namespace}.${name} in the header.`),
  ])
}
