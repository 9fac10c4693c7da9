import fc from 'fast-check'
import { assert, test } from 'vitest'
import { Problem } from '../core/problem.ts'
import { associatedData, dataKey, kidOf, maxPlaintextBytes, open, seal, type Place } from './envelope.ts'
import { takeKey } from './primitives.ts'

const kid = '0b1c2d3e-4f50-4162-8374-95a6b7c8d9ea'
const keyOf = (id: string, organizationId: string, byte: number) => dataKey(id, organizationId, takeKey(Buffer.alloc(32, byte)))
const key = keyOf(kid, 'org-a', 1)
const place: Place = {
  organizationId: 'org-a',
  table: 'credentials',
  rowId: 'row-1',
  column: 'access_token',
  rowVersion: 7,
  serviceRevision: 3,
}
const secret = Buffer.from('the secret')
const sealed = seal(key, place, secret)

function refused(attempt: () => unknown): void {
  try {
    attempt()
  } catch (error) {
    assert.instanceOf(error, Problem)
    assert.equal(error.code, 'integrity_error')
    assert.deepEqual(error.facts, {})
    assert.isUndefined(error.cause)
    return
  }
  assert.fail('it was accepted')
}

test('opens where it was sealed', () => {
  assert.equal(open(key, place, sealed).toString(), 'the secret')
})

test('is laid out as version, data key id, nonce, ciphertext, tag', () => {
  assert.equal(sealed.length, 1 + 16 + 12 + secret.length + 16)
  assert.equal(sealed[0], 1)
  assert.equal(sealed.toString('hex', 1, 17), kid.replaceAll('-', ''))
  assert.equal(kidOf(sealed), kid)
  assert.isFalse(sealed.includes(secret))
})

test('does not open in any other place', () => {
  const elsewhere: readonly Partial<Place>[] = [
    { table: 'services' },
    { rowId: 'row-2' },
    { column: 'refresh_token' },
    { rowVersion: 6 },
    { rowVersion: 8 },
    { rowVersion: 7 + 2 ** 32 },
    { serviceRevision: 4 },
    { rowVersion: 3, serviceRevision: 7 },
    { table: 'credentialsr', rowId: 'ow-1' },
    { rowId: 'row-1a', column: 'ccess_token' },
    { table: 'row-1', rowId: 'credentials' },
  ]
  for (const other of elsewhere) refused(() => open(key, { ...place, ...other }, sealed))
})

test('does not open for another organisation, whichever key is tried', () => {
  const other = { ...place, organizationId: 'org-b' }
  refused(() => open(key, other, sealed))
  refused(() => open(keyOf(kid, 'org-b', 1), other, sealed)) // the same key bytes under the same id
  refused(() => open(keyOf(kid, 'org-b', 1), place, sealed))
  refused(() => open(keyOf(kid, 'org-a', 2), place, sealed))
  refused(() => open(keyOf('ffffffff-4f50-4162-8374-95a6b7c8d9ea', 'org-a', 1), place, sealed))
})

test('does not open when any single bit has been flipped', () => {
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    refused(() => open(key, place, flipped))
  }
})

test('does not open when cut short or made longer anywhere', () => {
  for (let length = 0; length < sealed.length; length++) refused(() => open(key, place, sealed.subarray(0, length)))
  for (let start = 1; start < sealed.length; start++) refused(() => open(key, place, sealed.subarray(start)))
  for (const extra of [1, 4, 16]) refused(() => open(key, place, Buffer.concat([sealed, Buffer.alloc(extra)])))
})

test('has no id for a format it does not write', () => {
  for (const other of [
    Buffer.alloc(0),
    sealed.subarray(0, 44),
    Buffer.concat([Buffer.of(2), sealed.subarray(1)]),
    Buffer.from('eyJhbGciOiJkaXIifQ'.repeat(4)),
  ])
    refused(() => kidOf(other))
})

test('no two places have the same associated data', () => {
  const anyPlace = fc.record({
    organizationId: fc.string({ unit: 'grapheme', maxLength: 4 }),
    table: fc.string({ maxLength: 4 }),
    rowId: fc.string({ maxLength: 4 }),
    column: fc.string({ maxLength: 4 }),
    rowVersion: fc.maxSafeNat(),
    serviceRevision: fc.maxSafeNat(),
  })
  const text = (p: Place) => JSON.stringify([p.organizationId, p.table, p.rowId, p.column, p.rowVersion, p.serviceRevision])
  fc.assert(fc.property(anyPlace, anyPlace, (a, b) => associatedData(a).equals(associatedData(b)) === (text(a) === text(b))))
  // Moving the boundary between two fields is what an encoding without lengths would not notice.
  fc.assert(
    fc.property(fc.string({ minLength: 2, maxLength: 20 }), fc.nat(), fc.nat(), (whole, i, j) => {
      const at = (n: number) => ({ ...place, rowId: whole.slice(0, n % whole.length), column: whole.slice(n % whole.length) })
      return associatedData(at(i)).equals(associatedData(at(j))) === (i % whole.length === j % whole.length)
    }),
  )
})

test('text that imitates a boundary does not move it', () => {
  const one = associatedData({ ...place, rowId: 'x', column: '\0\0\0\0y' })
  const two = associatedData({ ...place, rowId: 'x\0\0\0\0', column: 'y' })
  assert.isFalse(one.equals(two))
})

test('refuses versions that are not integers from 0', () => {
  for (const rowVersion of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => seal(key, { ...place, rowVersion }, secret), RangeError)
})

test('any bytes come back, each time sealed differently', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      const one = seal(key, place, Buffer.from(bytes))
      const two = seal(key, place, Buffer.from(bytes))
      return !one.equals(two) && open(key, place, one).equals(bytes) && open(key, place, two).equals(bytes)
    }),
  )
})

test('refuses more than its bound and another organisation’s place', () => {
  assert.equal(open(key, place, seal(key, place, Buffer.alloc(maxPlaintextBytes))).length, maxPlaintextBytes)
  assert.throws(() => seal(key, place, Buffer.alloc(maxPlaintextBytes + 1)), Problem)
  assert.throws(() => seal(key, { ...place, organizationId: 'org-b' }, secret), TypeError)
})
