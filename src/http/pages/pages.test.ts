import { assert, describe, test } from 'vitest'
import {
  payloads,
  tagsOf,
  type Tag,
  anotherAccount,
  callback,
  cliLogin,
  fields,
  invitation,
  problem,
  redirect,
  reset,
  setUp,
  signIn,
} from '../../../test/support/pages.ts'
import { anotherAccountPage } from './another-account.ts'
import { icon, pageAssets, stylesheet } from './assets.ts'
import { callbackPage } from './callback.ts'
import { cliLoginPage } from './cli-login.ts'
import { connectPage } from './connect.ts'
import { invitationPage } from './invitation.ts'
import { problemPage } from './problem.ts'
import { resetPasswordPage } from './reset-password.ts'
import { setUpPage } from './set-up.ts'
import { signInPage } from './sign-in.ts'

/** A page with its data, still to be drawn: the data may be changed in between. */
const shown = <T>(draw: (data: T) => string, data: T) => ({ data: data as unknown, draw: draw as (data: unknown) => string })

const pages: Readonly<Record<string, ReturnType<typeof shown>>> = {
  setUp: shown(setUpPage, setUp),
  signIn: shown(signInPage, signIn),
  redirect: shown(connectPage, redirect),
  fields: shown(connectPage, fields),
  anotherAccount: shown(anotherAccountPage, anotherAccount),
  otherPeople: shown(anotherAccountPage, { ...anotherAccount, works: false, access: { members: ['a', 'b'] } }),
  callback: shown(callbackPage, callback),
  connected: shown(callbackPage, { outcome: 'connected', service: 'Mailchimp', connection: 'Newsletter', requestId: '0190-cc' }),
  exact: shown(callbackPage, { outcome: 'expired', sentence: 'It is older than ten minutes.', requestId: '0190-dd' }),
  invitation: shown(invitationPage, invitation),
  confirm: shown(invitationPage, { ...invitation, mode: 'confirm', errors: [] }),
  existing: shown(invitationPage, { ...invitation, mode: 'sign_in', errors: [] }),
  reset: shown(resetPasswordPage, reset),
  cliLogin: shown(cliLoginPage, cliLogin),
  cliLoginAsk: shown(cliLoginPage, { ...cliLogin, code: null }),
  cliLoginDone: shown(cliLoginPage, { ...cliLogin, done: true, error: null }),
  problem: shown(problemPage, problem),
}

const each = Object.entries(pages).map(([title, { data, draw }]) => ({ title, data, draw }))

type Path = readonly (string | number)[]

/** Fields that hold one of a few words of ours: nobody outside can put a text there. */
const ours = new Set(['role', 'status', 'kind', 'serviceKind', 'mode', 'outcome', 'auth_type', 'access', 'members', 'revoked_at_provider'])

function* textsIn(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value === 'string') yield path
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value))
      if (!ours.has(key)) yield* textsIn(inner, [...path, Array.isArray(value) ? Number(key) : key])
}

/** The data with the text at each chosen path replaced. */
function withText(value: unknown, text: string, chosen: (path: Path) => boolean, path: Path = []): unknown {
  if (typeof value === 'string') return chosen(path) ? text : value
  if (Array.isArray(value)) return value.map((inner: unknown, i) => withText(inner, text, chosen, [...path, i]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, ours.has(key) ? inner : withText(inner, text, chosen, [...path, key])]),
  )
}

const same = (a: Path) => (b: Path) => a.join('.') === b.join('.')

const shapeOf = (tags: readonly Tag[]) => tags.map(({ name, attributes }) => `${name} ${[...attributes.keys()].sort().join(' ')}`).sort()

/** What a page has and another had not. */
function addedTo(before: readonly string[], after: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const one of before) left.set(one, (left.get(one) ?? 0) + 1)
  return after.filter(one => {
    const count = left.get(one) ?? 0
    left.set(one, count - 1)
    return count <= 0
  })
}

