import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { assert, test } from 'vitest'
import { decrypt, encrypt, equalInConstantTime, expand, hkdf, hmac, keyBytes, selfTest, takeKey } from './primitives.ts'

interface Vectors {
  readonly aes256gcm_tc16: {
    readonly key: string
    readonly iv: string
    readonly aad: string
    readonly pt: string
    readonly ct: string
    readonly tag: string
  }
  readonly hkdf_rfc5869_A1: { readonly ikm: string; readonly salt: string; readonly info: string; readonly L: number; readonly okm: string }
}
const vectors = JSON.parse(readFileSync(new URL('../../test/vectors/published.json', import.meta.url), 'utf8')) as Vectors
const hex = (text: string) => Buffer.from(text, 'hex')

test('opens AES-256-GCM test case 16 as published, and nothing that differs from it', () => {
  const { key, iv, aad, pt, ct, tag } = vectors.aes256gcm_tc16
  assert.equal(decrypt(hex(key), hex(aad), hex(iv + ct + tag))?.toString('hex'), pt)
  assert.equal(decrypt(takeKey(hex(key)), hex(aad), hex(iv + ct + tag))?.toString('hex'), pt)
  assert.isUndefined(decrypt(hex(key), Buffer.alloc(0), hex(iv + ct + tag)))
})

test('refuses every shorter tag of a valid message, also those that GCM itself allows', () => {
  const { key, iv, aad, ct, tag } = vectors.aes256gcm_tc16
  const whole = hex(iv + ct + tag)
  for (let missing = 1; missing <= whole.length; missing++) assert.isUndefined(decrypt(hex(key), hex(aad), whole.subarray(0, -missing)))
})

test('what it encrypts opens again, down to nothing at all', () => {
  const key = Buffer.alloc(keyBytes, 7)
  for (const plaintext of ['', 'x', 'a longer text, of more than one block']) {
    const sealed = encrypt(key, Buffer.from('here'), Buffer.from(plaintext))
    assert.equal(sealed.length, plaintext.length + 28)
    assert.equal(decrypt(key, Buffer.from('here'), sealed)?.toString(), plaintext)
  }
})

test('never repeats a nonce in 100,000 encryptions', () => {
  const key = takeKey(Buffer.alloc(keyBytes, 7))
  const seen = new Set<string>()
  for (let i = 0; i < 100_000; i++) seen.add(encrypt(key, Buffer.alloc(0), Buffer.alloc(0)).toString('latin1', 0, 12))
  assert.equal(seen.size, 100_000)
})

test('derives what RFC 5869 A.1 derives; expand is its second step', () => {
  const { ikm, salt, info, L, okm } = vectors.hkdf_rfc5869_A1
  assert.equal(hkdf(hex(ikm), hex(salt), hex(info), L).toString('hex'), okm)
  const prk = hmac(hex(salt), hex(ikm))
  assert.equal(prk.toString('hex'), '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
  assert.equal(expand(prk, hex(info)).toString('hex'), okm.slice(0, 64))
})

test('passes its own self-test', () => {
  assert.doesNotThrow(selfTest)
})

test('compares in constant time without throwing on other lengths', () => {
  assert.isTrue(equalInConstantTime(Buffer.from('same'), Buffer.from('same')))
  assert.isFalse(equalInConstantTime(Buffer.from('same'), Buffer.from('sane')))
  assert.isFalse(equalInConstantTime(Buffer.from('same'), Buffer.from('same or longer')))
})

test('a key that was taken is wiped at its source and shows nowhere', () => {
  const source = Buffer.alloc(keyBytes, 0x41)
  const key = takeKey(source)
  assert.isTrue(source.equals(Buffer.alloc(keyBytes)))
  assert.notInclude(inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key), '41 41')
  assert.throws(() => takeKey(Buffer.alloc(16)), RangeError)
})
