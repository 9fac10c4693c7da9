import type { Attack } from '../attack.ts'

const story = 'test/stories/sealed-secrets.test.ts'
const columns = 'src/storage/sealed-columns.ts'

export const x18: Attack = {
  id: 'X18',
  attack: 'Somebody has the database or a back-up, or swaps what is sealed between rows, columns and organisations.',
  defence: [
    'Secrets are sealed with AES-256-GCM before they reach the database, by a data key of their organisation that is wrapped by a master key, which is in no database and no back-up.',
    'A sealed field opens only in its own cell: organisation, table, row, column, the version of the row and the revision of the service are authenticated with it. Moved, rolled back, altered or cut short it is refused with `integrity_error`, nothing is sent, and the connection says so.',
    'A wrapped data key opens only in its own row. Nonces are random, and each row has a key of its own, so that their bound counts the changes of one row.',
    '`patchbay keys rotate --data` seals everything again by new data keys; a day later, when nothing needs them, the old ones are destroyed. `patchbay keys verify --all` opens everything and names what does not open.',
  ],
  mutants: [
    {
      what: 'the cell is not authenticated',
      file: 'src/vault/envelope.ts',
      find: "encoded(['pb1', place.organizationId, place.table, place.rowId, place.column, place.rowVersion, place.serviceRevision])",
      replace: "encoded(['pb1', place.organizationId])",
      test: story,
      name: '18.2 no sealed field opens in the cell of any other',
    },
    {
      what: 'a field opens in any row of its column, as a common design has it',
      file: 'src/vault/envelope.ts',
      find: "encoded(['pb1', place.organizationId, place.table, place.rowId, place.column, place.rowVersion, place.serviceRevision])",
      replace: "encoded(['pb1', place.organizationId, place.table, place.column])",
      also: [
        {
          file: 'src/vault/envelope.ts',
          find: "encoded(['pb1 row key', place.table, place.rowId])",
          replace: "encoded(['pb1 row key', place.table])",
        },
      ],
      test: story,
      name: '18.2 swapped in the database each is refused where it is used',
    },
    {
      what: 'the tag is not verified',
      file: 'src/vault/primitives.ts',
      find: 'return Buffer.concat([unverified, decipher.final()])',
      replace: 'return Buffer.from(unverified)',
      test: 'src/vault/envelope.test.ts',
      name: 'does not open when any single bit has been flipped',
    },
    {
      what: 'a wrapped data key opens in any row',
      file: 'src/vault/data-key.ts',
      find: "encoded(['pb1 data key', kid, organizationId, masterKeyId])",
      replace: "encoded(['pb1 data key', masterKeyId])",
      test: 'src/vault/keyring.test.ts',
      name: 'a wrapped data key that was copied into another row does not open there',
    },
    {
      what: 'a connection whose credential was altered goes on saying that it is connected',
      file: 'src/broker/stored-credential.ts',
      find: "'reauthorization_required', 'integrity'",
      replace: "'connected', null",
      test: story,
      name: '18.2 swapped in the database each is refused where it is used',
    },
    {
      what: 'a rotation passes a column by',
      file: columns,
      find: "  { table: 'held_grants', column: 'sealed', key: textId, rowVersion: null, serviceRevision: 'service_revision' },\n",
      replace: '',
      test: 'src/storage/sealed-columns.test.ts',
      name: 'every column of bytes is on the list of sealed columns',
    },
  ],
}
