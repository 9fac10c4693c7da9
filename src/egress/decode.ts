import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import { uncountedBytes } from '../core/held-bytes.ts'

/** Below this size any ratio is harmless; above it no honest answer is a hundred times its compressed size (X15). */
const harmlessBytes = 1024 * 1024
const greatestRatio = 100
/** What unpacks to no more is small: it is not counted. */
const smallBytes = 4 * uncountedBytes
/** An answer that is packed into no more than this is seldom large: that is tried first, before room for a large one is asked for. */
const seldomLargeBytes = 16 * 1024

export class UndecodableError extends Error {
  readonly tooLarge: boolean

  constructor(message: string, tooLarge: boolean, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'UndecodableError'
    this.tooLarge = tooLarge
  }
}

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip), // RFC 9110 §8.4.1.3
  br: promisify(brotliDecompress),
  deflate: (bytes: Buffer, limit: { maxOutputLength: number }) =>
    // RFC 9110 §8.4.1.2 notes that some send deflate without the zlib wrapper; the wrapper's first byte ends in 8 (RFC 1950 §2.2).
    (((bytes[0] ?? 0) & 0x0f) === 8 ? promisify(inflate) : promisify(inflateRaw))(bytes, limit),
} as const

/** What `decode` understands, for Accept-Encoding. */
export const acceptedEncodings = 'gzip, deflate, br'

type Coding = keyof typeof decoders

/**
 * Reads Content-Encoding: null when there is nothing to undo.
 * @throws UndecodableError for an unknown coding and for several on top of each other, which nobody needs but bombs.
 */
export function codingOf(header: string): Coding | null {
  const codings = header
    .split(',')
    .map(one => one.trim().toLowerCase())
    .filter(one => one !== '' && one !== 'identity')
  const [coding] = codings
  if (coding === undefined) return null
  if (codings.length > 1) throw new UndecodableError('it applied several content encodings to its answer.', false)
  if (!Object.hasOwn(decoders, coding)) throw new UndecodableError('it applied an unknown content encoding to its answer.', false)
  return coding as Coding
}

/**
 * Undoes a content coding, off the main thread, stopping as soon as the result is larger than `maxBytes` or a hundred times its input.
 * @param roomFor Asked before so many bytes may come to be; null when there is room for them. What turns out to be small needs none.
 * @throws UndecodableError
 */
export async function decode(
  coding: Coding,
  bytes: Buffer,
  maxBytes: number,
  roomFor: (bytes: number) => Promise<void> | null = () => null,
): Promise<Buffer> {
  const maxOutputLength = Math.min(maxBytes, Math.max(harmlessBytes, bytes.length * greatestRatio))
  const seldomLarge = bytes.length <= seldomLargeBytes
  const room = seldomLarge ? null : roomFor(maxOutputLength)
  if ((seldomLarge || room !== null) && bytes.length <= uncountedBytes && maxOutputLength > smallBytes) {
    try {
      return await decodeUpTo(coding, bytes, smallBytes)
    } catch (error) {
      if (!(error instanceof UndecodableError) || !error.tooLarge) throw error
    }
  }
  await (seldomLarge ? roomFor(maxOutputLength) : room)
  return decodeUpTo(coding, bytes, maxOutputLength)
}

async function decodeUpTo(coding: Coding, bytes: Buffer, maxOutputLength: number): Promise<Buffer> {
  try {
    return await decoders[coding](bytes, { maxOutputLength })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UndecodableError('its answer unpacks to more than is accepted.', true, { cause: error })
    }
    throw new UndecodableError(`its answer is not valid ${coding}.`, false, { cause: error })
  }
}

/** What was decoded is neither encoded nor as long any more. */
export function dropEncoding(headers: string[]): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i]?.toLowerCase()
    if (name === 'content-encoding' || name === 'content-length') headers.splice(i, 2)
  }
}
