import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { assert, test } from 'vitest'
import { checkKey } from './key-check.ts'
import { MasterKeyRefused, parseMasterKey } from './master-key.ts'

/** 32 bytes that look random and are the same in every run. */
const fixed = (name: string) => createHash('sha256').update(name).digest()
const good = fixed('a good key')

function sentenceOf(text: string): string {
  try {
    parseMasterKey(text)
  } catch (error) {
    assert.instanceOf(error, MasterKeyRefused)
    return error.message
  }
  return assert.fail(`accepted ${text}`)
}

test('reads base64 and base64url, with and without padding', () => {
  const spellings = [
    good.toString('base64'),
    good.toString('base64').replace('=', ''),
    good.toString('base64url'),
    ` ${good.toString('base64url')}=\n`,
  ]
  assert.equal(new Set(spellings.map(text => parseMasterKey(text).id)).size, 1)
  assert.match(parseMasterKey(spellings[0] ?? '').id, /^[0-9a-f]{16}$/)
})

test('accepts what openssl makes, always', () => {
  for (let i = 0; i < 2000; i++) parseMasterKey(randomBytes(32).toString('base64'))
})

test('refuses every key that is not 32 random bytes, and says what to do', () => {
  const text = (bytes: Buffer | readonly number[]) => Buffer.from(bytes).toString('base64')
  const bad: readonly (readonly [text: string, says: RegExp])[] = [
    ['', /empty/],
    [' \n', /empty/],
    [text(good.subarray(0, 31)), /too short: it has 31/],
    [text(good.subarray(0, 16)), /too short/],
    [text(Buffer.concat([good, Buffer.of(1)])), /too long: it has 33/],
    [good.toString('hex'), /hexadecimal/],
    ['correct horse battery staple', /not base64/],
    [good.toString('base64').replace(/^./, '!'), /not base64/],
    [`${good.toString('base64').slice(0, 20)}\n${good.toString('base64').slice(20)}`, /not base64/],
    [`${good.toString('base64').slice(0, 42)}B=`, /typing error/],
    [text(Buffer.alloc(32)), /all zeros/],
    [text(Buffer.alloc(32, 0xff)), /not random/],
    [text(Array.from({ length: 32 }, (_, i) => i)), /counts upwards/],
    [text(Array.from({ length: 32 }, (_, i) => 255 - i * 3)), /counts upwards/],
    [text(Buffer.concat([good.subarray(0, 16), good.subarray(0, 16)])), /repeats itself/],
    [text(Array.from({ length: 32 }, (_, i) => (i * i * 37) % 15)), /repeats itself/],
    [text(Buffer.from('0123456789abcdef0123456789ABCDEF')), /text written as base64/],
    [text(Buffer.from('change-me-please!ThisIsADemoKey.')), /text written as base64/],
    [text(Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')), /published/],
  ]
  for (const [key, says] of bad) {
    const sentence = sentenceOf(key)
    assert.match(sentence, says, key)
    if (key.trim().length > 4) assert.notInclude(sentence, key.trim())
  }
})

test('a master key shows nothing of itself when printed', () => {
  const shown = inspect(parseMasterKey(good.toString('base64')), { depth: 9, showHidden: true })
  for (const part of [good.toString('hex').slice(0, 8), good.toString('base64').slice(0, 8), inspect(good).slice(8, 20)])
    assert.notInclude(shown, part)
})

test('a key check knows its key and no other', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(name => parseMasterKey(fixed(name).toString('base64')))
  assert(a && b && c)
  assert.equal(a.keyCheck.length, 40)
  assert.equal(a.keyCheck.toString('hex', 0, 8), a.id)
  assert.deepEqual(checkKey([], [a]), { kind: 'nothing_stored' })
  assert.deepEqual(checkKey([a.keyCheck], [a]), { kind: 'match' })
  assert.deepEqual(checkKey([a.keyCheck], [b, a]), { kind: 'match' }, 'a rotation begins')
  assert.deepEqual(checkKey([a.keyCheck, b.keyCheck], [b, a]), { kind: 'match' }, 'a rotation is under way')
  for (const [stored, given] of [
    [[a.keyCheck], [b]],
    [[a.keyCheck], []],
    [[a.keyCheck, b.keyCheck], [b]],
    [
      [a.keyCheck, b.keyCheck],
      [a, c],
    ],
  ] as const)
    assert.equal(checkKey(stored, given).kind, 'refused')
})

test('a key check with the right id and a wrong proof is refused', () => {
  const key = parseMasterKey(good.toString('base64'))
  const forged = Buffer.concat([key.keyCheck.subarray(0, 8), randomBytes(32)])
  const verdict = checkKey([forged], [key])
  assert(verdict.kind === 'refused')
  assert.include(verdict.sentence, key.id)
  assert.equal(checkKey([key.keyCheck.subarray(0, 8)], [key]).kind, 'refused')
})
