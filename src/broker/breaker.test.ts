import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backOffSeconds, createBreaker, createBreakers, type Admitted, type RefreshOutcome } from './breaker.ts'

const failed: RefreshOutcome = { kind: 'failed', pauseSeconds: null }
const answered: RefreshOutcome = { kind: 'answered' }

function clocked(chance = () => 0) {
  const clock = { ms: 1_000_000 }
  const events: string[] = []
  const breaker = createBreaker({
    monotonic: () => clock.ms,
    chance,
    onOpen: () => events.push('open'),
    onClose: () => events.push('close'),
  })
  const ask = (outcome: RefreshOutcome): boolean => {
    const admission = breaker.admit()
    if (admission.admitted) admission.settle(outcome)
    return admission.admitted
  }
  const times = (count: number, outcome: RefreshOutcome) => Array.from({ length: count }, () => ask(outcome))
  return { clock, events, breaker, ask, times }
}

describe('the breaker of a token endpoint', () => {
  it('opens after five failures in a row, for 30 seconds', () => {
    const { clock, events, breaker, ask, times } = clocked()
    times(4, failed)
    expect(ask(answered), 'four are not five').toBe(true)
    times(5, failed)
    expect(breaker.admit()).toEqual({ admitted: false, retryInSeconds: 30, probing: false })
    clock.ms += 29_999
    expect(ask(answered)).toBe(false)
    expect(events).toEqual(['open'])
    clock.ms += 1
    expect(ask(answered)).toBe(true)
    expect(events).toEqual(['open', 'close'])
    expect(times(3, answered)).toEqual([true, true, true])
  })

  it('opens when half of twenty within 30 seconds failed, however they are mixed', () => {
    const { clock, breaker, ask } = clocked()
    for (let i = 0; i < 18; i++) ask(i % 2 === 0 ? failed : answered)
    expect(breaker.state).toBe('closed')
    clock.ms += 30_000
    for (let i = 0; i < 19; i++) ask(i % 2 === 0 ? failed : answered)
    expect(breaker.state, 'what is older than 30 seconds does not count').toBe('closed')
    ask(failed)
    expect(breaker.state).toBe('open')
  })

  it('sends one to see whether the provider is back, and everybody else waits for it', () => {
    const { clock, breaker, times } = clocked()
    times(5, failed)
    clock.ms += 30_000
    const probe = breaker.admit() as Admitted
    expect(probe.admitted).toBe(true)
    expect(breaker.admit()).toMatchObject({ admitted: false, probing: true })
    probe.settle(failed)
    expect(breaker.admit(), 'another 30 seconds').toMatchObject({ admitted: false, probing: false, retryInSeconds: 30 })
    clock.ms += 30_000
    ;(breaker.admit() as Admitted).settle({ kind: 'unused' })
    const second = breaker.admit()
    expect(second.admitted, 'one that was not asked is no probe').toBe(true)
    clock.ms += 60_000
    expect(breaker.admit().admitted, 'a probe that never comes back does not close the door for ever').toBe(true)
    ;(second as Admitted).settle(answered)
    expect(breaker.state, 'the late one is not the probe any more').toBe('half_open')
  })

  it('does not count answers that come from before it opened', () => {
    const { clock, breaker, times } = clocked()
    const early = [breaker.admit(), breaker.admit()] as Admitted[]
    times(5, failed)
    early[0]?.settle(answered)
    expect(breaker.state).toBe('open')
    clock.ms += 20_000
    early[1]?.settle(failed)
    clock.ms += 10_000
    expect(breaker.state).toBe('half_open')
  })

  it('stays away for as long as a 429 says, at most a quarter of an hour', () => {
    const { clock, breaker, ask } = clocked()
    ask({ kind: 'failed', pauseSeconds: 7 })
    expect(breaker.admit()).toMatchObject({ admitted: false, retryInSeconds: 7 })
    clock.ms += 7_000
    expect(ask({ kind: 'failed', pauseSeconds: 1_000_000 })).toBe(true)
    expect(breaker.admit()).toMatchObject({ retryInSeconds: 900 })
    clock.ms += 900_000
    expect(ask(answered)).toBe(true)
  })

  it('gives out turns one by one when the provider is back, and lets everybody look while it is away', async () => {
    const { clock, breaker, ask, times } = clocked(() => 0)
    const who = { since: 0, endsAt: -Infinity, awaited: () => true }
    const twenty = () => Promise.all(Array.from({ length: 20 }, () => breaker.turn(who, 0)))
    expect(await twenty()).not.toContain(false)
    times(5, failed)
    expect(await twenty(), 'they are told why').not.toContain(false)
    clock.ms += 30_000
    ask(answered)
    expect((await twenty()).filter(Boolean)).toHaveLength(1)
    const waits = breaker.turn(who, 25_000)
    times(5, failed)
    expect(await waits, 'it is away again: who waits is not kept').toBe(true)
    expect(breaker.state).toBe('open')
    clock.ms += 30_000
    ask(answered)
    const last = breaker.admit() as Admitted
    await breaker.turn(who, 0)
    const alsoWaits = breaker.turn(who, 25_000)
    last.settle({ kind: 'failed', pauseSeconds: 60 })
    expect(await alsoWaits, 'it asks for a pause').toBe(true)
    expect(await twenty()).not.toContain(false)
  })

  it('never has two probes out, and admits nobody while open or paused', () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('ask' as const) }),
      fc.record({ do: fc.constant('settle' as const), which: fc.nat(20), as: fc.constantFrom(0, 1, 2, 3) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 50, 999, 10_000, 30_000, 59_000) }),
    )
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 200 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (commands, chances) => {
          const { clock, breaker } = clocked(() => chances.next().value as number)
          const outcomes: RefreshOutcome[] = [answered, failed, { kind: 'failed', pauseSeconds: 5 }, { kind: 'unused' }]
          const out: { admission: Admitted; probe: boolean; at: number }[] = []
          for (const one of commands) {
            if (one.do === 'wait') clock.ms += one.ms
            if (one.do === 'ask') {
              const before = breaker.state
              const admission = breaker.admit()
              if (!admission.admitted) expect(admission.retryInSeconds).toBeGreaterThanOrEqual(1)
              else {
                expect(before).not.toBe('open')
                out.push({ admission, probe: before === 'half_open', at: clock.ms })
              }
              expect(out.filter(each => each.probe && clock.ms - each.at < 60_000).length).toBeLessThanOrEqual(1)
            }
            if (one.do === 'settle') out.splice(one.which, 1)[0]?.admission.settle(outcomes[one.as] ?? answered)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

it('backs off 1, 2, 4 … 300 seconds, each in its upper half', () => {
  expect([0, 1, 2, 3, 8, 9, 50].map(failures => backOffSeconds(failures, 0))).toEqual([0.5, 1, 2, 4, 128, 150, 150])
  expect([0, 8, 9, 1_000_000].map(failures => Math.round(backOffSeconds(failures, 0.999999)))).toEqual([1, 256, 300, 300])
})

describe('the breakers of a process', () => {
  it('are counted while they are open and somebody asks: one of a service that was edited or is not used any more never closes', () => {
    const clock = { ms: 1_000_000 }
    const all = createBreakers(() => clock.ms)
    const named = (name: string) => all.of(name, () => createBreaker({ monotonic: () => clock.ms, chance: () => 0 }))
    const fail = (name: string) => {
      const admission = named(name).admit()
      if (admission.admitted) admission.settle(failed)
    }
    for (let i = 0; i < 5; i++) for (const name of ['edited', 'in use']) fail(name)
    named('works')
    expect(all.open()).toBe(2)
    for (let minute = 0; minute < 10; minute++) {
      clock.ms += 60_000
      fail('in use')
    }
    expect(all.open()).toBe(1)
    clock.ms += 30_000
    const probe = named('in use').admit()
    if (probe.admitted) probe.settle(answered)
    expect(all.open()).toBe(0)
  })
})
