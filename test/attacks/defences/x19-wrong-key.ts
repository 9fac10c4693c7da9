import type { Attack } from '../attack.ts'

const restart = 'test/stories/restart.test.ts'
const refuses = 'R-3 production refuses a missing, wrong, zero or broken key'

export const x19: Attack = {
  id: 'X19',
  attack: 'The master key is lost or is another one, and a start or a rotation destroys what it cannot open.',
  defence: [
    'The database knows its master key by a check that tells nothing of it. A start with another key, or with none, ends with a sentence and changes nothing; a new key is never made over data.',
    'A key that is not 32 random bytes is refused: zeros, text, a published example, a typing error.',
    'A rotation begins only when every master key that wraps something is there; at any moment of it the database opens with the two keys together, and when nothing is wrapped by the old one, it says so.',
  ],
  mutants: [
    {
      what: 'a start does not compare the key',
      file: 'src/start.ts',
      find: "    if (verdict.kind === 'refused') throw new StartRefused(verdict.sentence)\n",
      replace: '',
      test: restart,
      name: refuses,
    },
    {
      what: 'a new key is made over old data',
      file: 'src/start.ts',
      find: 'allowCreate: !used',
      replace: 'allowCreate: true',
      test: restart,
      name: refuses,
    },
    {
      what: 'a key that can be guessed is taken',
      file: 'src/vault/master-key.ts',
      find: '  if (fault !== undefined) throw',
      replace: '  if (fault === trimmed) throw',
      test: 'src/vault/master-key.test.ts',
      name: 'refuses every key that is not 32 random bytes, and says what to do',
    },
    {
      what: 'a key with a typing error at its end is taken for another one',
      file: 'src/vault/master-key.ts',
      find: "  if (bytes.toString('base64url') !== trimmed",
      replace: "  if (bytes.length === 0 && '' !== trimmed",
      test: 'src/vault/master-key.test.ts',
      name: 'refuses every key that is not 32 random bytes, and says what to do',
    },
    {
      what: 'an instance with another key joins',
      file: 'src/vault/key-check.ts',
      find: "  if (missing.length === 0) return { kind: 'match' }\n",
      replace: "  if (missing.length >= 0) return { kind: 'match' }\n",
      test: 'test/stories/restore.test.ts',
      name: 'X19 a second instance with another master key does not join',
      on: 'postgres',
    },
    {
      what: 'a rotation begins without all master keys',
      file: 'src/vault/rewrap.ts',
      find: '  if (unknown.length > 0)\n',
      replace: '  if (unknown.length > 99)\n',
      test: 'test/stories/key-work.test.ts',
      name: 'a master key that is not here stops both before the first write',
      on: 'postgres',
    },
  ],
}
