import { sql, type Kysely } from 'kysely'

const statements = [
  // what many calls have in common is in their series; those of a moment that ended alike are one row, and there is one index
  `create table invocation_batches (
     id uuid not null,
     organization_id text not null,
     series_id uuid not null,
     first_at timestamptz not null,
     last_at timestamptz not null,
     status integer,
     problem text,
     after_ms integer[] not null,
     duration_ms integer[] not null check (cardinality(duration_ms) = cardinality(after_ms)),
     primary key (organization_id, first_at, id))`,
  // the calls there are: a row of their own each, which is what a quiet hour looks like anyway
  `insert into invocation_batches (id, organization_id, series_id, first_at, last_at, status, problem, after_ms, duration_ms)
     select (left(id::text, 32) || '0000')::uuid, organization_id, series_id, at, at, status, problem, '{0}', array[duration_ms] from invocations
     on conflict do nothing`,
  `drop table invocations`,
]

export const invocationBatches = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
