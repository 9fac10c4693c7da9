import type { Attack } from '../attack.ts'

const lists = 'src/storage/connections.ts'
const indexes = 'src/storage/migrations/0009_long_lists.ts'
const test = 'src/storage/connections.test.ts'
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
]
