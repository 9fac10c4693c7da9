import { describe, expect, it } from 'vitest'
import { callScopes, keyScope, scopesCover } from './key-scopes.ts'

describe('scopes of API keys', () => {
  it.each([
    ['ZohoCRM.functions.execute.READ', true, false],
    ['ZohoCRM.functions.execute.CREATE', false, true],
    ['ZohoCRM.functions.execute.ALL', true, true],
    ['ZohoCRM.functions.ALL', true, true],
    ['ZohoCRM.functions.READ', true, false],
    ['ZohoCRM.functions.execute.UPDATE', false, false],
    ['ZohoCRM.functions.execute.more.ALL', false, false],
    ['ZohoCRM.functions.exec.ALL', false, false],
    ['ZohoCRM.modules.ALL', false, false],
    ['ZohoDesk.functions.execute.ALL', false, false],
  ])('FN-3 %s lets GET: %s, POST: %s', (scope, get, post) => {
    expect(keyScope.parse(scope)).toBe(scope)
    expect([scopesCover([scope], callScopes.GET), scopesCover([scope], callScopes.POST)]).toEqual([get, post])
  })

  it.each([
    '',
    'ALL',
    'ZohoCRM.ALL',
    'ZohoCRM.functions',
    'ZohoCRM.functions.execute.read',
    'ZohoCRM functions.READ',
    'ZohoCRM..execute.READ',
    'a.b.READ,c.d.READ',
  ])('no scope is %j', text => {
    expect(keyScope.safeParse(text).success).toBe(false)
  })
})
