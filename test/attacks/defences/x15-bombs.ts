import type { Attack } from '../attack.ts'

export const x15: Attack = {
  id: 'X15',
  attack: 'Input or answers that cost more than they weigh: packed bombs, deep JSON, huge numbers, patterns that backtrack, endless pages.',
  defence: [],
  mutants: [],
}
