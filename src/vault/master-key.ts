import type { KeyObject } from 'node:crypto'
import { hkdf, hmac, keyBytes, takeKey } from './primitives.ts'

/**
 * What is kept of a master key. The 32 bytes themselves are dropped as soon as these are derived: a key that wraps
 * data keys, and two values that may be stored beside the data without helping anybody to find the key.
 */
export interface MasterKey {
  /** 16 hexadecimal digits. Public: stored with every data key that this master key wraps. */
  readonly id: string
  readonly wrappingKey: KeyObject
  /** Recognises the key at the next start: id (8 bytes) ‖ HMAC (32 bytes). Public. See key-check.ts. */
  readonly keyCheck: Buffer
}

/** A master key that is missing or must not be used. The message is a sentence for the operator's terminal. */
export class MasterKeyRefused extends Error {
  override readonly name = 'MasterKeyRefused'
}

const howToMakeOne = 'Make one with: openssl rand -base64 32'

/**
 * @param text   32 bytes in base64 or base64url, with or without padding; surrounding white space is ignored.
 * @param called How a refusal calls it, e.g. `The master key (/srv/data.key, line 2)`.
 * @throws MasterKeyRefused Its sentence never contains any part of the key.
 */
export function parseMasterKey(text: string, called = 'The master key'): MasterKey {
  const trimmed = text.trim()
  if (trimmed === '') throw new MasterKeyRefused(`${called} is empty. ${howToMakeOne}`)
  if (/^[0-9a-f]{64}$/i.test(trimmed)) throw new MasterKeyRefused(`${called} is in hexadecimal; it must be in base64. ${howToMakeOne}`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(trimmed) && !/^[A-Za-z0-9_-]+={0,2}$/.test(trimmed))
    throw new MasterKeyRefused(`${called} is not base64. ${howToMakeOne}`)

  const bytes = Buffer.from(trimmed, 'base64') // Node reads both alphabets
  if (bytes.length !== keyBytes)
    throw new MasterKeyRefused(
      `${called} is too ${bytes.length < keyBytes ? 'short' : 'long'}: it has ${String(bytes.length)} bytes and must have exactly ${String(keyBytes)}. ${howToMakeOne}`,
    )
  // The last character carries two bits that decode to nothing. Set, they show that it was mistyped.
  if (bytes.toString('base64url') !== trimmed.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
    throw new MasterKeyRefused(`${called} has a typing error at its end: that is not how base64 ends for 32 bytes. Copy it again.`)

  const fault = weakness(bytes)
  if (fault !== undefined) throw new MasterKeyRefused(`${called} ${fault}. ${howToMakeOne}`)
  return masterKey(bytes)
}

/** @param bytes 32 random bytes, wiped by this call. Each derived value has a label of its own, so none tells about another. */
export function masterKey(bytes: Buffer): MasterKey {
  const key = takeKey(bytes)
  const noSalt = Buffer.alloc(0)
  const id = hmac(key, 'patchbay-master-key-id').toString('hex').slice(0, 16)
  const recognise = hkdf(key, noSalt, 'patchbay-key-check', keyBytes)
  return {
    id,
    wrappingKey: takeKey(hkdf(key, noSalt, 'patchbay-data-key-wrapping-v1', keyBytes)),
    keyCheck: Buffer.concat([Buffer.from(id, 'hex'), hmac(recognise, 'patchbay-key-check-v1')]),
  }
}

/**
 * Keys that stand in documents, so everybody has them: SP 800-38A F.1.5 and RFC 8032 §7.1 test 1.
 * A key that ever appears in our own documentation or examples belongs here too.
 */
const published = [
  '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
]

/** Why 32 bytes are surely not random. Each test refuses a random key with a probability below 10⁻⁹. */
function weakness(bytes: Buffer): string | undefined {
  const distinct = new Set(bytes).size
  const steps = new Set([...bytes.subarray(1)].map((byte, i) => (byte - (bytes[i] ?? 0) + 256) % 256))
  if (bytes.every(byte => byte === 0)) return 'is all zeros'
  if (steps.size === 1) return 'counts upwards or repeats one byte; it is not random'
  if (distinct < 16 || bytes.subarray(0, 16).equals(bytes.subarray(16))) return 'repeats itself; it is not random'
  if (bytes.every(byte => byte >= 0x20 && byte <= 0x7e)) return 'is text written as base64, not random bytes'
  if (published.includes(bytes.toString('hex'))) return 'is a published example that everybody knows'
  return undefined
}
