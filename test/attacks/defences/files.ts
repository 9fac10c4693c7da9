import type { Attack } from '../attack.ts'

const unit = 'src/storage/pglite.test.ts'
const story = 'test/stories/full-disk.test.ts'
const full = 'R-1 the disk of the embedded database is full'
const damaged = 'a file that is cut short, missing or scribbled on'
const givesUp = 'a database that gives up is started again, and who listens is told'

/** What must hold when the files of the embedded database cannot be written, or are not what they were. */
export const files: readonly Attack[] = [
  {
    id: 'R39',
    attack: 'The disk of the embedded database is full, fails or may only be read, or a part of a file is gone.',
    defence: [
      'When PostgreSQL gives up its thread ends, so that nothing that was half done is answered as done, and another is started, every three seconds until there is room; what was committed is in its log. Meanwhile all is refused, and calls once the log could not be written for two seconds. A transaction does not go on in another engine, and what was remembered is looked up again.',
      'A start looks at a few rows of each table through its primary key, and refuses with what is wrong and what to do. What could not be written whole is taken away.',
    ],
    mutants: [
      {
        what: 'a database that has given up is asked for ever, and what it left half done counts as done',
        file: 'src/storage/pglite-thread.mjs',
        find: '        if (error?.status !== statementError) die(error)\n',
        replace: '',
        test: unit,
        name: givesUp,
      },
      {
        what: 'the process ends, and does not start again until there is room',
        file: 'src/storage/pglite-lasting.ts',
        find: 'if (!(cause instanceof EngineDied)) return',
        replace: 'return',
        test: unit,
        name: givesUp,
      },
      {
        what: 'what was remembered counts although the news of a change may be lost',
        file: 'src/storage/pglite-lasting.ts',
        find: 'for (const one of subscriptions) one.onLost()',
        replace: '',
        test: unit,
        name: givesUp,
      },
      {
        what: 'a transaction that lost its first half goes on with the second',
        file: 'src/storage/pglite.ts',
        find: 'attempt(() => engine.query(',
        replace: 'attempt(() => engines.current().query(',
        test: unit,
        name: givesUp,
      },
      {
        what: 'a table that lost a part of its file has fewer rows, and nobody is told',
        file: 'src/storage/pglite.ts',
        find: '    await checkTables(session)\n',
        replace: '',
        test: unit,
        name: damaged,
      },
      {
        what: 'the start says only that the database does not answer',
        file: 'src/storage/pglite.ts',
        find: 'throw startRefused(resolve(dataDir), error)',
        replace: 'throw error',
        test: unit,
        name: damaged,
      },
      {
        what: 'what the disk forbids is a fault of ours',
        file: 'src/storage/session.ts',
        find: " || (code === '42501' && diskRefuses.test(error.message))",
        replace: '',
        test: story,
        name: full,
      },
      {
        what: 'the process ends when the disk may only be read',
        file: 'src/storage/pglite-refusal.ts',
        find: '/^EROFS$|Read-only file system/',
        replace: '/^ never/',
        test: story,
        name: full,
      },
      {
        what: 'half a file of the spool is left on the full disk',
        file: 'src/broker/spool.ts',
        find: '    await unlink(path).catch(() => {})\n    throw error\n',
        replace: '    throw error\n',
        test: story,
        name: 'while calls, changes and a renewal go on: refusals, nothing lost and nothing unlogged',
      },
      {
        what: 'each start on a full disk leaves a file',
        file: 'src/storage/directory-lock.ts',
        find: "    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false\n    throw error\n  } finally {\n    rmSync(draft, { force: true })\n  }",
        replace: "    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return rmSync(draft), false\n    throw error\n  }",
        test: story,
        name: full,
      },
    ],
  },
]
