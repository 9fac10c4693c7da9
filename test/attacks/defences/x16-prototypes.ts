import type { Attack } from '../attack.ts'

export const x16: Attack = {
  id: 'X16',
  attack: 'Names such as __proto__ and constructor in JSON, forms, queries and names of things.',
  defence: [],
  mutants: [],
}
