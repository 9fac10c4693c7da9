import type { Attack } from '../attack.ts'

export const x10: Attack = {
  id: 'X10',
  attack: 'A secret turns up in a log, an error, an answer, a metric or a column.',
  defence: [],
  mutants: [],
}
