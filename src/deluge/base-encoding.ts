import { Failure } from './failure.ts'

/** Base64 in either alphabet, with or without padding, over several lines. */
export function base64Bytes(text: string): Buffer {
  const digits = text.replace(/\s+/g, '').replace(/=+$/, '')
  if (!/^[\w+/-]*$/.test(digits) || digits.length % 4 === 1) throw new Failure('This is not base64.')
  return Buffer.from(digits, 'base64')
}

const base32Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 §6, with padding. */
export function base32Of(bytes: Uint8Array): string {
  const digits: string[] = []
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      digits.push(base32Digits[(held >> bits) & 31] ?? '')
      held &= (1 << bits) - 1
    }
  }
  if (bits > 0) digits.push(base32Digits[(held << (5 - bits)) & 31] ?? '')
  return digits.join('').padEnd(Math.ceil(digits.length / 8) * 8, '=')
}

/** The bytes that base32 digits write, in any case, with or without padding. */
export function base32Bytes(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const digit of text.replace(/\s+/g, '').replace(/=+$/, '').toUpperCase()) {
    const value = base32Digits.indexOf(digit)
    if (value < 0) throw new Failure('This is not base32.')
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push(held >> bits)
    held &= (1 << bits) - 1
  }
  return Buffer.from(bytes)
}
