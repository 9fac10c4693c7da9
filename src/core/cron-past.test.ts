import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextAfter, parseCron } from './cron.ts'
import { pastMoments } from './cron-past.ts'

const past = (cron: string, zone: string, after: string, until: string) => {
  const { count, last } = pastMoments(parseCron(cron), zone, new Date(after), new Date(until))
  return [count, last?.toISOString() ?? null]
}

/** The same, one moment after the other. */
function walked(cron: string, zone: string, after: Date, until: Date): (number | string | null)[] {
  const parsed = parseCron(cron)
  let count = 0
  let last: Date | null = null
  for (let at = nextAfter(parsed, zone, after); at !== null && at <= until; at = nextAfter(parsed, zone, at)) {
    count += 1
    last = at
  }
  return [count, last?.toISOString() ?? null]
}

describe('the past of a schedule', () => {
  it.each([
    ['0 9 * * *', 'UTC', '2026-11-01T09:00:00Z', '2026-11-04T09:00:00Z', [3, '2026-11-04T09:00:00.000Z']],
    ['0 9 * * *', 'UTC', '2026-11-01T09:00:00Z', '2026-11-02T08:59:59Z', [0, null]],
    ['*/20 9 * * mon', 'UTC', '2026-11-01T00:00:00Z', '2026-11-30T23:59:00Z', [15, '2026-11-30T09:40:00.000Z']],
    // 02:00 is 03:00 on the day that has no two o'clock: one hour of the day less; the day that has it twice has 24 runs
    ['0 * * * *', 'Europe/Berlin', '2026-03-28T22:59:00Z', '2026-03-29T21:59:00Z', [23, '2026-03-29T21:00:00.000Z']],
    ['0 * * * *', 'Europe/Berlin', '2026-10-24T21:59:00Z', '2026-10-25T22:59:00Z', [24, '2026-10-25T22:00:00.000Z']],
    ['0 0 31 feb *', 'UTC', '2026-11-01T00:00:00Z', '2036-11-01T00:00:00Z', [0, null]],
    ['0 0 29 feb *', 'UTC', '2026-11-01T00:00:00Z', '2036-11-01T00:00:00Z', [3, '2036-02-29T00:00:00.000Z']],
  ])('%s in %s from %s to %s', (cron, zone, after, until, expected) => {
    expect(past(cron, zone, after, until)).toEqual(expected)
  })

  it('is what going from one moment to the next gives, wherever the clocks move', () => {
    const crons = [
      '0 9 * * *',
      '30 2 * * *',
      '0 0 * * *',
      '15,45 0-3 * * *',
      '*/30 * * * *',
      '7 */5 * * mon',
      '59 23 1,15 * *',
      '0 1 * 3,10 *',
    ]
    const zones = ['UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Australia/Lord_Howe', 'Africa/Cairo', 'America/Sao_Paulo', 'America/Havana', 'Asia/Kolkata', 'Africa/Casablanca'] // prettier-ignore
    // the days around which one of these zones moves its clocks, and any
    const moves = ['2018-02-17', '2018-11-04', '2026-03-08', '2026-03-22', '2026-03-29', '2026-04-05', '2026-04-23', '2026-10-04', '2026-10-25', '2026-11-01', '2026-07-01'] // prettier-ignore
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...zones),
        fc.constantFrom(...moves),
        fc.integer({ min: -2 * 1440, max: 1440 }),
        fc.integer({ min: 0, max: 4 * 1440 }),
        (cron, zone, move, minutes, length) => {
          const after = new Date(Date.parse(`${move}T00:00:00Z`) + minutes * 60_000)
          const until = new Date(after.getTime() + length * 60_000)
          const { count, last } = pastMoments(parseCron(cron), zone, after, until)
          expect([count, last?.toISOString() ?? null]).toEqual(walked(cron, zone, after, until))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('of ten years of minutes takes no time', () => {
    const began = process.cpuUsage()
    expect(past('* * * * *', 'Europe/Berlin', '2016-01-01T00:00:00Z', '2026-01-01T00:00:00Z')).toEqual([
      3653 * 1440 - 10 * 60,
      '2026-01-01T00:00:00.000Z',
    ])
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000)
  })
})
