import { describe, expect, it } from 'vitest'
import { nextAfter, parseCron } from './cron.ts'

const next = (cron: string, after: string, zone = 'UTC') => nextAfter(parseCron(cron), zone, new Date(after))?.toISOString() ?? null

describe('cron', () => {
  it.each([
    ['* * * * *', '2026-11-22T05:46:21Z', '2026-11-22T05:47:00.000Z'],
    ['*/15 * * * *', '2026-11-22T05:46:00Z', '2026-11-22T06:00:00.000Z'],
    ['5/20 * * * *', '2026-11-22T05:46:00Z', '2026-11-22T06:05:00.000Z'],
    ['0 9 * * mon-fri', '2026-11-20T09:00:00Z', '2026-11-23T09:00:00.000Z'],
    ['0 9 * * 7', '2026-11-20T09:00:00Z', '2026-11-22T09:00:00.000Z'],
    ['30 8 1 * *', '2026-11-22T00:00:00Z', '2026-12-01T08:30:00.000Z'],
    ['0 0 13 * fri', '2026-11-01T00:00:00Z', '2026-11-06T00:00:00.000Z'],
    ['0 0 29 feb *', '2026-11-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['@daily', '2026-12-31T12:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 10,14-16/2 * * *', '2026-11-22T10:00:00Z', '2026-11-22T14:00:00.000Z'],
  ])('%s after %s is %s', (cron, after, expected) => {
    expect(next(cron, after)).toBe(expected)
  })

  it('reads the clock of its zone, over the changes of it', () => {
    expect(next('0 9 * * *', '2026-11-22T05:00:00Z', 'America/Los_Angeles')).toBe('2026-11-22T17:00:00.000Z')
    expect(next('0 9 * * *', '2026-06-22T05:00:00Z', 'America/Los_Angeles')).toBe('2026-06-22T16:00:00.000Z')
    // 02:30 does not exist on 2026-03-29 in Berlin, and comes twice on 2026-10-25
    expect(next('30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z')
    expect(next('30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z')
    expect(next('30 2 * * *', '2026-10-25T00:30:00Z', 'Europe/Berlin')).toBe('2026-10-26T01:30:00.000Z')
  })

  it.each([
    // midnight does not exist on these days: the day has its run all the same
    ['0 0 * * *', '2018-11-03T12:00:00Z', 'America/Sao_Paulo', ['2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z']],
    ['0 0 * * *', '2026-04-23T12:00:00Z', 'Africa/Cairo', ['2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z']],
    // half an hour is skipped, so that 02:15 is at 02:45, after 02:40
    ['15,40 2 * * *', '2026-10-03T15:00:00Z', 'Australia/Lord_Howe', ['2026-10-03T15:40:00.000Z', '2026-10-03T15:45:00.000Z']],
    ['15 2 * * *', '2026-10-03T12:00:00Z', 'Australia/Lord_Howe', ['2026-10-03T15:45:00.000Z', '2026-10-04T15:15:00.000Z']],
    // and comes twice
    ['30 1 * * *', '2026-04-04T12:00:00Z', 'Australia/Lord_Howe', ['2026-04-04T14:30:00.000Z', '2026-04-05T15:00:00.000Z']],
    ['*/30 * * * *', '2026-10-25T00:00:00Z', 'Europe/Berlin', ['2026-10-25T00:30:00.000Z', '2026-10-25T02:00:00.000Z']],
  ])('%s after %s in %s, where the clocks move', (cron, after, zone, expected) => {
    const first = next(cron, after, zone)
    expect([first, next(cron, first ?? after, zone)]).toEqual(expected)
  })

  it('knows days that never come', () => {
    expect(next('0 0 31 feb *', '2026-11-22T00:00:00Z')).toBeNull()
  })

  it.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    'a * * * *',
    '1-2-3 * * * *',
  ])('refuses %j with a sentence', cron => {
    expect(() => parseCron(cron)).toThrow(/\.$/)
  })
})
