import { describe, expect, it } from 'vitest'
import { cronWords, nextRuns, parseCron } from './cron.ts'

describe('what a schedule means, in words and times', () => {
  it.each([
    ['0 9 * * mon-fri', 'At 09:00 on Monday to Friday.'],
    ['*/15 * * * *', 'Every 15 minutes.'],
    ['* * * * *', 'Every minute.'],
    ['30 * * * *', 'Every hour at minute 30.'],
    ['0 6,18 * * *', 'At 06:00 and 18:00 every day.'],
    ['0 0 1 * *', 'At 00:00 on the 1. of the month.'],
    ['0 12 * jan,jul 0', 'At 12:00 on Sunday, in January and July.'],
    ['@daily', 'At 00:00 every day.'],
  ])('%s', (text, words) => {
    expect(cronWords(parseCron(text))).toBe(words)
  })

  it.each([
    ['61 * * * *', '“61” is no minute: it is from 0 to 59.'],
    ['* * * * someday', '“someday” is no day of week: it is from 0 to 7.'],
    ['* * *', 'A schedule has five fields: minute, hour, day of month, month, day of week.'],
    ['*/0 * * * *', '“*/0”: a step is a number from 1 to 99.'],
  ])('%s is refused with a sentence', (text, sentence) => {
    expect(() => parseCron(text)).toThrow(sentence)
  })

  it('names the next times in a zone, on both sides of a change of the clocks', () => {
    const runs = nextRuns(parseCron('0 9 * * *'), 'Europe/Berlin', Date.parse('2026-10-24T00:00:00Z'), 3)
    expect(runs.map(at => at.toISOString())).toEqual(['2026-10-24T07:00:00.000Z', '2026-10-25T08:00:00.000Z', '2026-10-26T08:00:00.000Z'])
  })

  it('takes either day when both are restricted, and gives none for a day that does not come', () => {
    const runs = nextRuns(parseCron('0 0 13 * fri'), 'UTC', Date.parse('2026-11-10T00:00:00Z'), 2)
    expect(runs.map(at => at.toISOString().slice(0, 10))).toEqual(['2026-11-13', '2026-11-20'])
    expect(nextRuns(parseCron('0 0 31 2 *'), 'UTC', 0, 1)).toEqual([])
  })
})
