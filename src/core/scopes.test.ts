import { describe, expect, it } from 'vitest'
import { missingScopes, scopeSeparators, splitScopes, unique } from './scopes.ts'

describe('scopes (CON-11)', () => {
  it('are written with a comma, a blank or a plus', () => {
    expect(scopeSeparators).toEqual({ comma: ',', space: ' ', plus: '+' })
  })

  it('are kept once each, in the order they came', () => {
    expect(unique(['b', 'a', 'b', 'A'])).toEqual(['b', 'a', 'A'])
  })

  it.each([
    ['a,b c+d', ['a', 'b', 'c', 'd']],
    ['  a ,, b\t\n', ['a', 'b']],
    ['', []],
    ['ZohoCRM.modules.ALL,ZohoCRM.modules.ALL', ['ZohoCRM.modules.ALL']],
    ['https://www.googleapis.com/auth/drive openid', ['https://www.googleapis.com/auth/drive', 'openid']],
  ])('are read from an answer whatever stands between them: %j', (text, expected) => {
    expect(splitScopes(text)).toEqual(expected)
  })

  it('that were asked for and not granted are missing, upper and lower case being the same', () => {
    expect(missingScopes(['Read', 'write', 'admin'], ['read', 'WRITE', 'more'])).toEqual(['admin'])
    expect(missingScopes([], ['read'])).toEqual([])
    expect(missingScopes(['read'], [])).toEqual(['read'])
  })
})