const forbidden = new Set(['script', 'style', 'iframe', 'object', 'embed', 'base', 'img', 'template'])
const forbiddenAttribute = /^(on|style$|srcdoc$|http-equiv$)/i
const addresses = new Set(['href', 'action', 'src', 'formaction', 'srcset', 'data'])
const goodAddress = /^(#[a-z0-9-]+|\/([^/\\].*)?|https?:\/\/[^/\\@]+(\/.*)?)$/
/** Attributes that a form sends back; people do not see them, or see them in a box of their own. */
const asSent = new Set(['name', 'value'])
const reordering = /[\u202A-\u202E\u2066-\u2069]/

function assertSafe(page: string, context: string): Tag[] {
  const tags = tagsOf(page)
  // plain conditions: with an assertion for each attribute this takes ten times as long
  const faults = tags.flatMap(({ name, attributes }) =>
    forbidden.has(name.toLowerCase())
      ? [[name]]
      : [...attributes].filter(
          ([key, value]) =>
            forbiddenAttribute.test(key) ||
            (addresses.has(key) && !goodAddress.test(value)) ||
            (!asSent.has(key) && reordering.test(value)),
        ),
  )
  assert.deepEqual(faults, [], context)
  assert.notMatch(
    withoutValues(page),
    // eslint-disable-next-line no-control-regex -- controls are what must not be there
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\u00AD]|\p{Cs}/u,
    context,
  )
  return tags
}

/** Names and values that a form sends back are kept as they were; everything that is shown is cleaned. */
const withoutValues = (page: string) => page.replace(/ (?:name|value)="[^"]*"/g, '')

describe.each(each)('page $title', ({ title, data, draw }) => {
  const page = draw(data)
  const tags = assertSafe(page, 'the sample')
  const named = (name: string) => tags.filter(tag => tag.name === name)

  test.each([
    ['every text', () => true],
    [
      'every text but the paths of errors, which then stand beside their fields',
      (path: Path) => !/(^|\.)(errors\.\d+\.path|fields\.\d+\.name)$/.test(path.join('.')),
    ],
  ])('%s may be hostile: no tag, attribute, handler or foreign address is added', (_, chosen) => {
    const harmless = ['a plain word', '', '/path', 'https://plain.test/'].map(word => shapeOf(tagsOf(draw(withText(data, word, chosen)))))
    for (const payload of payloads) {
      const attacked = shapeOf(assertSafe(draw(withText(data, payload, chosen)), payload))
      const added = [shapeOf(tags), ...harmless].map(shape => addedTo(shape, attacked))
      assert.isTrue(
        added.some(one => one.length === 0),
        `${JSON.stringify(payload)} added ${JSON.stringify(added)}`,
      )
    }
  })

  test('shows each of its texts, cut where it is long', () => {
    const long = 'zqx'.repeat(40_000)
    for (const path of textsIn(data)) {
      const label = path.join('.')
      const grown = draw(withText(data, long, same(path)))
      if (!asItIs.test(label)) {
        assert.isBelow(grown.length, page.length + 12_500, label)
        assert.notInclude(grown, 'zqx'.repeat(2000), label)
      }
      if (!unshown.test(label) && !notIn[title]?.test(label)) assert.include(draw(withText(data, 'zqxmark', same(path))), 'zqxmark', label)
    }
  })

  test('is a whole document with one title, one h1 and its landmarks', () => {
    assert.match(page, /^<!doctype html>\s*<html lang="en">/)
    for (const one of ['title', 'h1', 'main', 'header']) assert.lengthOf(named(one), 1, one)
    assert.deepEqual(
      named('link').map(tag => tag.attributes.get('href')),
      [...pageAssets].reverse().map(asset => asset.path),
    )
    const levels = tags.filter(tag => /^h[1-6]$/.test(tag.name)).map(tag => Number(tag.name[1]))
    levels.forEach((level, i) => {
      assert.isAtMost(level, (levels[i - 1] ?? 0) + 1, 'no heading level is left out')
    })
  })

  test('labels every control, describes every error, and uses each id once', () => {
    const ids = tags.map(tag => tag.attributes.get('id')).filter(id => id !== undefined)
    assert.lengthOf(new Set(ids), ids.length)
    const labels = new Set(named('label').map(tag => tag.attributes.get('for')))
    const controls = tags.filter(({ name, attributes }) => /^(input|select|textarea)$/.test(name) && attributes.get('type') !== 'hidden')
    for (const { attributes } of controls) {
      assert.isTrue(labels.has(attributes.get('id')), `a label for ${attributes.get('id')}`)
      assert.isTrue(attributes.has('autocomplete'))
      if (attributes.get('aria-invalid') === 'true') assert.match(attributes.get('aria-describedby') ?? '', /-error\b/)
    }
    for (const reference of ['for', 'aria-describedby', 'aria-labelledby'])
      for (const tag of tags)
        for (const id of (tag.attributes.get(reference) ?? '').split(' ').filter(Boolean)) assert.include(ids, id, reference)
    assert.isAtMost(tags.filter(tag => tag.attributes.has('autofocus')).length, 1)
  })

  test('closes what it opens, in order', () => {
    const open: string[] = []
    const empty = /^(!doctype|meta|link|input|path|circle|br)$/
    for (const { name } of tags) {
      if (name.startsWith('/')) assert.equal(open.pop(), name.slice(1))
      else if (!empty.test(name)) open.push(name)
    }
    assert.deepEqual(open, [])
  })

  test('forms are sent to this origin, by POST when they change something', () => {
    for (const { attributes } of named('form')) {
      assert.match(attributes.get('action') ?? '', /^\/[a-z]/)
      if (attributes.get('action') !== '/cli-login') assert.equal(attributes.get('method'), 'post')
    }
    for (const { attributes } of named('a'))
      if (attributes.get('target') === '_blank') assert.match(attributes.get('rel') ?? '', /\bnoopener\b/)
  })
})

