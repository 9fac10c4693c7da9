import { createHash, createHmac, type BinaryToTextEncoding } from 'node:crypto'
import { base32Bytes, base32Of, base64Bytes } from '../base-encoding.ts'
import { Failure } from '../failure.ts'
import { percentEncode } from '../tasks/request.ts'
import { textOf } from '../text.ts'
import { fileOf, type Value } from '../value.ts'
import { aesDecode, aesEncode } from './aes.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'
import { htmlDecoded, htmlEncoded } from './html-entities.ts'

/** A text as UTF-8, a file as its bytes. */
const bytesIn = (context: Context, value: Value): Uint8Array =>
  value !== null && typeof value === 'object' && value.kind === 'file' ? value.bytes : Buffer.from(textOf(context.surroundings, value))

/** Digests as text. `binary` is one character of U+0000 … U+00FF for each byte. */
const outputs: Readonly<Record<string, BinaryToTextEncoding>> = { hex: 'hex', base64: 'base64', binary: 'binary' }
const largestForBinary = 1024 * 1024

function outputOf(name: string, format: string, size: number): BinaryToTextEncoding {
  const output = Object.hasOwn(outputs, format.toLowerCase()) ? outputs[format.toLowerCase()] : undefined
  if (output === undefined) throw new Failure(`${name} gives "hex", "base64" or "binary".`)
  if (output === 'binary' && size > largestForBinary) throw new Failure(`With "binary", ${name} takes 1 MB at most.`)
  return output
}

const hash = (algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512', examples: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc: `The ${algorithm.toUpperCase().replace(/^SHA/, 'SHA-')} digest of a text or a file: "hex" unless "base64" or "binary" is asked for.`,
    takes: ['any', 'text?'],
    gives: 'text',
    parameters: ['value', 'output'],
    examples,
    run(context, value, format = 'hex') {
      const bytes = bytesIn(context, value)
      return createHash(algorithm)
        .update(bytes)
        .digest(outputOf(algorithm, format, bytes.length))
    },
  })

/** The reference leaves the output open when none is named; the language's own page says base64, and so do those who check the result. */
const hmac = (algorithm: 'sha1' | 'sha256' | 'sha512', examples: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc: `The HMAC of a text with ${algorithm.toUpperCase().replace(/^SHA/, 'SHA-')}: the key first; "base64" unless "hex" or "binary" is asked for.`,
    takes: ['text', 'any', 'text?'],
    gives: 'text',
    parameters: ['key', 'value', 'output'],
    examples,
    run(context, key, value, format = 'base64') {
      const bytes = bytesIn(context, value)
      return createHmac(algorithm, key)
        .update(bytes)
        .digest(outputOf(`hmac${algorithm}`, format, bytes.length))
    },
  })

const charsets: Readonly<Record<string, 'utf-8' | 'utf-16le' | 'utf-16be'>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
}

function charsetOf(name: string): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const charset = Object.hasOwn(charsets, name.toLowerCase()) ? charsets[name.toLowerCase()] : undefined
  if (charset === undefined) throw new Failure('The charset is "UTF-8", "UTF-16LE" or "UTF-16BE".')
  return charset
}

function encoded(text: string, charset: string): Buffer {
  const known = charsetOf(charset)
  const bytes = Buffer.from(text, known === 'utf-8' ? 'utf8' : 'utf16le')
  return known === 'utf-16be' ? bytes.swap16() : bytes
}

const urlEncode = (name: string): Builtin =>
  builtin({
    doc: 'A text percent-encoded for a URL: a space is %20.',
    takes: ['text'],
    gives: 'text',
    parameters: name === 'encodeUrl' ? [] : ['text'],
    examples: {
      [`${name}("https://www.zoho.com/creator")`]: '"https%3A%2F%2Fwww.zoho.com%2Fcreator"',
      [`${name}("a b&ü*")`]: '"a%20b%26%C3%BC%2A"',
    },
    run(context, text) {
      context.meter.textOf(text.length * 3)
      return percentEncode(text)
    },
  })

