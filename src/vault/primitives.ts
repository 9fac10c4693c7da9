import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto'

/**
 * Every call into a cipher, a MAC or a key derivation stands in this file, each with the reason why it is
 * safe, so that a review of our cryptography is a review of this file. All of it is synchronous: sealing a
 * credential takes microseconds, and WebCrypto's detour through the thread pool several times as long.
 */

export const keyBytes = 32
export const nonceBytes = 12
export const tagBytes = 16

/** What `encrypt` adds to the plaintext. */
export const overheadBytes = nonceBytes + tagBytes

/**
 * AES-256-GCM (NIST SP 800-38D).
 *
 * The nonce is 96 random bits from the operating system's generator, never an argument: no caller, restored
 * backup or second instance can repeat one on purpose. With random nonces SP 800-38D §8.3 allows 2³² messages
 * per key. Keys that come here are used far less: a row key seals the few columns of one row, once per change;
 * a wrapping key seals one data key per organisation and rotation.
 *
 * @param key AES-256 key, 32 bytes.
 * @param associated Authenticated, not encrypted, not part of the result.
 * @returns nonce (12) ‖ ciphertext (as long as the plaintext) ‖ tag (16).
 */
export function encrypt(key: KeyObject | Buffer, associated: Buffer, plaintext: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(associated)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/**
 * The inverse of `encrypt`. The tag is always 16 bytes: Node would otherwise accept one of 4, which is guessable
 * (SP 800-38D appendix C). Nothing is released before the tag has been verified.
 *
 * @returns `undefined` for every kind of mismatch: which one it was would only help whoever is forging.
 */
export function decrypt(key: KeyObject | Buffer, associated: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < overheadBytes) return undefined
  const tagAt = sealed.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(associated)
  decipher.setAuthTag(sealed.subarray(tagAt))
  const unverified = decipher.update(sealed.subarray(nonceBytes, tagAt))
  try {
    return Buffer.concat([unverified, decipher.final()])
  } catch {
    return undefined
  } finally {
    unverified.fill(0)
  }
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. Deterministic: it has no nonce. */
export const hmac = (key: KeyObject | Buffer, message: Buffer | string): Buffer => createHmac('sha256', key).update(message).digest()

/** HKDF-SHA-256 (RFC 5869). `info` names the purpose, so that keys for two purposes are independent. */
export const hkdf = (key: KeyObject | Buffer, salt: Buffer, info: Buffer | string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, length))

/**
 * HKDF's second step alone, for 32 bytes: HMAC(key, info ‖ 0x01). RFC 5869 §3.3 allows leaving out the first
 * where the key is uniformly random already, as our data keys are. A fifth of the time of `hkdf`.
 */
export const expand = (key: KeyObject | Buffer, info: Buffer): Buffer => hmac(key, Buffer.concat([info, lastBlock]))
const lastBlock = Buffer.from([1])

/** Equality that takes as long for a near miss as for a far one. Lengths are public. */
export const equalInConstantTime = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)

/** Moves key bytes out of JavaScript's heap, where `inspect` and heap snapshots see them, and wipes the source. */
export function takeKey(bytes: Buffer): KeyObject {
  if (bytes.length !== keyBytes) throw new RangeError(`a key has ${String(keyBytes)} bytes`)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/**
 * Known answers, computed once when a keyring is made: a crypto library that is broken or replaced is noticed
 * before anything is sealed with it. AES-256-GCM: test case 16 of McGrew and Viega; HKDF: RFC 5869 A.1.
 *
 * @throws Error when an answer differs.
 */
export function selfTest(): void {
  const key = Buffer.from('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308', 'hex')
  const associated = Buffer.from('feedfacedeadbeeffeedfacedeadbeefabaddad2', 'hex')
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'
  const sealed = Buffer.from(
    'cafebabefacedbaddecaf888' +
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
    'hex',
  )
  const derived = hkdf(
    Buffer.alloc(22, 0x0b),
    Buffer.from('000102030405060708090a0b0c', 'hex'),
    Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'),
    42,
  )
  const again = decrypt(key, associated, encrypt(key, associated, Buffer.from(plaintext, 'hex')))
  const passed =
    decrypt(key, associated, sealed)?.toString('hex') === plaintext &&
    again?.toString('hex') === plaintext &&
    decrypt(key, Buffer.alloc(20), sealed) === undefined &&
    derived.toString('hex') === '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
  if (!passed) throw new Error('The cryptographic self-test failed: this Node.js does not compute AES-256-GCM or HKDF as published.')
}
