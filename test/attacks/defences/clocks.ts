import type { Attack } from '../attack.ts'

const stories = 'test/stories/clock.test.ts'
const goesOn = 'tokens, flows, sessions, keys, the log and schedules go on'
const anHourBack = 'an hour back: nothing waits for the hour that comes again'

/** What must hold when a clock is wrong, or is set. */
export const clocks: readonly Attack[] = [
  {
    id: 'R35',
    attack: 'The clock of an instance is wrong or jumps, or that of the database is set back.',
    defence: [
      'All instances go by the database’s clock, which is asked every ten seconds; between, and for all waits, by a clock that never jumps. What is to be done every minute is sent by that clock as well.',
      'How late it is is noted once a minute. When the database’s clock turns out to have been set back, by whatever and also while nothing ran, what was timed by the earlier time is moved with it, once, by one instance.',
    ],
    mutants: [
      {
        what: 'each process goes by its own clock',
        file: 'src/storage/clock.ts',
        find: "if (open.kind === 'pglite') return",
        replace: 'if (open.kind.length > 0) return',
        test: stories,
        name: goesOn,
        on: 'postgres',
      },
      {
        what: 'the lease of a process that was killed lasts as long as the clock was set back',
        file: 'src/storage/set-back.ts',
        find: 'where inflight_since > clock_timestamp()',
        replace: 'where false',
        test: stories,
        name: anHourBack,
      },
      {
        what: 'what is written while the clock’s setting back is settled is moved back as well',
        file: 'src/storage/set-back.ts',
        find: 'where created_at > clock_timestamp()',
        replace: 'where created_at > now()',
        test: 'src/storage/set-back.test.ts',
        name: 'what was written by the earlier time is moved',
        on: 'postgres',
      },
      {
        what: 'a pause between two refreshes lasts as long as the clock was set back',
        file: 'src/storage/set-back.ts',
        find: 'next_attempt_at = next_attempt_at - ${by}, ',
        replace: '',
        test: stories,
        name: anHourBack,
      },
      {
        what: 'a flow that has ended comes to life again',
        file: 'src/storage/set-back.ts',
        find: "'pending_authorizations', ",
        replace: '',
        test: stories,
        name: anHourBack,
      },
      {
        what: 'a job waits for a time that is an hour away again',
        file: 'src/jobs/jobs.ts',
        find: "where state < 'completed' and greatest(",
        replace: 'where false and greatest(',
        test: stories,
        name: anHourBack,
      },
      {
        what: 'a refresh under way counts as failed when the clock of PostgreSQL is set forwards',
        file: 'src/storage/credentials.ts',
        find: ' or lease_until < ${new Date(steadyNow)}::timestamptz)',
        replace: ' or lease_until < now())',
        test: 'test/stories/database-clock.test.ts',
        name: 'an hour forwards during a refresh',
        on: 'postgres',
      },
      {
        what: 'a stream of the log waits for the time when it was opened',
        file: 'src/http/invocation-stream.ts',
        find: 'if (broker.now() < since.getTime())',
        replace: 'if (Number.isNaN(broker.now()))',
        test: stories,
        name: anHourBack,
      },
      {
        what: 'a schedule waits for a day that is twenty years away again',
        file: 'src/broker/set-back.ts',
        find: 'if (seconds > planAgainSeconds) ',
        replace: 'if (seconds < 0) ',
        test: stories,
        name: 'it starts after 2038, and again at the right time',
      },
      {
        what: 'a session of after 2038 goes on until then',
        file: 'src/storage/set-back.ts',
        find: "'sessions', ",
        replace: '',
        test: stories,
        name: 'it starts after 2038, and again at the right time',
      },
    ],
  },
]
