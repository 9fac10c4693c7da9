import { createDecipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { scriptedHost } from '../../../test/support/scripted-host.ts'
import { Failure } from '../failure.ts'
import type { Value } from '../value.ts'
import { functions } from './index.ts'
import { runRow } from '../dispatch.ts'

const { context } = scriptedHost()

function call(name: string, ...values: readonly Value[]): string {
  const row = functions.get(`zoho.encryption.${name}`.toLowerCase())
  if (row === undefined) throw new Error(`no ${name}`)
  return runRow(context, row, values) as string
}

const iv = '0123456789abcdef'
const texts = ['', 'x', 'sixteen letters.', 'ünïcödé — 漢字', 'a long text, '.repeat(500)]

describe.each([
  ['aesEncode', 'aesDecode', 32],
  ['aesEncode128', 'aesDecode128', 16],
] as const)('%s and %s', (encode, decode, longest) => {
  const keys = Array.from({ length: longest }, (_, at) => 'k'.repeat(at + 1))

  test(`come back with every key of 1 to ${String(longest)} bytes, with an initialization vector and without`, () => {
    for (const key of keys) {
      for (const text of texts) {
        expect(call(decode, key, call(encode, key, text, iv), iv), `${String(key.length)} bytes`).toBe(text)
        expect(call(decode, key, call(encode, key, text)), `${String(key.length)} bytes`).toBe(text)
      }
    }
  })

  test('are AES in CBC mode, the key filled up with zero bytes', () => {
    for (const key of ['k', 'passkey', keys.at(-1) ?? '']) {
      const full = Buffer.concat([Buffer.from(key), Buffer.alloc(longest - key.length)])
      const decipher = createDecipheriv(`aes-${String(longest * 8)}-cbc`, full, iv)
      const encrypted = Buffer.from(call(encode, key, 'This is a secret', iv), 'base64')
      expect(Buffer.concat([decipher.update(encrypted), decipher.final()]).toString()).toBe('This is a secret')
    }
  })

  test('count bytes and not letters, and refuse a key that is too long', () => {
    const key = 'ü'.repeat(longest / 2)
    expect(call(decode, key, call(encode, key, 'x'))).toBe('x')
    expect(() => call(encode, `${key}a`, 'x')).toThrow(`The key may have ${String(longest)} bytes at most.`)
  })

  test('without an initialization vector no text is encrypted to the same twice', () => {
    expect(call(encode, 'k', 'x')).not.toBe(call(encode, 'k', 'x'))
  })

  test('what was encrypted with another key or changed is a failure, never another text', () => {
    const encrypted = call(encode, 'right', 'a secret of more than sixteen letters', iv)
    expect(() => call(decode, 'wrong', encrypted, iv)).toThrow(Failure)
    expect(() => call(decode, 'right', encrypted.slice(0, -8), iv)).toThrow(Failure)
  })
})
