import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settings } from '../../src/config.ts'
import { defaultLimits } from '../../src/deluge/limits.ts'
import { readCases } from './cases.ts'

const page = readFileSync(new URL('../../docs/deluge.md', import.meta.url), 'utf8')

/** Cells of the table of limits: what, how much, by which settings. */
const limits = page
  .slice(page.indexOf('\n## Limits'), page.indexOf('\n## What is not available'))
  .split('\n')
  .filter(line => line.startsWith('|'))
  .slice(2)
  .map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )

const mebibyte = 1024 * 1024
const written = (value: number) => value.toLocaleString('en-US').replaceAll(',', ' ')

describe('docs/deluge.md', () => {
  it('has samples that run.test.ts runs, every one with something that it must do', () => {
    const samples = readCases().filter(one => one.file === 'docs/deluge.md')
    expect(samples.length).toBe(page.split('\n```deluge\n').length - 1)
    expect(samples.length).toBeGreaterThan(10)
    const idle = samples.filter(one => one.logged.length + one.findings.length === 0 && one.failure === null && !one.options.has('returns'))
    expect(idle.map(one => one.line)).toEqual([])
  })

  it.each(Object.values(settings).filter(one => one.name.startsWith('FUNCTION_') || one.name.startsWith('INVOKE_MAX_')))(
    'says what the setting $name is when nobody sets it',
    ({ name, fallback }) => {
      const row = limits.find(([, , setting]) => setting?.includes(`\`PATCHBAY_${name}\``))
      expect(row, `a row for PATCHBAY_${name}`).toBeDefined()
      const value = Number(fallback)
      const said = name.endsWith('_SECONDS') ? `${fallback} s` : name.endsWith('_BYTES') ? `${value / mebibyte} MB` : written(value)
      expect(row?.[1]).toBe(said)
    },
  )

  it.each([
    ['functions calling functions', `${defaultLimits.depth} deep`],
    ['characters in a text', written(defaultLimits.text)],
    ['elements in a list or map', written(defaultLimits.items)],
    ['what `info` writes; the rest is left out', `${defaultLimits.info / mebibyte} MB`],
  ])('says the limit of %s', (what, limit) => {
    expect(limits.find(([own]) => own === what)?.[1]).toBe(limit)
  })
})
