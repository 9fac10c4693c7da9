import type { Attack } from '../attack.ts'

export const x22: Attack = {
  id: 'X22',
  attack: 'Names, logos, descriptions and answers from outside carry scripts, formulas or line breaks to pages, files and logs.',
  defence: [],
  mutants: [],
}
