import { sql, type Kysely } from 'kysely'

const statements = [
  // a run has its row from its start on, and says that it is alive; what stops saying so was interrupted
  `alter table function_runs drop constraint function_runs_status_check`,
  `alter table function_runs add constraint function_runs_status_check
     check (status in ('running', 'success', 'failure', 'interrupted', 'missed'))`,
  `alter table function_runs add column alive_at timestamptz`,
  `create index function_runs_running on function_runs (alive_at) where status = 'running'`,
  `create table function_mail_days (
     organization_id text not null references organizations (id) on delete cascade,
     day date not null,
     sent integer not null,
     primary key (organization_id, day))`,
]

export const functionUpkeep = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
