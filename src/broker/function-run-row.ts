import type { FunctionDoor } from '../core/function.ts'
import type { NewRun } from '../storage/function-runs.ts'
import type { FunctionRow } from '../storage/functions.ts'

export interface RowOf {
  readonly id: string
  readonly function: Pick<FunctionRow, 'organization_id' | 'namespace' | 'name' | 'revision'> & { readonly id: string | null }
  readonly userId: string | null
  readonly door: FunctionDoor
  readonly status: NewRun['status']
  readonly startedAt: Date
  /** JSON text, passwords masked. */
  readonly arguments: string
}

/** A row of the log as it is before anything has come of the run. */
export const runRow = ({ id, function: { organization_id, id: function_id, namespace, name, revision }, ...run }: RowOf): NewRun => ({
  id,
  organization_id,
  function_id,
  namespace,
  name,
  revision,
  user_id: run.userId,
  subject_id: null,
  key_id: null,
  door: run.door,
  status: run.status,
  started_at: run.startedAt,
  duration_ms: 0,
  statements: 0,
  calls: 0,
  arguments: storable(run.arguments),
  info: '',
  output: null,
  output_type: 'void',
  error: null,
  line: null,
})

/** PostgreSQL's text holds no NUL and no lone surrogate. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD')
