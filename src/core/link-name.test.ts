import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { displayName, linkName, linkNameFor, linkNamePattern } from './link-name.ts'

describe('link names (CON-2)', () => {
  it.each(['a', 'a1', 'a_', 'a__b', 'zoho_crm', 'a'.repeat(50), 'x9_9', 'null', 'constructor', 'true', 'con'])('%s is one', text => {
    expect(linkNamePattern.test(text)).toBe(true)
    expect(linkName.parse(text)).toBe(text)
  })

  it.each([
    ...['', ' ', 'A', 'aB', 'Zoho', '1a', '_a', 'a-b', 'a.b', 'a b', ' a', 'a ', 'a\n', '\na', 'a\nb', 'a\t', 'a\0', 'a'.repeat(51)],
    ...[
      'é',
      'а',
      'ａ',
      'ſ',
      '\u212a',
      'a\u017f',
      'a\u212a',
      'a\u0301',
      'a\u200b',
      '😀',
      'a/b',
      '../a',
      'a%20',
      "a'--",
      'a;drop',
      'a"',
      '__proto__',
    ],
  ])('%j is none', text => {
    expect(linkNamePattern.test(text)).toBe(false)
    expect(linkName.safeParse(text).success).toBe(false)
  })

  it.each([1, true, null, undefined, [], {}, ['a']])('%j is none either', value => {
    expect(linkName.safeParse(value).success).toBe(false)
  })

  it('is what it says, whatever the text', () => {
    const small = 'abcdefghijklmnopqrstuvwxyz'
    const names = fc.constantFrom('__proto__', 'constructor', 'prototype', 'a', '_', '7', 'A', '-', '\n', '\u0130', '\u212a')
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(names, fc.constantFrom(...small)), { maxLength: 60 }).map(all => all.join('')),
    )
    fc.assert(
      fc.property(text, one => {
        const said = one.length > 0 && one.length <= 50 && small.includes(one[0]!) && [...one].every(c => `${small}0123456789_`.includes(c))
        expect(linkName.safeParse(one).success).toBe(said)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is judged at once, however long the text is', () => {
    const started = performance.now()
    expect(linkName.safeParse('a'.repeat(1_000_000)).success).toBe(false)
    expect(performance.now() - started).toBeLessThan(200)
  })
})

describe('display names (CON-1)', () => {
  it('have 50 code points, not 50 units of UTF-16', () => {
    expect(displayName.parse('😀'.repeat(50))).toBe('😀'.repeat(50))
    expect(displayName.safeParse('😀'.repeat(51)).success).toBe(false)
    expect(displayName.safeParse('x'.repeat(51)).success).toBe(false)
  })

  it('are trimmed before they are measured, and composed', () => {
    expect(displayName.parse(`  ${'x'.repeat(50)}  `)).toBe('x'.repeat(50))
    expect(displayName.parse('Cafe\u0301')).toBe('Caf\u00e9')
  })

  it('may be of any script, with an emoji of several parts', () => {
    for (const name of ['Почта', '顧客', 'عميل', '👩‍💻 team', 'a'.repeat(50)]) expect(displayName.parse(name)).toBe(name)
  })

  it.each(['', '   ', 'a\nb', 'a\0b', 'a\u202eb', 'a\u200bb', '\ufeffab\u200e', 'a\u001b[2Jb'])('%j is none', text => {
    expect(displayName.safeParse(text).success).toBe(false)
  })
})

describe('the link name proposed for a name (CON-4)', () => {
  it.each([
    ['Mailchimp', 'mailchimp'],
    ['Zoho CRM', 'zoho_crm'],
    ['  Café -- Crème!! ', 'cafe_creme'],
    ['365 Mail', 'mail'],
    ['_x_', 'x'],
    ['ﬁle', 'file'],
    ['顧客', ''],
    ['', ''],
    ['x'.repeat(80), 'x'.repeat(50)],
  ])('%j → %j', (name, expected) => {
    expect(linkNameFor(name)).toBe(expected)
    if (expected !== '') expect(linkNamePattern.test(linkNameFor(name))).toBe(true)
  })
})
