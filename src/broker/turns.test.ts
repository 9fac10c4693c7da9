import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurns, type Applicant } from './turns.ts'

/** Time that goes by when it is told to, with the work that was put off. */
function clocked(chance = () => 0) {
  const clock = { ms: 1_000_000 }
  let later: { at: number; work: () => void }[] = []
  const turns = createTurns({
    monotonic: () => clock.ms,
    chance,
    later(ms, work) {
      const one = { at: clock.ms + ms, work }
      later.push(one)
      return () => void (later = later.filter(each => each !== one))
    },
  })
  const happened: { name: string; turn: boolean; at: number }[] = []
  const apply = (name: string, more: Partial<Applicant> = {}, longestMs = 25_000) => {
    const who = { since: clock.ms, endsAt: -Infinity, awaited: () => true, ...more }
    void turns.take(who, longestMs).then(turn => happened.push({ name, turn, at: clock.ms }))
  }
  const settled = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }
  const pass = async (ms: number) => {
    const until = clock.ms + ms
    await settled()
    for (;;) {
      const next = later.reduce<(typeof later)[0] | null>((first, one) => (first && first.at <= one.at ? first : one), null)
      if (!next || next.at > until) break
      later = later.filter(one => one !== next)
      clock.ms = Math.max(clock.ms, next.at)
      next.work()
      await settled()
    }
    clock.ms = until
  }
  const names = () => happened.filter(one => one.turn).map(one => one.name)
  return { clock, turns, apply, pass, happened, names, settled }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
const mostInASecond = (moments: readonly number[]) =>
  Math.max(0, ...moments.map(at => moments.filter(one => one >= at && one < at + 1000).length))

describe('turns of renewals at one token endpoint', () => {
  it('of many who come at once 20 go at once, then 20 a second at most, each after the one before it', async () => {
    const { clock, apply, pass, happened, names } = clocked(() => 0.5)
    const start = clock.ms
    for (const name of numbered(200)) apply(name)
    await pass(0)
    expect(names()).toEqual(numbered(20))
    await pass(12_400)
    expect(names()).toEqual(numbered(200))
    const moments = happened.map(one => one.at)
    expect(mostInASecond(moments)).toBeLessThanOrEqual(20)
    expect(new Set(moments.slice(20)).size, 'none of them together').toBe(180)
    expect((moments.at(-1) ?? 0) - start, 'and no slower than a quarter below it').toBeGreaterThan(10_000)
    await pass(1_000)
    for (const name of numbered(20)) apply(name)
    await pass(0)
    expect(happened, 'a second later the next ones').toHaveLength(220)
  })

  it('after an outage of the provider nobody goes together with another, for ten minutes', async () => {
    const { turns, apply, pass, happened } = clocked(() => 0)
    turns.oneByOne()
    for (const name of numbered(40)) apply(name)
    await pass(1_950)
    const since = happened[0]?.at ?? 0
    expect(happened.map(one => one.at - since)).toEqual(numbered(40).map(i => Number(i) * 50))
    await pass(590_000)
    for (const name of numbered(2)) apply(name)
    await pass(0)
    expect(happened).toHaveLength(41)
    await pass(10_000)
    for (const name of numbered(20)) apply(name)
    await pass(0)
    expect(happened).toHaveLength(62)
  })

  it('callers go before what nobody waits for, the oldest need first; without callers the token that ends first', async () => {
    const { turns, apply, pass, names } = clocked()
    turns.oneByOne()
    apply('the first')
    let wanted = false
    apply('behind, ends late', { awaited: () => false, endsAt: 2_000_000 })
    apply('behind, ends soon', { awaited: () => false, endsAt: 1_100_000 })
    apply('behind, then somebody comes', { awaited: () => wanted, endsAt: 3_000_000, since: 1 })
    apply('new')
    apply('came back', { since: 900_000 })
    apply('came back, from long ago', { since: 800_000 })
    await pass(60)
    wanted = true
    await pass(1_000)
    expect(names()).toEqual([
      'the first',
      'came back, from long ago',
      'behind, then somebody comes',
      'came back',
      'new',
      'behind, ends soon',
      'behind, ends late',
    ])
  })

  it('a queue is as long as its last may wait; in a full one the last gives way, and nobody who goes before it', async () => {
    const { turns, apply, pass, happened, names } = clocked()
    turns.oneByOne()
    apply('at once')
    apply('behind', { awaited: () => false, endsAt: 2_000_000 })
    for (const name of numbered(400)) apply(name)
    await pass(0)
    expect(happened.filter(one => !one.turn).map(one => one.name)).toEqual(['behind'])
    apply('one more')
    apply('who came back', { since: 1 })
    await pass(0)
    expect(happened.filter(one => !one.turn).map(one => one.name)).toEqual(['behind', 'one more', '399'])
    await pass(50)
    expect(names()).toEqual(['at once', 'who came back'])
  })

  it('nobody waits longer than they said, however many go before them', async () => {
    const { turns, clock, apply, pass, happened } = clocked()
    turns.oneByOne()
    apply('at once')
    apply('behind', { awaited: () => false, endsAt: 2_000_000 }, 1_000)
    const start = clock.ms
    for (let i = 0; i < 40; i++) {
      apply(`caller ${i}`)
      await pass(50)
    }
    const behind = happened.find(one => one.name === 'behind')
    expect(behind?.turn).toBe(false)
    expect((behind?.at ?? 0) - start).toBeLessThanOrEqual(1_050)
    apply('who waits for nothing', {}, 0)
    await pass(0)
    expect(happened.at(-1)).toMatchObject({ name: 'who waits for nothing', turn: false })
  })

  it('when nobody is sent any more all who wait are let go', async () => {
    const { turns, apply, pass, happened } = clocked()
    turns.oneByOne()
    for (const name of numbered(10)) apply(name)
    turns.letGo()
    await pass(0)
    expect(happened.map(one => one.turn)).toEqual(numbered(10).map(() => true))
  })

  it('whatever happens: never more than 20 in a second, and everybody hears in time', async () => {
    const step = fc.oneof(
      fc.record({ wait: fc.constantFrom(1, 49, 333, 1_000, 4_000) }),
      fc.record({
        come: fc.integer({ min: 1, max: 60 }),
        awaited: fc.boolean(),
        ago: fc.nat(100_000),
        longest: fc.constantFrom(0, 500, 25_000),
      }),
      fc.record({ outage: fc.constant(true) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        async (steps, chances) => {
          const { clock, turns, apply, pass, happened } = clocked(() => chances.next().value as number)
          const came = new Map<string, number>()
          for (const one of steps) {
            if ('wait' in one) await pass(one.wait)
            else if ('outage' in one) turns.oneByOne()
            else
              for (let i = 0; i < one.come; i++) {
                const name = `${came.size}`
                came.set(name, clock.ms + one.longest)
                apply(name, { since: clock.ms - one.ago, awaited: () => one.awaited, endsAt: clock.ms + one.ago }, one.longest)
              }
          }
          await pass(27_000)
          expect(happened).toHaveLength(came.size)
          expect(mostInASecond(happened.filter(one => one.turn).map(one => one.at))).toBeLessThanOrEqual(20)
          for (const { name, at } of happened) expect(at).toBeLessThanOrEqual((came.get(name) ?? 0) + 1_000)
        },
      ),
      { numRuns: 60 },
    )
  })
})
