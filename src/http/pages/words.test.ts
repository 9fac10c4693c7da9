import { assert, describe, test } from 'vitest'
import { decoded, tagsOf, callback, fields, invitation, redirect, reset, setUp, signIn } from '../../../test/support/pages.ts'
import { callbackPage, type CallbackOutcome } from './callback.ts'
import { connectPage, type ConnectSubject } from './connect.ts'
import { formFields } from './form.ts'
import { pageText } from './html.ts'
import { invitationPage, type InvitationPage } from './invitation.ts'
import { resetPasswordPage } from './reset-password.ts'
import { setUpPage } from './set-up.ts'
import { signInPage } from './sign-in.ts'

describe('what the pages say', () => {
  const words = (page: string) =>
    decoded(
      page
        .replace(/<\/?(bdi|code|strong)>/g, '')
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' '),
    )

  test('a secret that was typed is never given back, and neither is a password', () => {
    assert.notInclude(connectPage(fields), 'SECRET-VALUE')
    const secret = tagsOf(connectPage(fields)).find(tag => tag.attributes.get('name') === 'api-key')
    assert.equal(secret?.attributes.get('type'), 'password')
    assert.equal(secret?.attributes.get('autocomplete'), 'off')
    const boxes = [setUp, reset, invitation].map((data, i) => [setUpPage, resetPasswordPage, invitationPage][i]?.(data as never) ?? '')
    for (const page of [...boxes, signInPage(signIn)]) {
      const box = tagsOf(page).find(tag => tag.attributes.get('type') === 'password')
      assert.isDefined(box)
      assert.isFalse(box?.attributes.has('value'))
    }
    const filled = formFields([{ id: 'p', name: 'p', label: 'P', type: 'password', autocomplete: 'off', value: 'SECRET-VALUE' }], [])
    assert.notInclude(pageText(filled), 'SECRET-VALUE')
    assert.include(setUpPage({ ...setUp, passwordLength: { minimum: 14, maximum: 99 } }), 'minlength="14"')
  })

  test('the consent names the service, the organisation, the person, who asks, the scopes with their meaning, and the hosts', () => {
    for (const page of [redirect, fields].map(connectPage).map(words))
      for (const one of [
        'Mailchimp',
        'Acme',
        'Ada Lovelace',
        'Ben Carter',
        'campaigns.read See campaigns and their results',
        '*.api.mailchimp.com',
      ])
        assert.include(page, one)
  })

  test('the consent leaves for the service by a link and not by a form, whose redirect the policy would stop', () => {
    const tags = tagsOf(connectPage(redirect))
    assert.include(
      tags.map(tag => tag.attributes.get('href')),
      '/connect/f1/continue',
    )
    assert.notInclude(tags.map(tag => tag.attributes.get('action') ?? '').join(), '/connect')
  })

  test('whose calls use the account is said for every kind of access, and any host is called dangerous', () => {
    const said = (change: Partial<ConnectSubject>) => words(connectPage({ ...redirect, ...change }))
    assert.include(said({ access: 'private' }), 'Only you call it directly')
    assert.include(said({ access: 'organization' }), 'Every member of Acme may call it')
    assert.include(said({ access: { members: ['m1'] } }), '1 other member may call it')
    assert.include(said({ access: 'organization', useLoginUserCredentials: true }), 'Only calls made for you')
    assert.include(said({ hosts: ['*'] }), 'Any host at all')
    assert.notInclude(said({}), 'alike')
    assert.include(said({ service: 'G\u043E\u043Egle' }), 'letters that look alike')
  })

  test('form fields keep the service’s names, choices and what was chosen; the first wrong one has the focus', () => {
    const tags = tagsOf(connectPage(fields))
    const named = (name: string) => tags.filter(tag => tag.attributes.get('name') === name)
    assert.deepEqual(
      tags.filter(tag => tag.name === 'option').map(tag => [tag.attributes.get('value'), tag.attributes.has('selected')]),
      [
        ['Europe', false],
        ['United States', true],
      ],
    )
    assert.equal(named('username')[0]?.attributes.get('value'), 'ada')
    assert.isTrue(named('subdomain')[0]?.attributes.has('autofocus'))
    assert.isFalse(named('api-key')[0]?.attributes.has('autofocus'))
    assert.include(words(connectPage(fields)), 'The service did not accept these values.')
  })

  test('every outcome of a callback has its own title and sentence, and the words of the service only as text', () => {
    const all: readonly CallbackOutcome[] = [
      'connected',
      'refused',
      'expired',
      'wrong_person',
      'other_browser',
      'mismatch',
      'failed',
      'sign_in',
    ]
    const drawn = all.map(outcome => callbackPage({ ...callback, outcome }))
    assert.lengthOf(new Set(drawn.map(page => /<h1>(.*?)<\/h1>/.exec(page)?.[1])), all.length)
    for (const page of drawn) assert.notMatch(page, /<form/)
    const long = callbackPage({ ...callback, providerWords: 'access_denied: ' + 'w'.repeat(100_000) })
    assert.equal(/<blockquote[^>]*>(.*?)<\/blockquote>/s.exec(long)?.[1]?.length, 300)
    assert.notInclude(callbackPage({ outcome: 'expired', requestId: 'r', providerWords: ' \u202E' }), 'What the service said')
    assert.include(
      words(callbackPage({ outcome: 'failed', requestId: 'r' })),
      'You came back from the service, but the connection was not connected',
    )
  })

  test('an invitation asks for name and password, for nothing, or for signing in first', () => {
    const named = (mode: InvitationPage['mode']) =>
      tagsOf(invitationPage({ ...invitation, mode, errors: [] }))
        .flatMap(tag => tag.attributes.get('name') ?? [])
        .filter(name => !['viewport', 'robots'].includes(name))
    assert.deepEqual(named('new'), ['name', 'password'])
    assert.deepEqual(named('confirm'), [])
    const page = invitationPage({ ...invitation, mode: 'sign_in', errors: [] })
    assert.include(page, 'href="/sign-in?return_to=%2Finvitations%2Finvitation-token"')
  })

  test('signing in returns to paths of this origin only', () => {
    const returns = (returnTo: string) =>
      tagsOf(signInPage({ ...signIn, returnTo }))
        .find(tag => tag.attributes.get('name') === 'return_to')
        ?.attributes.get('value')
    assert.equal(returns('/connections/x?a=b'), '/connections/x?a=b')
    for (const evil of ['https://evil.test', '//evil.test', '/\\evil.test', '/\t/evil.test', 'javascript:alert(1)', ''])
      assert.isUndefined(returns(evil), evil)
  })
})
