import { expect, it } from 'vitest'
import { numberWords } from './number-words.ts'
import { decimal } from './value.ts'

it.each([
  [0, 'en-us', 'zero'],
  [1989, 'EN_us', 'one thousand nine hundred eighty-nine'],
  [
    123456789012345678n,
    'en-gb',
    'one hundred twenty-three quadrillion four hundred fifty-six trillion seven hundred eighty-nine billion twelve million three hundred forty-five thousand six hundred seventy-eight',
  ],
  [1234567, 'en-in', 'twelve lakh thirty-four thousand five hundred sixty-seven'],
  [1000000000, 'en-in', 'one hundred crore'],
  [21, 'es', 'veintiuno'],
  [31001, 'es', 'treinta y un mil uno'],
  [101000000, 'es', 'ciento un millones'],
  [71, 'fr', 'soixante-et-onze'],
  [80, 'fr', 'quatre-vingts'],
  [91, 'fr', 'quatre-vingt-onze'],
  [280000, 'fr', 'deux cent quatre-vingt mille'],
  [1989, 'fr', 'mille neuf cent quatre-vingt-neuf'],
  [21, 'de', 'einundzwanzig'],
  [1101, 'de', 'eintausendeinhunderteins'],
  [2000001, 'de', 'zwei Millionen eins'],
  [88, 'it', 'ottantotto'],
  [180, 'it', 'centottanta'],
  [2023, 'it', 'duemilaventitré'],
  [1989, 'ja', '千九百八十九'],
  [10000, 'ja', '一万'],
  [12345, 'ko', '만 이천삼백사십오'],
  [24, 'ko', '이십사'],
  [10, 'zh', '十'],
  [110, 'zh', '一百一十'],
  [1001, 'zh', '一千零一'],
  [10010, 'zh', '一万零一十'],
] as const)('says %s in %s', (value, language, expected) => {
  expect(numberWords(value, language)).toBe(expected)
})

it('says what stands behind the point digit by digit', () => {
  expect(numberWords(decimal('-0.105'), 'en-us')).toBe('minus zero point one zero five')
  expect(numberWords(decimal('1.5'), 'de')).toBe('eins Komma fünf')
})

it('refuses what is too long and languages it does not know', () => {
  expect(() => numberWords(10n ** 18n, 'en-us')).toThrow('18 digits at most')
  expect(() => numberWords(1, '__proto__')).toThrow('knows the languages en-us')
})
