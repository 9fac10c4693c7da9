import { createHmac, verify } from 'node:crypto'
import type { Pair } from '../core/request.ts'

export const signatureMethods = ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'RSA-SHA256', 'PLAINTEXT'] as const
export type SignatureMethod = (typeof signatureMethods)[number]

/** RFC 5849 §3.6, byte by byte: this is the verifier's own arithmetic and leans on no encoder that a signer might use too. */
export function encode(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9._~-]/.test(character) ? character : '%' + byte.toString(16).toUpperCase().padStart(2, '0')
  }
  return encoded
}

/**
 * RFC 5849 §3.4.1.2: lower-case scheme and host, no default port, the path as it stood on the request line, no query.
 * @param target the request target in origin form, `/path?query`.
 */
export function baseUri(scheme: string, host: string, target: string): string {
  const authority = host.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '')
  return `${scheme.toLowerCase()}://${authority}${target.split('?', 1)[0] || '/'}`
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** RFC 5849 §3.4.1.1. `parameters` are decoded, from all three places, without `oauth_signature` and `realm`. */
export function baseString(method: string, uri: string, parameters: readonly Pair[]): string {
  const normalised = parameters
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [method.toUpperCase(), uri, normalised].map(encode).join('&')
}

/** RFC 5849 §3.4.2. */
const keyOf = (consumerSecret: string, tokenSecret: string): string => `${encode(consumerSecret)}&${encode(tokenSecret)}`

/** The expected signature of a method with shared secrets (RFC 5849 §3.4.2, §3.4.4). */
export function sharedSecretSignature(
  method: 'HMAC-SHA1' | 'HMAC-SHA256' | 'PLAINTEXT',
  base: string,
  consumerSecret: string,
  tokenSecret: string,
): string {
  const key = keyOf(consumerSecret, tokenSecret)
  if (method === 'PLAINTEXT') return key
  return createHmac(method === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
    .update(base)
    .digest('base64')
}

/** RFC 5849 §3.4.3, and its SHA-256 sibling. False for a key or a signature that is none. */
export function rsaVerifies(method: 'RSA-SHA1' | 'RSA-SHA256', base: string, publicKey: string, signature: string): boolean {
  try {
    return verify(method === 'RSA-SHA1' ? 'sha1' : 'sha256', Buffer.from(base), publicKey, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}
