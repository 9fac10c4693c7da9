import { describe, expect, it } from 'vitest'
import { createTurns, type Asker, type Turns } from './turns.ts'

/** "A/ann" of organisation A. */
const asker = (name: string): Asker => {
  const [organizationId = '', principalId = ''] = name.split('/')
  return { organizationId, principalId }
}

const waiting = (turns: Turns<string>, names: readonly string[]) => names.map(name => turns.wait(asker(name), name))

/** Serves one at a time until nobody waits. */
function served(turns: Turns<string>): string[] {
  const order: string[] = []
  for (let name = turns.next(); name !== undefined; name = turns.next()) {
    order.push(name)
    turns.done(asker(name))
  }
  return order
}

/** Each wait is another one: what waits is told apart by identity. */
function many(turns: Turns<{ readonly name: string }>, name: string, count: number): number {
  let taken = 0
  for (let i = 0; i < count; i++) if (turns.wait(asker(name), { name })) taken += 1
  return taken
}

describe('turns', () => {
  it('go round organisations and, within one, round its people', () => {
    const turns = createTurns<{ readonly name: string }>({ places: 1, waiting: 1000 })
    for (const [name, count] of [
      ['A/ann', 4],
      ['A/bob', 2],
      ['B/cleo', 3],
    ] as const)
      many(turns, name, count)
    const order: string[] = []
    for (let one = turns.next(); one !== undefined; one = turns.next()) {
      order.push(one.name)
      turns.done(asker(one.name))
    }
    expect(order).toEqual(['A/ann', 'B/cleo', 'A/bob', 'B/cleo', 'A/ann', 'B/cleo', 'A/bob', 'A/ann', 'A/ann'])
    expect(turns.waiting).toBe(0)
  })

  it('who has left is passed over, and leaves no trace', () => {
    const turns = createTurns<string>({ places: 1, waiting: 10 })
    waiting(turns, ['A/ann', 'A/bob', 'B/cleo'])
    turns.leave(asker('A/ann'), 'A/ann')
    turns.leave(asker('A/ann'), 'A/ann')
    turns.leave(asker('C/none'), 'C/none')
    expect(served(turns)).toEqual(['A/bob', 'B/cleo'])
    expect(turns.waiting).toBe(0)
  })

  it('one organisation has no more than three quarters of the places, one person in it three quarters of those', () => {
    const turns = createTurns<{ readonly name: string }>({ places: 8, waiting: 1000 })
    const servedNow = () => {
      const names: string[] = []
      for (let one = turns.next(); one !== undefined; one = turns.next()) names.push(one.name)
      return names
    }
    many(turns, 'A/ann', 20)
    expect(servedNow()).toEqual(Array(5).fill('A/ann'))
    many(turns, 'A/bob', 20)
    expect(servedNow()).toEqual(['A/bob'])
    many(turns, 'B/cleo', 20)
    // her organisation's share is six; how many threads are free is not for the turns to know
    expect(servedNow()).toEqual(Array(5).fill('B/cleo'))
    turns.done(asker('A/ann'))
    expect(servedNow()).toEqual(['A/ann'])
    turns.done(asker('A/ann'))
    expect(servedNow()).toEqual(['A/bob'])
  })

  it('and no more than three quarters of the room to wait, so that others still get in', () => {
    const turns = createTurns<{ readonly name: string }>({ places: 1, waiting: 16 })
    expect(many(turns, 'A/ann', 100)).toBe(9)
    expect(many(turns, 'A/bob', 100)).toBe(3)
    expect(many(turns, 'B/cleo', 100)).toBe(4)
    expect(many(turns, 'C/dan', 100)).toBe(0)
    expect(turns.waiting).toBe(16)
  })

  it('a single place and a single room to wait are everybody’s', () => {
    const turns = createTurns<string>({ places: 1, waiting: 1 })
    expect(waiting(turns, ['A/ann', 'A/ann', 'B/cleo'])).toEqual([true, false, false])
    expect(served(turns)).toEqual(['A/ann'])
  })
})
