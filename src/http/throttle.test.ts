import { expect, it } from 'vitest'
import { Problem } from '../core/problem.ts'
import { guessing } from './throttle.ts'

it.each([
  [1, 10],
  [2, 5],
  [4, 3],
  [64, 3],
])('of %d workers each lets its part of the guesses through: %d', async (workers, expected) => {
  const surroundings = { monotonic: () => 0, limits: { workers } }
  const guess = () =>
    guessing(surroundings, 'ada@example.test', '192.0.2.1', () => Promise.reject(new Problem('sign_in_failed'))).catch(
      (error: unknown) => (error as Problem).code,
    )
  let made = 0
  while ((await guess()) === 'sign_in_failed') made++
  expect(made).toBe(expected)
})
