import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHeldBytes, uncountedBytes, type HeldBytes, type Hold } from './held-bytes.ts'

const most = 16 * 1024 * 1024
const one = 1024 * 1024

/** A body of one organisation that grows to `length`, of which nobody knows before more than that it is at most `most`. */
function body(bytes: HeldBytes, organizationId: string, length: number, longest = most / 4) {
  const seen = { came: 0, went: false, hold: null as Hold | null }
  const hold = bytes.hold(organizationId, longest, () => (seen.went = true))
  return {
    hold,
    /** Until it is whole or waits. */
    grow(to = length): 'whole' | 'waits' {
      if (hold.waits()) return 'waits'
      for (; seen.came < to; seen.came = Math.min(to, seen.came + uncountedBytes))
        if (seen.came > hold.bytes && !hold.grow(seen.came)) return 'waits'
      return 'whole'
    },
  }
}

describe('bodies that grow', () => {
  it('are counted with what they may grow to next, and in the end with what they are', () => {
    const bytes = createHeldBytes(most)
    const { hold, grow } = body(bytes, 'a', 3 * one)
    expect(grow()).toBe('whole')
    expect(bytes.held()).toBeGreaterThanOrEqual(3 * one)
    hold.settle(one)
    expect(bytes.held()).toBe(one)
    hold.release()
    hold.release()
    expect(bytes.held()).toBe(0)
  })

  it('all end, although none of them could if each held a part: some are promised all that they need', () => {
    const bytes = createHeldBytes(most)
    let open = Array.from({ length: 40 }, (_, i) => body(bytes, i % 2 ? 'a' : 'b', most / 4))
    let highest = 0
    // each comes as far as it may, in turn, as from services that all answer at once
    for (let step = uncountedBytes; open.length > 0; step += uncountedBytes) {
      expect(step).toBeLessThan(1000 * uncountedBytes)
      for (const each of open) {
        each.grow(Math.min(step, most / 4))
        highest = Math.max(highest, bytes.held())
      }
      const whole = open.filter(each => each.grow(Math.min(step, most / 4)) === 'whole' && step >= most / 4)
      for (const each of whole) each.hold.release()
      open = open.filter(each => !whole.includes(each))
    }
    expect(highest).toBeLessThanOrEqual(most)
    expect([bytes.held(), bytes.waiting()]).toEqual([0, 0])
  })

  it('that are furthest along go first, whoever was there first', () => {
    const bytes = createHeldBytes(most)
    const small = body(bytes, 'a', 8 * one, 8 * one)
    const large = body(bytes, 'a', 8 * one, 8 * one)
    const other = bytes.hold('b', 12 * one, () => {})
    expect([small.grow(one), large.grow(2 * one)]).toEqual(['whole', 'whole'])
    expect(other.reach(12 * one)).toBe(true)
    expect([small.grow(), large.grow()]).toEqual(['waits', 'waits'])
    other.release()
    expect([small.hold.waits(), large.hold.waits()]).toEqual([true, false])
  })

  it('are not held up by promises while there is room to grow in', () => {
    const bytes = createHeldBytes(most)
    const full = body(bytes, 'a', 2 * one, 8 * one)
    const many = Array.from({ length: 8 }, () => body(bytes, 'a', one, 8 * one))
    full.grow()
    for (const each of many) each.grow()
    expect(bytes.waiting()).toBeGreaterThan(3)
    full.hold.release()
    for (const each of many.slice(0, 5)) each.hold.release()
    expect(bytes.waiting()).toBe(0)
    expect(bytes.held()).toBeLessThanOrEqual(most * (3 / 4))
  })
})

it('one organisation leaves room for the others, also for those who come later', () => {
  const bytes = createHeldBytes(most)
  const greedy = Array.from({ length: 30 }, () => body(bytes, 'greedy', one, one))
  for (const each of greedy) each.grow()
  expect(bytes.waiting()).toBeGreaterThan(0)
  expect(bytes.held()).toBeLessThanOrEqual((most * 3) / 4)
  const other = body(bytes, 'other', one, one)
  other.grow()
  expect(other.hold.waits()).toBe(false)
  // and it is told from one that nobody waits for
  expect([greedy[0]?.hold.inTheWay(), other.hold.inTheWay()]).toEqual([true, false])
})

it('a body that is larger than everything is read alone', () => {
  const bytes = createHeldBytes(one)
  const first = body(bytes, 'a', 2 * one, 2 * one)
  const second = body(bytes, 'b', 2 * one, 2 * one)
  expect(first.grow()).toBe('whole')
  expect(second.grow()).toBe('waits')
  first.hold.release()
  expect(second.grow()).toBe('whole')
})

it('who waits is called, later, and not when it was given up meanwhile', async () => {
  const bytes = createHeldBytes(one)
  const first = bytes.hold('a', one, () => {})
  const called: string[] = []
  const waiting = ['b', 'c'].map(name => bytes.hold(name, one / 2, () => called.push(name)))
  expect(first.reach(one)).toBe(true)
  for (const each of waiting) expect(each.reach(one / 2)).toBe(false)
  first.release()
  expect(called).toEqual([])
  waiting[0]?.release()
  await Promise.resolve()
  expect(called).toEqual(['c'])
})

it('whatever happens, no more is held than there is but for one body, each organisation has its share, and nobody waits for ever', async () => {
  const event = fc.record({
    body: fc.nat(29),
    organization: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
    longest: fc.integer({ min: 1, max: 24 }),
    does: fc.constantFrom('grow', 'grow', 'grow', 'settle', 'release'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 300 }), async events => {
      const bytes = createHeldBytes(16 * one)
      const open = new Map<number, { hold: Hold; longest: number; organization: string }>()
      const longestOfAll = Math.max(0, ...events.map(each => each.longest)) * one
      for (const { body: id, organization, longest, does } of events) {
        let known = open.get(id)
        if (!known)
          open.set(id, (known = { hold: bytes.hold(organization, longest * one, () => {}), longest: longest * one, organization }))
        if (does === 'release') {
          known.hold.release()
          open.delete(id)
        } else if (known.hold.waits()) continue
        else if (does === 'settle') known.hold.settle(Math.min(known.hold.bytes, one))
        else known.hold.grow(Math.min(known.longest, known.hold.bytes + one))
        expect(bytes.held()).toBe([...open.values()].reduce((sum, each) => sum + each.hold.bytes, 0))
        expect(bytes.held()).toBeLessThanOrEqual(16 * one + longestOfAll)
      }
      // who need not wait comes to an end; then everybody must
      for (let rounds = 0; open.size > 0; rounds++) {
        expect(rounds).toBeLessThan(1000)
        const free = [...open].filter(([, { hold, longest }]) => !hold.waits() && hold.grow(longest))
        for (const [id, { hold }] of free) {
          hold.release()
          open.delete(id)
        }
        await Promise.resolve()
      }
      expect([bytes.held(), bytes.waiting()]).toEqual([0, 0])
    }),
    { numRuns: 300 },
  )
})
