/** Pieces that are kept as they come: most bodies have one or two. */
const keptAsTheyAre = 8
/** From this size on the object around a piece weighs nothing beside it. */
const worthAnObject = 2048
const slabBytes = 16 * 1024

/**
 * Keeps a piece of a body. Bodies come in pieces as small as their senders like, and the object around a single byte weighs a hundred times
 * as much: small ones are copied together.
 *
 * @param room  What the last call returned; null at first. Where the next small ones go.
 */
export function keepPiece(pieces: Buffer[], piece: Buffer, room: Buffer | null): Buffer | null {
  if (pieces.length < keptAsTheyAre || piece.length >= worthAnObject) {
    pieces.push(piece)
    return room
  }
  const free = room !== null && room.length >= piece.length ? room : Buffer.allocUnsafeSlow(slabBytes)
  piece.copy(free)
  const last = pieces.at(-1)
  if (last?.buffer === free.buffer && last.byteOffset + last.length === free.byteOffset)
    pieces[pieces.length - 1] = Buffer.from(free.buffer, last.byteOffset, last.length + piece.length)
  else pieces.push(free.subarray(0, piece.length))
  return free.subarray(piece.length)
}
