import { describe, expect, it } from 'vitest'
import { folded, indexOfText, lastIndexOfText, placesOf } from './search-text.ts'

describe('searching in a text', () => {
  it('finds in long texts what short ones find', () => {
    const text = `${'ab'.repeat(20_000)}c${'ab'.repeat(20_000)}`
    const part = `${'ab'.repeat(1000)}c${'ab'.repeat(1000)}`
    expect(indexOfText(text, part)).toBe(38_000)
    expect(lastIndexOfText(text, part)).toBe(38_000)
    const many = 'a'.repeat(100_000)
    expect(lastIndexOfText(many, 'a'.repeat(1000))).toBe(99_000)
    expect([...placesOf(many, 'a'.repeat(40_000))]).toEqual([0, 40_000])
  })

  it('takes time linear in the text, whatever is searched', () => {
    const text = 'a'.repeat(2_000_000)
    // time of the processor: a busy machine takes longer by the clock
    const started = process.cpuUsage()
    expect(indexOfText(text, `b${'a'.repeat(1_000_000)}`)).toBe(-1)
    expect(lastIndexOfText(text, `${'a'.repeat(1_000_000)}b`)).toBe(-1)
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(3000)
  })

  it('folds case without moving places', () => {
    expect(folded('ÀİZ')).toBe('àİz')
    expect(folded('İ')).toHaveLength(1)
  })
})
