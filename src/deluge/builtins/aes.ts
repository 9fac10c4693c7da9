import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { base64Bytes } from '../base-encoding.ts'
import { Failure } from '../failure.ts'
import { builtin, type Builtin } from './define.ts'

/**
 * How the original encrypts, found from the vectors of its pages: AES-CBC with PKCS #7, the key filled up with zero bytes, and base64. An
 * initialization vector is 16 characters; without one 16 random bytes stand before what is encrypted.
 */
function aesKey(key: string, size: 16 | 32): Buffer {
  const bytes = Buffer.from(key)
  if (bytes.length > size) throw new Failure(`The key may have ${String(size)} bytes at most.`)
  return Buffer.concat([bytes, Buffer.alloc(size - bytes.length)])
}

function aesVector(iv: string): Buffer {
  const bytes = Buffer.from(iv)
  if (bytes.length !== 16) throw new Failure('The initialization vector must have 16 characters.')
  return bytes
}

function refuseIterations(iterations: string): void {
  if (!/^\s*0*\s*$/.test(iterations))
    throw new Failure('An iteration count is not available here: how the original derives its key is not published.')
}

export const aesEncode = (size: 16 | 32, examples: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc: `Encrypts a text with AES-${String(size * 8)} in CBC mode and gives base64. The key is filled up with zero bytes; without an initialization vector of 16 characters a random one stands at the beginning.`,
    takes: ['text', 'text', 'text?', 'text?'],
    gives: 'text',
    parameters: ['key', 'text', 'iv', 'iterations'],
    examples,
    run(context, key, text, iv = '', iterations = '0') {
      refuseIterations(iterations)
      context.meter.textOf(text.length * 2)
      const vector = iv === '' ? randomBytes(16) : aesVector(iv)
      const cipher = createCipheriv(`aes-${String(size * 8)}-cbc`, aesKey(key, size), vector)
      return Buffer.concat([...(iv === '' ? [vector] : []), cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
    },
  })

export const aesDecode = (size: 16 | 32, examples: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc: `Decrypts what \`aesEncode${size === 16 ? '128' : ''}\` encrypted, with the same key and the same initialization vector.`,
    takes: ['text', 'text', 'text?', 'text?'],
    gives: 'text',
    parameters: ['key', 'encrypted', 'iv', 'iterations'],
    examples,
    run(_context, key, text, iv = '', iterations = '0') {
      refuseIterations(iterations)
      const bytes = base64Bytes(text)
      const vector = iv === '' ? bytes.subarray(0, 16) : aesVector(iv)
      const rest = iv === '' ? bytes.subarray(16) : bytes
      if (vector.length < 16) throw new Failure('This cannot be decrypted: it is too short.')
      try {
        const decipher = createDecipheriv(`aes-${String(size * 8)}-cbc`, aesKey(key, size), vector)
        return Buffer.concat([decipher.update(rest), decipher.final()]).toString()
      } catch (error) {
        if (error instanceof Failure) throw error
        throw new Failure('This cannot be decrypted with this key and initialization vector.')
      }
    },
  })
