import { describe, expect, it } from 'vitest'
import { Failure } from './failure.ts'
import { defaultLimits, meterOf, type Limits } from './limits.ts'
import { regexOf, replaceText } from './regex.ts'

const meter = (limits: Partial<Limits> = {}) =>
  meterOf(
    { ...defaultLimits, ...limits },
    () => performance.now(),
    () => false,
    () => 0,
  )
const replaced = (text: string, pattern: string, replacement: string) => regexOf(pattern).replace(text, replacement, true, meter())

describe('a regular expression of the language (§3.9 matches, replaceAll)', () => {
  it.each([
    ['a1b22', '([a-z])(\\d+)', '$2$1', '1a22b'],
    ['x.y.z', '\\.', '$', 'x$y$z'],
    ['ab', '(?<n>a)', '[${n}]', '[a]b'],
    ['ab', 'a', '\\$1', '$1b'],
    ['abc', '', '-', '-a-b-c-'],
    ['a12', '(a)', '$12', 'a212'],
    ['tel: 12', '\\p{Alpha}+', 'x', 'x: 12'],
    ['é!', '\\p{L}|\\p{Punct}', 'x', 'xx'],
    ['a\nb', '(?m)^', '> ', '> a\n> b'],
    ['a\nb', 'a.b', 'x', 'a\nb'],
    ['a\nb', '(?s)a.b', 'x', 'x'],
    ['AbC', '(?i)b', 'x', 'AxC'],
    ['AbB', '(?i:b)B', 'x', 'Ax'],
    ['a.b*c', '\\Q.b*\\E', '-', 'a-c'],
    ['abc', '[a[bc]]', 'x', 'xxx'],
    ['ab12', '[^\\W\\d]', '_', '__12'],
    ['a b', '(?x) a \\s b # with a comment', 'x', 'x'],
    ['a{b}', '{', '', 'ab}'],
    ['\u000b', '\\s', 'x', 'x'],
    ['😀a😀', '.', 'e', 'eee'],
    ['😀a', '\\x{1F600}', 'e', 'ea'],
    ['a\r\nb', '\\R', '|', 'a|b'],
    ['aλ1', '\\p{IsGreek}', 'x', 'ax1'],
    ['aλ1', '(\\p{IsGreek})', 'x', 'ax1'],
    ['aλ1', '(?=.)\\p{IsGreek}', 'x', 'ax1'],
    ['a'.repeat(30_001), 'a{30000}', '', 'a'],
  ])('replaces in %j by %s with %j', (text, pattern, replacement, expected) => {
    expect(replaced(text, pattern, replacement)).toBe(expected)
  })

  it.each([
    ['1234567.891', '(?<!\\.\\d)(?<=\\d)(?=(?:\\d\\d\\d)+\\b)', ',', '1,234,567.891'],
    ['1234567.89', '(\\d)(?=(\\d{3})+\\.)', '$1,', '1,234,567.89'],
    ['aabbc', '(.)\\1', '<$1>', '<a><b>c'],
    ['abab', '(?<x>ab)\\k<x>', '-', '-'],
    ['aAb', '(?i)(a)\\1', '-', '-b'],
    ['abc', '[a-z&&[^b]]', 'x', 'xbx'],
    ['abc', '[a-z&&b-c]', 'x', 'axx'],
    ['aab', 'a++b', 'x', 'x'],
    ['aaa', 'a++a', 'x', 'aaa'],
    ['abcbc', 'a(?>bc|b)c', 'x', 'abcbc'],
    ['foobar', 'foo(?!bar)', 'x', 'foobar'],
    ['😀a😀', '(?=.)', '.', '.😀.a.😀'],
    ['a-b', '(?=-)(-)|(b)', '[$1$2]', 'a[-][b]'],
    ['aXbX', '(?=.)([^X]*?)X', '$1', 'ab'],
    ['x\n', '(?=.)x$', 'y', 'y\n'],
  ])('has what RE2 has not: %j by %s', (text, pattern, replacement, expected) => {
    expect(replaced(text, pattern, replacement)).toBe(expected)
  })

  it('matches a whole text only', () => {
    expect(regexOf('[A-Z]{2}[0-9]{6}[A-Z]').matches('ID004500F', meter())).toBe(true)
    expect(regexOf('[0-9]+').matches('12a', meter())).toBe(false)
    expect(regexOf('a|ab').matches('ab', meter())).toBe(true)
    expect(regexOf('(?=a)(?:a|ab)').matches('ab', meter())).toBe(true)
    expect(regexOf('ID', true).matches('id', meter())).toBe(true)
  })

  it.each([
    ['(', 'has a "(" without ")" at character 2'],
    ['a)', 'has a ")" without "(" at character 2'],
    ['[a', 'has a "[" without "]"'],
    ['*a', 'has a "*" with nothing to repeat at character 1'],
    ['a\\', 'ends with a single backslash'],
    ['\\y', 'an escape that is not known, \\y,'],
    ['[z-a]', 'a range in brackets whose end is before its start'],
    ['a{3,1}', 'a repetition whose end is before its start'],
    ['\\1', 'refers to group 1'],
    ['\\p{Nonsense}', 'a character class that is not known, "Nonsense",'],
    ['(?q)a', 'an unknown flag "q"'],
    ['(?:a|b){2000}', 'repeats something more than 1000 times'],
    ['('.repeat(300) + ')'.repeat(300), 'is nested too deeply'],
    ['a'.repeat(20_000), '10000 characters at most'],
  ])('says what is wrong with %.20s', (pattern, message) => {
    expect(() => regexOf(pattern)).toThrow(Failure)
    expect(() => regexOf(pattern)).toThrow(message)
  })

  it('survives any pattern, and backtracks as JavaScript does', () => {
    let seed = 11
    const below = (count: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * count)
    }
    const pick = (from: readonly string[]) => from[below(from.length)] ?? ''
    const garbage = [...'ab()[]{}*+?|\\^$.&-<>=!:ipPdQExu0123,#k \n😀']
    const items = ['a', 'b', '.', '[ab]', '[^a]', '\\d', '\\W', '(a)', '(?:b|1)', '(?=a)', '(?!b)', '(?<=a)', '\\b', '😀']
    const texts = ['', 'a', 'ab1', 'baab', 'a😀b', '1 a', '😀😀']
    for (let turn = 0; turn < 4000; turn += 1) {
      const random = Array.from({ length: below(14) }, () => pick(garbage)).join('')
      try {
        replaced('ab1😀', random, 'x')
      } catch (error) {
        expect(error, random).toBeInstanceOf(Failure)
      }
      const pattern = Array.from({ length: 1 + below(4) }, () => pick(items) + (below(3) === 0 ? '' : '{0,2}')).join('')
      const text = pick(texts)
      expect(replaced(text, pattern, '<$0>'), `${pattern} on ${text}`).toBe(
        text.replace(new RegExp(pattern.replaceAll(/(\(\?<?[=!][^)]*\)|\\b)\{0,2\}/g, '(?:$1){0,2}'), 'gu'), '<$&>'),
      )
    }
  })

  it('refuses a group that the expression does not have', () => {
    expect(() => replaced('a', 'a', '$1')).toThrow('The replacement names group 1')
    expect(() => replaced('a', 'a', '${x}')).toThrow('the group "x"')
  })

  it('ends where backtracking would not', { timeout: 20_000 }, () => {
    expect(replaced('a'.repeat(50_000) + 'c', '(a+)+b', 'x')).toHaveLength(50_001)
    expect(() => replaced('a'.repeat(40) + 'c', '(?=a)(a+)+b', 'x')).toThrow('too many steps')
    expect(() => replaced('a'.repeat(40) + 'c', '(a|a)*\\1b', 'x')).toThrow('too many steps')
    expect(() => replaced('a'.repeat(200_000), '(?=a)(?:a|b)+', 'x')).toThrow('too deep')
    expect(() => replaced('a'.repeat(4_000_000), '(x+x+)+y|a[^b]{100}z', '')).toThrow('too much for a text of this length')
  })

  it('ends with the run when every match looks at the whole text', () => {
    const started = performance.now()
    const run = () => regexOf('a.*b|a').replace('a'.repeat(60_000), '', true, meter({ milliseconds: 200 }))
    expect(run).toThrow('The run took longer')
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('never makes a text that is too long', () => {
    const short = () => meter({ text: 1000 })
    expect(() => regexOf('[a]').replace('a'.repeat(900), 'aa', true, short())).toThrow('A text may have 1000 characters at most')
    expect(() => regexOf('').replace('a'.repeat(900), 'aa', true, short())).toThrow('A text may have 1000 characters at most')
    expect(() => replaceText('a'.repeat(900), 'a', 'aa', true, short())).toThrow('A text may have 1000 characters at most')
    expect(replaceText('a'.repeat(900), 'a', 'aa', false, short())).toHaveLength(901)
  })
})