/** URL, encoding and encryption. */
export const encoding: Builtins = {
  encodeUrl: urlEncode('encodeUrl'),
  'zoho.encryption.urlEncode': urlEncode('zoho.encryption.urlEncode'),
  'zoho.encryption.urlDecode': builtin({
    doc: 'The text that was percent-encoded; a + is a space.',
    takes: ['text'],
    gives: 'text',
    parameters: ['text'],
    examples: {
      'zoho.encryption.urlDecode("https%3A%2F%2Fwww.zoho.com%2Fcreator")': '"https://www.zoho.com/creator"',
      'zoho.encryption.urlDecode("a+b%20c")': '"a b c"',
      'zoho.encryption.urlDecode("100%")': 'error: not percent-encoded',
    },
    run(_context, text) {
      try {
        return decodeURIComponent(text.replaceAll('+', ' '))
      } catch {
        throw new Failure('This text is not percent-encoded.')
      }
    },
  }),
  'zoho.encryption.base64Encode': builtin({
    doc: 'A text or a file in base64. A text is taken as UTF-8 unless another charset is named.',
    takes: ['any', 'text?'],
    gives: 'text',
    parameters: ['value', 'charset'],
    examples: {
      'zoho.encryption.base64Encode("user:pass")': '"dXNlcjpwYXNz"',
      'zoho.encryption.base64Encode("hé".toFile("a.txt"))': '"aMOp"',
      'zoho.encryption.base64Encode("a", "UTF-16BE")': '"AGE="',
      'zoho.encryption.base64Encode("a", "x")': 'error: The charset is',
    },
    run(context, value, charset = 'UTF-8') {
      const bytes = typeof value === 'string' ? encoded(value, charset) : bytesIn(context, value)
      context.meter.textOf(Math.ceil(bytes.length / 3) * 4)
      return Buffer.from(bytes).toString('base64')
    },
  }),
  'zoho.encryption.base64Decode': builtin({
    doc: 'The text that is written in base64, read as UTF-8 unless another charset is named.',
    takes: ['text', 'text?'],
    gives: 'text',
    parameters: ['text', 'charset'],
    examples: {
      'zoho.encryption.base64Decode("dXNlcjpwYXNz")': '"user:pass"',
      'zoho.encryption.base64Decode("AGE=", "UTF-16BE")': '"a"',
      'zoho.encryption.base64Decode("a?")': 'error: not base64',
    },
    run: (_context, text, charset = 'UTF-8') => new TextDecoder(charsetOf(charset)).decode(base64Bytes(text)),
  }),
  'zoho.encryption.base64DecodeToFile': builtin({
    doc: 'A file of the bytes that are written in base64.',
    takes: ['text', 'text?'],
    gives: 'file',
    parameters: ['text', 'name'],
    examples: {
      'zoho.encryption.base64DecodeToFile("aGk=", "a.txt").getFileContent()': '"hi"',
      'zoho.encryption.base64DecodeToFile("aGk=", "a.txt").getFileName()': '"a.txt"',
    },
    run(context, text, name = 'file') {
      const bytes = base64Bytes(text)
      context.meter.made(bytes.length)
      return fileOf(name, bytes)
    },
  }),
  'zoho.encryption.base32Encode': builtin({
    doc: 'A text or a file in base32.',
    takes: ['any'],
    gives: 'text',
    parameters: ['value'],
    examples: {
      'zoho.encryption.base32Encode("foobar")': '"MZXW6YTBOI======"',
      'zoho.encryption.base32Encode("")': '""',
    },
    run(context, value) {
      const bytes = bytesIn(context, value)
      context.meter.textOf(Math.ceil(bytes.length / 5) * 8)
      return base32Of(bytes)
    },
  }),
  'zoho.encryption.base32Decode': builtin({
    doc: 'The text that is written in base32.',
    takes: ['text'],
    gives: 'text',
    parameters: ['text'],
    examples: {
      'zoho.encryption.base32Decode("MZXW6YTBOI======")': '"foobar"',
      'zoho.encryption.base32Decode("1")': 'error: not base32',
    },
    run: (_context, text) => base32Bytes(text).toString(),
  }),
  'zoho.encryption.md5': hash('md5', { 'zoho.encryption.md5("abc")': '"900150983cd24fb0d6963f7d28e17f72"' }),
  'zoho.encryption.sha1': hash('sha1', { 'zoho.encryption.sha1("abc")': '"a9993e364706816aba3e25717850c26c9cd0d89d"' }),
  'zoho.encryption.sha256': hash('sha256', {
    'zoho.encryption.sha256("abc")': '"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"',
    'zoho.encryption.sha256("abc", "base64")': '"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="',
    'zoho.encryption.sha256("abc", "binary").len()': '32',
    'zoho.encryption.sha256("abc", "octal")': 'error: gives "hex"',
  }),
  'zoho.encryption.sha512': hash('sha512', { 'zoho.encryption.sha512("abc").left(16)': '"ddaf35a193617aba"' }),
  'zoho.encryption.hmacsha1': hmac('sha1', {
    'zoho.encryption.hmacsha1("key", "The quick brown fox jumps over the lazy dog", "hex")': '"de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"',
  }),
  'zoho.encryption.hmacsha256': hmac('sha256', {
    'zoho.encryption.hmacsha256("key", "The quick brown fox jumps over the lazy dog", "hex")':
      '"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"',
    'zoho.encryption.hmacsha256("key", "The quick brown fox jumps over the lazy dog")': '"97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="',
  }),
  'zoho.encryption.hmacsha512': hmac('sha512', {
    'zoho.encryption.hmacsha512("key", "The quick brown fox jumps over the lazy dog", "hex").left(16)': '"b42af09057bac1e2"',
  }),
  'zoho.encryption.aesEncode': aesEncode(32, {
    'zoho.encryption.aesEncode("passkey", "This is a secret", "0000000000000000")': '"AR+ygx+et18UNeIltGh82NBgPQx6Y0hWbEcgN3NVbJA="',
    'zoho.encryption.aesDecode("passkey", zoho.encryption.aesEncode("passkey", "ü"))': '"ü"',
    'zoho.encryption.aesEncode("passkey", "x", "short")': 'error: 16 characters',
  }),
  'zoho.encryption.aesDecode': aesDecode(32, {
    'zoho.encryption.aesDecode("passkey", "yf/u6N0HjKWXFFHIEKzG23+CM+BoL4RBPNb4mc0G3hw5q6xPe9KSpUd62Z5sjjSE")': '"This is a secret"',
    'zoho.encryption.aesDecode("passkey", "AR+ygx+et18UNeIltGh82NBgPQx6Y0hWbEcgN3NVbJA=", "0000000000000000")': '"This is a secret"',
    'zoho.encryption.aesDecode("other", "AR+ygx+et18UNeIltGh82NBgPQx6Y0hWbEcgN3NVbJA=", "0000000000000000")': 'error: cannot be decrypted',
  }),
  'zoho.encryption.aesEncode128': aesEncode(16, {
    'e = zoho.encryption.aesEncode128("passkey", "a secret", "0123456789abcdef"); zoho.encryption.aesDecode128("passkey", e, "0123456789abcdef")':
      '"a secret"',
    'zoho.encryption.aesEncode128("a key of seventeen", "x")': 'error: 16 bytes at most',
  }),
  'zoho.encryption.aesDecode128': aesDecode(16, {
    'zoho.encryption.aesDecode128("passkey", zoho.encryption.aesEncode128("passkey", "a secret"))': '"a secret"',
    'zoho.encryption.aesDecode128("passkey", "AAAA", "0123456789abcdef", "10")': 'error: iteration count is not available',
  }),
  'zoho.encryption.htmlEncode': builtin({
    doc: 'A text with the characters that mean something in HTML written as entities.',
    takes: ['text'],
    gives: 'text',
    parameters: ['text'],
    examples: { 'zoho.encryption.htmlEncode("<a href=\'x\'>&</a>")': '"&lt;a href=&#39;x&#39;&gt;&amp;&lt;/a&gt;"' },
    run(context, text) {
      context.meter.textOf(text.length + (text.match(/[&<>"']/g)?.length ?? 0) * 5)
      return htmlEncoded(text)
    },
  }),
  'zoho.encryption.htmlDecode': builtin({
    doc: 'A text with its HTML entities as characters. Entities that are not known stay as they are.',
    takes: ['text'],
    gives: 'text',
    parameters: ['text'],
    examples: {
      'zoho.encryption.htmlDecode("&lt;b&gt; &amp;amp; &#233; &#x20AC; &eacute; &nosuch;")': '"<b> &amp; é € é &nosuch;"',
    },
    run: (_context, text) => htmlDecoded(text),
  }),
}
