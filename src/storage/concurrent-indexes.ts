import { sql, type Migration } from 'kysely'
import type { Executor, OpenDatabase } from './database.ts'

/** A step of the schema, in two parts. */
export interface SchemaMigration extends Migration {
  /**
   * After `up`, and outside its transaction: `create [unique] index <name> on …` and `drop index <name>`, in this order. Indexes of tables
   * that calls write to belong here: PostgreSQL makes them while everybody goes on writing. No `up` may need them.
   */
  readonly indexes?: readonly string[]
}

interface Step {
  readonly statement: string
  /** Whether there is such an index when all migrations have run. */
  readonly there: boolean
}

/** By name of the index. What a later migration says of one counts. */
const stepsOf = (known: Readonly<Record<string, SchemaMigration>>): Map<string, Step> => {
  const steps = new Map<string, Step>()
  for (const name of Object.keys(known).sort())
    for (const statement of known[name]?.indexes ?? []) {
      const [, verb, index] = /^(create|create unique|drop) index (\w+)/.exec(statement) ?? []
      if (index === undefined) throw new Error(`Migration ${name}: "${statement}" neither makes an index nor drops one.`)
      steps.delete(index)
      steps.set(index, { statement, there: verb !== 'drop' })
    }
  return steps
}

/**
 * Makes and drops indexes until they are as the migrations say; does nothing where they are. What was left half-made, by a process that was
 * killed or a wait that was given up, is dropped and made again. Not in a transaction, and by one process at a time.
 *
 * @param db one session. On PostgreSQL it waits, for as long as its `lock_timeout`, for every transaction of the database that is older.
 */
export async function settleIndexes(
  db: Executor,
  { kind, schema }: Pick<OpenDatabase, 'kind' | 'schema'>,
  known: Readonly<Record<string, SchemaMigration>>,
): Promise<void> {
  const steps = stepsOf(known)
  if (steps.size === 0) return
  const { rows } = await sql<{ name: string; valid: boolean }>`
    select c.relname as name, i.indisvalid as valid
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = any(${[...steps.keys()]}::text[])`.execute(db)
  const valid = new Map(rows.map(row => [row.name, row.valid]))
  const run = (statement: string) =>
    sql.raw(kind === 'postgres' ? statement.replace(' index ', ' index concurrently ') : statement).execute(db)
  for (const [name, { statement, there }] of steps) {
    if (valid.has(name) && !(there && valid.get(name))) await run(`drop index "${name}"`)
    if (there && !valid.get(name)) await run(statement)
  }
}
