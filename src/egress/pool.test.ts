import { describe, expect, it } from 'vitest'
import { createPool, type Lane, type Pool, type Waiter } from './pool.ts'

interface Served extends Waiter<object> {
  lane: Lane<object> | null
  turnedAway: string | null
}

const origin = 'https://api.example'

function poolOf(perOrigin: number, queuePerOrigin: number): { pool: Pool<object>; served: string[]; ask(who: string): Served | null } {
  const served: string[] = []
  const pool = createPool<object>({ perOrigin, queuePerOrigin, maxSocketAgeMs: 60_000, open: () => ({}), close: () => {} })
  return {
    pool,
    served,
    ask(organizationId) {
      const waiter: Served = {
        organizationId,
        lane: null,
        turnedAway: null,
        run(lane) {
          waiter.lane = lane
          served.push(organizationId)
        },
        turnAway: why => (waiter.turnedAway = why),
      }
      return pool.acquire(origin, waiter) ? waiter : null
    },
  }
}

describe('calls that wait for one origin', () => {
  it('are served in turns: who came with many does not go before who came with one', () => {
    const { pool, served, ask } = poolOf(1, 10)
    const first = ask('greedy')
    for (let n = 0; n < 4; n++) ask('greedy')
    ask('other')
    ask('third')
    ask('other')
    const lane = first?.lane
    if (!lane) throw new Error('the first was not served')
    for (let n = 0; n < 7; n++) pool.release(lane)
    expect(served).toEqual(['greedy', 'greedy', 'other', 'third', 'greedy', 'other', 'greedy', 'greedy'])
  })

  it('give way in a full queue: the newest of whoever waits most goes, and nobody goes for who waits as much', () => {
    const { pool, ask } = poolOf(1, 4)
    const running = ask('greedy')
    const waiting = [ask('greedy'), ask('greedy'), ask('greedy'), ask('greedy')]
    expect(ask('greedy'), 'one organisation has the queue, and no more').toBeNull()
    expect(ask('other')).not.toBeNull()
    expect(waiting.map(one => one?.turnedAway)).toEqual([null, null, null, 'saturated'])
    expect(ask('other')).not.toBeNull()
    expect(waiting.map(one => one?.turnedAway)).toEqual([null, null, 'saturated', 'saturated'])
    expect(ask('other'), 'two and two').toBeNull()
    expect(ask('third')).not.toBeNull()
    if (running?.lane) pool.release(running.lane)
    expect(pool.drain().waiters).toHaveLength(3)
  })

  it('are no longer there once they were cancelled', () => {
    const { pool, served, ask } = poolOf(1, 2)
    const running = ask('one')
    const waiting = ask('two')
    if (waiting) pool.cancel(origin, waiting)
    expect([ask('three'), ask('three')].map(one => one !== null)).toEqual([true, true])
    if (running?.lane) pool.release(running.lane)
    expect(served).toEqual(['one', 'three'])
  })
})
