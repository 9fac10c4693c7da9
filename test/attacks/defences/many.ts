import type { Attack } from '../attack.ts'

const lists = 'src/storage/connections.ts'
const indexes = 'src/storage/migrations/0009_long_lists.ts'
const test = 'src/storage/connections.test.ts'
const upgrade = 'src/storage/concurrent-indexes.test.ts'
const few = 'a page reads few rows of an organisation that has many, wherever it begins'
const views = 'each view lists what it is for, through every filter, a page at a time and nobody twice'

/** What must hold when there is very much of everything. */
export const many: readonly Attack[] = [
  {
    id: 'R34',
    attack: 'A database holds a million connections, and one organisation hundreds of thousands of them.',
    defence: [
      'A page of a list is found by an index in the order of the list, and is read no further than its end, for everybody: who owns nearly all, who owns few, and who sees only what is shared.',
      'A search looks at the names of one organisation’s connections only, and at nothing beside them.',
      'Sealing everything again by new data keys asks for those of many fields at once, and lets calls have their turn after every few.',
    ],
    mutants: [
      {
        what: 'the whole organisation is read for a page of what somebody may use',
        file: lists,
        find: '  return [own, sql`${beyondOwner} and (${shared} or ${mine})`]',
        replace: '  return [sql`(${own} or ${shared} or ${mine})`]',
        test,
        name: few,
      },
      {
        what: 'the whole organisation is read for a page of one’s own',
        file: indexes,
        find: '(organization_id, owner_id, link_name)',
        replace: '(organization_id)',
        test,
        name: few,
      },
      {
        what: 'the whole organisation is read for the few whose status is asked for',
        file: lists,
        find: " and n.status <> 'connected')`)",
        replace: ' or true)`)',
        test,
        name: few,
      },
      {
        what: 'one’s own are listed as those of others',
        file: lists,
        find: ' and c.owner_id <> ${userId}`',
        replace: '`',
        test,
        name: views,
      },
      {
        what: 'the database compiles what it runs once',
        file: 'src/storage/postgres.ts',
        find: "'-c jit=off'",
        replace: "'-c jit=on'",
        test: 'src/storage/postgres.test.ts',
        name: 'expressions are not compiled, which takes longer than our statements, in whatever schema',
        on: 'postgres',
      },
      {
        what: 'each data key is asked for by itself',
        file: 'src/vault/keyring.ts',
        find: '        if (kid !== undefined && !byKid.has(kid)) kids.add(kid)\n',
        replace: '',
        test: 'src/vault/keyring.test.ts',
        name: 'the data keys of many fields are had by one question',
      },
    ],
  },
  {
    id: 'R38',
    attack: 'A new version starts on a database of a million connections, several instances of it at once, while that of before is in use.',
    defence: [
      'Indexes of tables that calls write to are made outside the transaction of the migrations, while everybody goes on writing. Where that was interrupted the next start makes them.',
      'Who waits for another instance that changes the schema is no transaction that the other one would wait for.',
      'What a newer version announces and this one does not understand makes it forget everything it remembers.',
      'From each schema there was, every row arrives at that of today, and every sealed field opens.',
    ],
    mutants: [
      {
        what: 'instances that start together wait for each other in a circle',
        file: 'src/storage/migrate.ts',
        find: 'pg_try_advisory_lock(${lock}) as got',
        replace: 'pg_advisory_lock(${lock}) is not null as got',
        test: upgrade,
        name: 'while an index is made others write',
        on: 'postgres',
      },
      {
        what: 'writers wait for an index',
        file: 'src/storage/concurrent-indexes.ts',
        find: ' index concurrently ',
        replace: ' index ',
        test: upgrade,
        name: 'while an index is made others write',
        on: 'postgres',
      },
      {
        what: 'an index that was left half-made counts as made',
        file: 'src/storage/concurrent-indexes.ts',
        find: 'i.indisvalid as valid',
        replace: 'true as valid',
        test: upgrade,
        name: 'an index whose making was given up, or whose process died',
        on: 'postgres',
      },
      {
        what: 'a change that only a newer version announces is passed over',
        file: 'src/storage/changes.ts',
        find: 'Object.hasOwn(kinds, change.kind) ? change : null',
        replace: 'change',
        test: 'test/stories/upgrades.test.ts',
        name: 'a notification that only the next version understands',
        on: 'postgres',
      },
      {
        what: 'a migration loses the log',
        file: 'src/storage/migrations/0006_invocation_batches.ts',
        find: ' from invocations\n',
        replace: ' from invocations where false\n',
        test: 'test/stories/upgrades.test.ts',
        name: 'every row is still what it was, every sealed field opens',
        on: 'postgres',
      },
    ],
  },
]
