import type { Attack } from '../attack.ts'

const secrets = 'test/stories/sealed-secrets.test.ts'
const restore = 'test/stories/restore.test.ts'
const columns = 'src/storage/sealed-columns.ts'
const rotation = 'src/broker/data-key-rotation.ts'
const page = 'what a retired data key seals is found a page at a time and replaced where it is still what was read; only then the key goes'
const online = '3.6 while data keys are rotated no call fails'
const job = 'a data key that a job still needs is kept; one that was interrupted goes on and does not begin again'
const copy = 'a copy at another public URL starts, says whose it is'

/** What must hold when keys are rotated, databases restored, copied and upgraded. */
export const keys: readonly Attack[] = [
  {
    id: 'R30',
    attack: 'Data keys are rotated while calls, renewals and other instances go on, and the process is killed in the middle.',
    defence: [
      'A field is replaced only where the cell still holds what was read; what was written meanwhile is newer and stays.',
      'A rotation that was interrupted goes on where it stopped, within a minute, on any instance. An old data key opens until a day has passed and nothing needs it: no row, no question, no job.',
    ],
    mutants: [
      {
        what: 'a secret that was written meanwhile is overwritten by the older one',
        file: columns,
        find: " where ${sameRow} and ${fieldOf(one)} = decode(v.before, 'hex')`",
        replace: ' where ${sameRow} and v.before is not null`',
        test: 'src/storage/sealed-columns.test.ts',
        name: page,
      },
      {
        what: 'a data key is destroyed while rows need it',
        file: columns,
        find: '!used.has(kid) && ',
        replace: '',
        test: 'src/storage/sealed-columns.test.ts',
        name: page,
      },
      {
        what: 'a data key is destroyed while a held grant needs it to tell the provider',
        file: columns,
        find: '[...fields, ...copies]',
        replace: '[...fields, ...copies.slice(9)]',
        test: secrets,
        name: online,
      },
      {
        what: 'a data key is destroyed while a job needs it',
        file: rotation,
        find: 'destroyRetiredDataKeys(broker.db, retiredForMinutes, used)',
        replace: 'destroyRetiredDataKeys(broker.db, retiredForMinutes, new Set())',
        test: secrets,
        name: job,
      },
      {
        what: 'a data key is destroyed at once, while other instances still seal by it',
        file: rotation,
        find: 'const retiredForMinutes = 24 * 60',
        replace: 'const retiredForMinutes = 0',
        test: secrets,
        name: online,
      },
      {
        what: 'a rotation that was interrupted begins again, with more data keys',
        file: rotation,
        find: '  if (last !== null && last.finished_at === null) {',
        replace: '  if (last !== null && last.finished_at === "") {',
        test: secrets,
        name: job,
      },
      {
        what: 'nothing is sealed again',
        file: rotation,
        find: 'const page = await reseal(broker, column, rows)',
        replace: 'const page = await reseal(broker, column, [])',
        test: secrets,
        name: online,
      },
    ],
  },
  {
    id: 'R31',
    attack: 'A restored database holds refresh tokens that were replaced after the back-up was made.',
    defence: [
      'A restore marks every refresh token with the time of the back-up. The connection says so until its first renewal, and when that is refused the reason is the back-up, not the provider.',
      '`patchbay revocations` writes what was revoked, deleted and removed since a moment; a restore does again what is later than the back-up.',
    ],
    mutants: [
      {
        what: 'a restore brings revoked authorisations, deleted connections, keys and members back',
        file: 'src/restore.ts',
        find: '(await applyRevocation(db, one))',
        replace: 'one.at === ""',
        test: restore,
        name: 'what was revoked, deleted and removed after the back-up is done again',
      },
      {
        what: 'what was deleted before the back-up, and made anew, is deleted again',
        file: 'src/restore.ts',
        find: 'Date.parse(one.at) >= moment.getTime() && ',
        replace: '',
        test: restore,
        name: 'what was revoked, deleted and removed after the back-up is done again',
      },
      {
        what: 'a restore marks nothing',
        file: 'src/restore.ts',
        find: 'refreshTokens = await markRestored(db, moment)',
        replace: 'refreshTokens = 3',
        test: restore,
        name: 'after a restore each refresh token says that it comes from a back-up',
      },
      {
        what: 'the provider is said to have revoked it',
        file: 'src/broker/refresh.ts',
        find: "row.restored_from !== null ? 'restored_backup' : ",
        replace: '',
        test: restore,
        name: 'after a restore each refresh token says that it comes from a back-up',
      },
    ],
  },
  {
    id: 'R32',
    attack: 'A copy of the database is started elsewhere, and its renewals end the authorisations of the original.',
    defence: [
      'The database knows the public URL it belongs to; all loopback addresses count as one. At another one Patchbay starts, but makes no calls through connections, renews nothing, keeps nothing alive, revokes nothing and runs no schedules, until its operator runs `patchbay adopt`.',
    ],
    mutants: [
      {
        what: 'a copy does as it likes',
        file: 'src/broker/deployment.ts',
        find: '      if (foreign !== null) throw mismatch(foreign, own)\n',
        replace: '',
        test: restore,
        name: copy,
      },
      {
        what: 'a copy makes calls',
        file: 'src/broker/invoke.ts',
        find: '      broker.deployment.assertOwn()\n',
        replace: '',
        test: restore,
        name: copy,
      },
      {
        what: 'a copy makes test calls',
        file: 'src/broker/connections.ts',
        find: '  broker.deployment.assertOwn()\n',
        replace: '',
        test: restore,
        name: copy,
      },
      {
        what: 'a copy renews what dies unused',
        file: 'src/broker/upkeep.ts',
        find: '  if (broker.deployment.foreign() !== null) return\n',
        replace: '',
        also: [{ file: 'src/broker/refresh.ts', find: '  broker.deployment.assertOwn()\n', replace: '' }],
        test: restore,
        name: copy,
      },
      {
        what: 'a copy revokes at the provider',
        file: 'src/broker/revoke.ts',
        find: '  broker.deployment.assertOwn()\n',
        replace: '',
        test: restore,
        name: copy,
      },
    ],
  },
  {
    id: 'R33',
    attack: 'A database is newer than the program, or went through migrations that were changed since.',
    defence: [
      'Migrations run in one transaction, one process at a time; what they make outside of it is finished by the next start. A program that does not know all of them refuses to start, and says which; one whose SQL has changed is named in the log.',
    ],
    mutants: [
      {
        what: 'an older program starts on a newer database',
        file: 'src/storage/migrate.ts',
        find: '  if (newer.length > 0) {',
        replace: '  if (newer.length > 99) {',
        test: 'src/storage/migrate.test.ts',
        name: 'a database with a newer schema than the program is refused',
      },
      {
        what: 'a changed migration is not told',
        file: 'src/storage/migration-checksums.ts',
        find: '(await checksumOf(migration)) !== checksum',
        replace: "(await checksumOf(migration)) === ''",
        test: 'src/storage/migrate.test.ts',
        name: 'a migration whose SQL was changed after the database went through it is told',
      },
    ],
  },
]