/** Data that a page shows in other words, as part of something else, or not at all; and addresses, which are shown when they are good. */
const unshown =
  /(^|\.)(id|path|status_since|expires_at|last_used_at|returnTo|continueUrl|action|retryUrl|connectUrl|help_url|url|apiDocs|publicUrl|service\.link_name|unlisted_scopes\.\d+|account\.id|values\.api-key)$/

/** Texts that one state of a page leaves out. */
const notIn: Readonly<Record<string, RegExp>> = {
  fields: /^values\.region$/, // not among the choices any more
  confirm: /^(values\.name)$/,
  existing: /^(values\.name)$/,
  cliLoginDone: /^code$/,
}

/** What a form sends back, or an address leads to, stands there whole. */
const asItIs = /(^|\.)(token|code|email|returnTo|hostsToConfirm\.\d+|name|choices\.\d+|values\.[^.]*|link_name|linkName|publicUrl)$/

describe('the files of the pages', () => {
  test('have a hash of their content in the path, and load nothing from elsewhere', () => {
    assert.match(stylesheet.path, /^\/assets\/pages-[0-9a-f]{16}\.css$/)
    assert.include(stylesheet.path, stylesheet.hash)
    for (const { body } of [stylesheet, icon]) assert.notMatch(body, /@import|url\(|<script|https?:\/\/(?!www\.w3\.org\/2000\/svg")/)
  })

  test('hold every class that the pages use', () => {
    const used = new Set(
      each.flatMap(({ data, draw }) => tagsOf(draw(data)).flatMap(tag => (tag.attributes.get('class') ?? '').split(' ').filter(Boolean))),
    )
    for (const unstyled of ['wide', 'term']) used.delete(unstyled)
    for (const one of used) assert.include(stylesheet.body, `.${one}`, one)
  })

  test('keep 4.5 : 1 between text and its ground, and 3 : 1 for the borders of controls, light and dark (WCAG 2.2, 1.4.3 and 1.4.11)', () => {
    const [light = '', dark = ''] = [...stylesheet.body.matchAll(/:root \{(.*?)\}/gs)].map(([, body]) => body)
    for (const theme of [light, dark]) {
      const colours = new Map([...theme.matchAll(/--([a-z-]+): #([0-9a-f]{6});/g)].map(([, name = '', hex = '']) => [name, hex]))
      const contrast = (a: string, b: string) => {
        const [dim = 0, bright = 0] = [a, b].map(name => luminance(colours.get(name) ?? assert.fail(name))).sort((x, y) => x - y)
        return (bright + 0.05) / (dim + 0.05)
      }
      for (const text of ['ink', 'quiet', 'accent', 'accent-strong', 'red'])
        for (const ground of ['ground', 'surface']) assert.isAtLeast(contrast(text, ground), 4.5, `${text} on ${ground}`)
      for (const ground of ['code', 'red-ground', 'amber-ground', 'green-ground'])
        for (const text of ['ink', 'quiet', 'accent']) assert.isAtLeast(contrast(text, ground), 4.5, `${text} on ${ground}`)
      assert.isAtLeast(contrast('red', 'red-ground'), 4.5)
      for (const accent of ['accent', 'accent-strong']) assert.isAtLeast(contrast('on-accent', accent), 4.5)
      for (const shape of ['control', 'green', 'amber', 'red', 'grey'])
        for (const ground of ['ground', 'surface']) assert.isAtLeast(contrast(shape, ground), 3, `${shape} on ${ground}`)
    }
  })
})

/** Relative luminance of sRGB (WCAG 2.2). */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4]
    .map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
