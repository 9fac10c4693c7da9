import { assert, describe, test } from 'vitest'
import { linkable, mixesScripts, ownPath, segment, text } from './text.ts'

describe('text', () => {
  test('is one line, without controls, invisible or direction-changing characters, and composed', () => {
    const table: readonly (readonly [given: string, shown: string])[] = [
      ['  a \t b\r\nc\u2028d\u2029e\u0085f  ', 'a b c d e f'],
      ['a\0b\x1b[2Jc\x7fd\x9be', 'ab[2Jcde'],
      ['evil\u202Etxt.exe\u202C \u2066x\u2069 \u200Ey\u200F\u061C', 'eviltxt.exe x y'],
      ['z\u200Bw\u200C\u2060s\u00ADh\uFEFF', 'zwsh'],
      ['half \uD800 pair \uDC00!', 'half  pair !'],
      ['tag\u{E0041}\u{E007F}', 'tag'],
      ['e\u0301', '\u00E9'],
      ['👩🏽‍💻 ok', '👩🏽‍💻 ok'],
      ['a\u200Db \u200D💻 💻\u200D', 'ab 💻 💻'],
      ['مرحبا', 'مرحبا'],
      ['', ''],
    ]
    for (const [given, shown] of table) assert.equal(text(given), shown)
  })

  test('is cut as a person counts, with an ellipsis in the place of the last character', () => {
    assert.equal(text('x'.repeat(300)), 'x'.repeat(300))
    assert.equal(text('x'.repeat(301)), 'x'.repeat(299) + '…')
    assert.equal(text('😀'.repeat(6), 5), '😀😀😀😀…')
    assert.equal([...text('x'.repeat(5_000_000))].length, 300)
  })
})

test('a word of letters that look alike is noticed, a sentence in two scripts is not', () => {
  for (const name of ['G\u043E\u043Egle', 'P\u0430yPal Inc', 'M\u03BFzilla']) assert.isTrue(mixesScripts(name), name)
  for (const name of ['Google', 'Яндекс Disk', 'Яндекс-Disk', 'Ζωή', 'Zoë', '東京 Tokyo', '']) assert.isFalse(mixesScripts(name), name)
})

test('paths of ours are paths of ours, and only http addresses are linked', () => {
  for (const path of ['/', '/docs', '/a?b=c#d', '/connect?x=%2F%2Fevil.test']) {
    assert.equal(ownPath(path), path)
    assert.equal(linkable(path), path)
  }
  assert.equal(linkable('https://example.test/a?b'), 'https://example.test/a?b')
  assert.equal(linkable('http://localhost:4400/x'), 'http://localhost:4400/x')
  for (const evil of [
    '',
    'docs',
    '//evil.test',
    '/\\evil.test',
    '/\t/evil.test',
    '\\\\evil.test',
    'https:evil.test',
    'https:///evil.test',
    'https://user@evil.test/',
    'https://:pass@evil.test/',
    ' https://evil.test',
    'https://evil\u202E.test',
    'https://',
    'javascript:alert(1)',
    'JAVASCRIPT://example.test/%0aalert(1)',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://example.test/x',
    'ftp://example.test/',
  ])
    assert.isNull(linkable(evil), evil)
  assert.isNull(ownPath('https://example.test/'))
})

test('a segment of a path stays one', () => {
  assert.equal(segment('a/b?c#d%'), 'a%2Fb%3Fc%23d%25')
  assert.equal(segment('\uD800'), '%EF%BF%BD')
})
