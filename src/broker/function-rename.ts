import { functionName, functionNamespace } from '../core/function.ts'
import { invalid, Problem } from '../core/problem.ts'
import { findFunction, insertVersion, lockFunction, updateFunction } from '../storage/functions.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { assertNamed, checkedForRename } from './function-check.ts'
import { assertMayWrite, callersOf, getFunction, type Saved } from './functions.ts'

export interface FunctionPatch {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
}

/**
 * Another name or description. The header and the calls of itself are rewritten and kept as a version; its author stays who they are, since
 * what it does is what it did. Whoever calls it by the old name is named in the refusal, and fails from then on with `force`.
 * @param revision  What the caller read; null to change whatever is there.
 * @throws Problem function_in_use with the callers, function_name_taken, script_invalid, precondition_failed, function_not_found, forbidden
 */
export async function patchFunction(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  given: FunctionPatch,
  { revision, force }: { readonly revision: number | null; readonly force: boolean },
): Promise<Saved> {
  const { principal } = by
  const { organizationId, userId } = principal
  assertMayWrite(principal)
  const before = await getFunction(broker, organizationId, path.namespace, path.name)
  const to = { namespace: given.namespace ?? before.namespace, name: given.name ?? before.name }
  const wrong = functionNamespace.safeParse(to.namespace).error?.issues[0]
  if (wrong) throw invalid('namespace', wrong.message)
  const wrongName = functionName.safeParse(to.name).error?.issues[0]
  if (wrongName) throw invalid('name', wrongName.message)
  const from = `${before.namespace}.${before.name}`
  const next = `${to.namespace}.${to.name}`
  const isSame = from === next
  const checked = isSame ? null : await checkedForRename(broker, principal, before, to)
  if (checked) assertNamed(checked.signature, to.namespace, to.name)
  await change(broker, by, async (trx, traces) => {
    const now = await lockFunction(trx, organizationId, before.id)
    if (!now) throw new Problem('function_not_found')
    if (now.revision !== (revision ?? before.revision)) throw new Problem('precondition_failed', { revision: now.revision })
    const described = { description: given.description ?? now.description }
    if (checked === null) {
      await updateFunction(trx, organizationId, now.id, described)
      traces.audit('function.described', `function:${from}`)
      return
    }
    const other = await findFunction(trx, organizationId, to.namespace, to.name)
    if (other && other.id !== now.id) throw new Problem('function_name_taken', { function: next })
    const callers = await callersOf(trx, organizationId, now)
    if (callers.length > 0 && from.toLowerCase() !== next.toLowerCase() && !force)
      throw new Problem('function_in_use', {
        functions: callers,
        detail: `Functions call this one as ${from}: ${callers.slice(0, 5).join(', ')}${callers.length > 5 ? ' …' : ''}. Change them afterwards, and rename it with "force".`,
      })
    await updateFunction(trx, organizationId, now.id, {
      ...to,
      ...described,
      source: checked.source,
      signature: JSON.stringify(checked.signature),
      uses: JSON.stringify(checked.uses),
      revision: now.revision + 1,
    })
    await insertVersion(trx, {
      function_id: now.id,
      revision: now.revision + 1,
      source: checked.source,
      author_id: userId,
      note: `Renamed from ${from}.`,
    })
    traces.audit('function.renamed', `function:${next}`, { from, callers })
  })
  return { row: await getFunction(broker, organizationId, to.namespace, to.name), created: false, warnings: checked?.warnings ?? [] }
}
