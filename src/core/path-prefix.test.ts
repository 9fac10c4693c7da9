import { expect, it } from 'vitest'
import { partOutside } from './path-prefix.ts'

const of = (path: string) => partOutside(new URL(`https://a.test${path}`).pathname, '/key')

it.each([
  ['/key/%u002e%u002e/me', '%u002e%u002e'],
  ['/key/a%2fb/c', '%2fb'],
  ['/key/..%3b/me', '..%3b'],
  ['/key/.../x', '...'],
  ['/key//me', '//'],
  ['/key;/x', ';'],
  ['/key/100%', '%'],
])('X13 what could lead out of the prefix is named: %s', (path, part) => {
  expect(of(path)).toBe(part)
})

it.each([
  ['full width dots', '/key/．．/me'],
  ['one of them', '/key/.．/me'],
  ['one dot', '/key/．/me'],
  ['a leader of two dots', '/key/‥/me'],
  ['small dots', '/key/﹒﹒/me'],
  ['and what some servers cut off', '/key/．．；x/me'],
  ['a full width slash', '/key/a／..／me'],
  ['a full width backslash', '/key/a＼me'],
  ['a sign with a slash in it', '/key/℀'],
  ['escaped twice', '/key/%25ef%25bc%258e%25EF%25BC%258E/me'],
  ['beside a byte that is no UTF-8', '/key/%ff%ef%bc%8f/me'],
])('X13 what becomes a dot segment or a slash by NFKC does not pass: %s', (_, path) => {
  expect(of(path)).toBe(new URL(`https://a.test${path}`).pathname.split('/')[2])
})

it.each([
  '/key',
  '/key/',
  '/key/a.b/c...',
  '/key/Müller/ｆｕｌｌ',
  '/key/and so on…',
  '/key/…/x',
  '/key/v１．２',
  '/key/東京；大阪',
  '/key/100%25',
  '/key/%ff',
  '/key/½',
])('a name is a name: %s', path => {
  expect(of(path)).toBeNull()
})

it('a path that is another one is named whole', () => {
  expect([of('/keys'), of('/'), of('/KEY/x')]).toEqual(['/keys', '/', '/KEY/x'])
})
