import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keepPiece } from './pieces.ts'

const kept = (sizes: readonly number[]) => {
  const pieces: Buffer[] = []
  let room: Buffer | null = null
  const sent = sizes.map((size, i) => Buffer.alloc(size, i))
  for (const piece of sent) room = keepPiece(pieces, piece, room)
  return { pieces, sent: Buffer.concat(sent) }
}

it('whatever the pieces of a body, they stay what they were, in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20_000 })), { maxLength: 200 }), sizes => {
      const { pieces, sent } = kept(sizes)
      expect(Buffer.concat(pieces).equals(sent)).toBe(true)
    }),
    { numRuns: 200 },
  )
})

it.each([
  ['single bytes', [1]],
  ['single bytes among larger ones', [2048, 1]],
])('of %s few pieces are made, which hold little more than what came', (_, pattern) => {
  const { pieces, sent } = kept(Array.from({ length: 100_000 / pattern.length }, (__, i) => pattern[i % pattern.length] ?? 1))
  expect(pieces.length).toBeLessThan(sent.length / 1000 + 8)
  const memory = new Set(pieces.map(piece => piece.buffer))
  expect([...memory].reduce((sum, one) => sum + one.byteLength, 0)).toBeLessThan(1.5 * sent.length + 65_536)
})
