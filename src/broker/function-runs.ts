import { Problem } from '../core/problem.ts'
import { atLeast, type Principal } from '../core/principal.ts'
import { findRun, listRuns, type RunFilter, type RunView } from '../storage/function-runs.ts'
import type { Broker } from './broker.ts'
import { getFunction } from './functions.ts'

/** What the log holds, as JSON text with every digit; what was cut is no JSON any more, and a text. */
const jsonText = (text: string): string => {
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** A run as the log shows it; what was too long is cut. */
const present = (row: RunView) => ({
  id: row.id,
  function: `${row.namespace}.${row.name}`,
  revision: row.revision,
  door: row.door,
  status: row.status,
  user: row.user_id === null ? null : { id: row.user_id, name: row.user_name },
  on_behalf_of: row.subject_id === row.user_id ? null : row.subject_id,
  key_id: row.key_id,
  started_at: row.started_at.toISOString(),
  duration_ms: row.duration_ms,
  statements: row.statements,
  calls: row.calls,
  error: row.error === null ? null : { message: row.error, line: row.line ?? 0 },
})

const visibleTo = ({ role, userId }: Principal): string | null => (atLeast(role, 'developer') ? null : userId)

/** What others gave to functions and got from them is none of a program's that was lent a few connections. */
const onlyOfKey = ({ key }: Principal): string | null => (key?.connections ? key.id : null)

export type RunQuery = Omit<RunFilter, 'functionId' | 'visibleTo' | 'keyId'>

/** Runs of one function, or of all; whoever writes no functions sees their own, and a key limited to connections those it made. */
export async function runsOf(
  broker: Broker,
  principal: Principal,
  path: { readonly namespace: string; readonly name: string } | null,
  query: RunQuery,
) {
  await broker.functionLog.flush() // the run somebody just made is among them
  const row = path === null ? null : await getFunction(broker, principal.organizationId, path.namespace, path.name)
  const { data, next_cursor } = await listRuns(broker.db, principal.organizationId, {
    ...query,
    functionId: row?.id ?? null,
    visibleTo: visibleTo(principal),
    keyId: onlyOfKey(principal),
  })
  return { data: data.map(present), next_cursor }
}

/** One run with what it was given and gave, as JSON text: numbers in it may be longer than JavaScript's. @throws Problem run_not_found */
export async function runTextOf(broker: Broker, principal: Principal, id: string): Promise<string> {
  await broker.functionLog.flush()
  const row = await findRun(broker.db, principal.organizationId, id)
  const own = visibleTo(principal)
  const keyId = onlyOfKey(principal)
  if (!row || (own !== null && row.user_id !== own) || (keyId !== null && row.key_id !== keyId)) throw new Problem('run_not_found')
  const rest = { ...present(row), info: row.info === '' ? [] : row.info.split('\n'), output_type: row.output_type }
  const output = row.output === null ? 'null' : jsonText(row.output)
  return `{"arguments":${jsonText(row.arguments)},"output":${output},${JSON.stringify(rest).slice(1)}`
}
