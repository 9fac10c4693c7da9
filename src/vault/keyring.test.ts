import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { assert, test } from 'vitest'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { DataKeyRow, DataKeyStore } from './data-key.ts'
import { kidOf, type Place } from './envelope.ts'
import { createKeyring } from './keyring.ts'
import { parseMasterKey, type MasterKey } from './master-key.ts'

const masterKeyOf = (name: string) => parseMasterKey(createHash('sha256').update(name).digest('base64'))
const first = masterKeyOf('first')
const second = masterKeyOf('second')
const placeIn = (organizationId: string, changes: Partial<Place> = {}): Place => ({
  organizationId,
  table: 'credentials',
  rowId: 'row-1',
  column: 'sealed',
  rowVersion: 1,
  serviceRevision: 1,
  ...changes,
})

interface MemoryStore extends DataKeyStore {
  readonly rows: Map<string, DataKeyRow>
  readonly calls: { find: number; rewrap: number }
}

/** The store's contract over a map. Each call waits its turn first, as one to a database does; what follows is atomic. */
function memoryStore(): MemoryStore {
  const rows = new Map<string, DataKeyRow>()
  const calls = { find: 0, rewrap: 0 }
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  const activeOf = (organizationId: string) =>
    [...rows.values()].find(row => row.organization_id === organizationId && row.state === 'active')
  return {
    rows,
    calls,
    async findActive(organizationId) {
      calls.find++
      await turn()
      return activeOf(organizationId)
    },
    async findByKid(kid) {
      calls.find++
      await turn()
      return rows.get(kid)
    },
    async findAll(kids, organizationIds) {
      calls.find++
      await turn()
      return [...rows.values()].filter(
        row => kids.includes(row.kid) || (row.state === 'active' && organizationIds.includes(row.organization_id)),
      )
    },
    async insertActive(row) {
      await turn()
      if (activeOf(row.organization_id)) return false
      rows.set(row.kid, { ...row, state: 'active' })
      return true
    },
    async replaceActive(retiredKid, row) {
      await turn()
      const old = rows.get(retiredKid)
      if (old?.state !== 'active') return false
      rows.set(retiredKid, { ...old, state: 'retired' })
      rows.set(row.kid, { ...row, state: 'active' })
      return true
    },
    async rewrap(kid, fromMasterKeyId, wrapped, toMasterKeyId) {
      calls.rewrap++
      await turn()
      const row = rows.get(kid)
      if (row?.master_key_id !== fromMasterKeyId) return false
      rows.set(kid, { ...row, wrapped, master_key_id: toMasterKeyId })
      return true
    },
    async page(after, limit) {
      await turn()
      const sorted = [...rows.values()].sort((a, b) => (a.kid < b.kid ? -1 : 1))
      return sorted.filter(row => after === undefined || row.kid > after).slice(0, limit)
    },
    async countByMasterKey() {
      await turn()
      const counts = new Map<string, number>()
      for (const row of rows.values()) counts.set(row.master_key_id, (counts.get(row.master_key_id) ?? 0) + 1)
      return [...counts].map(([master_key_id, count]) => ({ master_key_id, count }))
    },
  }
}

const vaultOn = (store: DataKeyStore, ...masterKeys: readonly MasterKey[]) => createKeyring({ masterKeys, store })

async function refused(attempt: () => Promise<unknown>): Promise<Problem> {
  try {
    await attempt()
  } catch (error) {
    assert.instanceOf(error, Problem)
    assert.equal(error.code, 'integrity_error')
    assert.deepEqual(error.facts, {})
    return error
  }
  return assert.fail('it was accepted')
}

test('a secret comes back as a Secret, on this instance and on one that has just started', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  for (const text of ['', 'token', 'pässwörd 🔑', '\u0000\n']) {
    const sealed = await vault.seal(placeIn('a'), new Secret(text))
    assert.equal((await vault.open(placeIn('a'), sealed)).expose(), text)
    assert.equal((await vaultOn(store, first).open(placeIn('a'), sealed)).expose(), text)
  }
  assert.equal(inspect(await vault.open(placeIn('a'), await vault.seal(placeIn('a'), 'token'))), '[secret]')
})

test('half a character is refused, because it would come back as another one', async () => {
  const vault = vaultOn(memoryStore(), first)
  try {
    await vault.seal(placeIn('a'), 'pass\ud800word')
    assert.fail('it was accepted')
  } catch (error) {
    assert(error instanceof Problem)
    assert.equal(error.code, 'validation_failed')
  }
})

test('without awaiting, it seals and opens only with keys in memory', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  assert.isUndefined(vault.sealSync(placeIn('a'), 'token'))
  const sealed = await vault.seal(placeIn('a'), 'token')
  const again = vault.sealSync(placeIn('a'), 'token two')
  assert(again)
  assert.equal(vault.openSync(placeIn('a'), sealed)?.expose(), 'token')
  assert.equal(vault.openSync(placeIn('a'), again)?.expose(), 'token two')

  const restarted = vaultOn(store, first)
  assert.isUndefined(restarted.openSync(placeIn('a'), sealed))
  await restarted.open(placeIn('a'), sealed)
  assert.equal(restarted.openSync(placeIn('a'), sealed)?.expose(), 'token')
  assert.throws(() => vault.openSync(placeIn('a', { rowVersion: 2 }), sealed), Problem)
})

test('the data keys of many fields are had by one question; what is missing or altered is refused only where it is used', async () => {
  const store = memoryStore()
  const names = ['a', 'b', 'c', 'd']
  const before = vaultOn(store, first)
  const sealed = await Promise.all(names.map(name => before.seal(placeIn(name), `secret of ${name}`)))
  const fields = names.map((name, i) => ({ organization_id: name, sealed: sealed[i] ?? Buffer.alloc(0) }))
  await before.rotateDataKey('a')
  const altered = store.rows.get(kidOf(sealed[1] ?? Buffer.alloc(0)))
  if (altered) store.rows.set(altered.kid, { ...altered, wrapped: Buffer.alloc(60) })
  store.rows.delete(kidOf(sealed[2] ?? Buffer.alloc(0)))

  const vault = vaultOn(store, first)
  store.calls.find = 0
  await vault.preload([...fields, { organization_id: 'd', sealed: Buffer.of(9, 9) }])
  assert.equal(store.calls.find, 1)
  for (const [at, name] of [
    [0, 'a'],
    [3, 'd'],
  ] as const)
    // prettier-ignore
    assert.equal(vault.openSync(placeIn(name), sealed[at] ?? Buffer.alloc(0))?.expose(), `secret of ${name}`)
  assert.notEqual(kidOf(vault.sealSync(placeIn('a'), 'more') ?? Buffer.alloc(0)), kidOf(sealed[0] ?? Buffer.alloc(0)), 'by the newer one')
  assert.equal(store.calls.find, 1, 'nothing was left to ask for')
  for (const at of [1, 2]) await refused(() => vault.open(placeIn(names[at] ?? ''), sealed[at] ?? Buffer.alloc(0)))
  store.calls.find = 0
  await vault.preload([fields[0], fields[3]].flatMap(one => one ?? []))
  assert.equal(store.calls.find, 0, 'all of it was in memory')
})

test('a sealer taken before needs the store no more', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const seal = await vault.sealer('a')
  vault.forget('a')
  const asked = store.calls.find
  const sealed = seal(placeIn('a'), 'token')
  assert.equal(store.calls.find, asked)
  assert.equal((await vault.open(placeIn('a'), sealed)).expose(), 'token')
  assert.throws(() => seal(placeIn('b'), 'token'), TypeError)
})

test('what was sealed in one place opens in no other, with cold and with warm keys', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const sealed = await vault.seal(placeIn('a'), 'token')
  await vault.seal(placeIn('b'), 'token of b')
  for (const place of [
    placeIn('b'),
    placeIn('a', { rowId: 'row-2' }),
    placeIn('a', { column: 'other' }),
    placeIn('a', { rowVersion: 2 }),
    placeIn('a', { rowVersion: 0 }),
    placeIn('a', { serviceRevision: 2 }),
    placeIn('a', { table: 'services' }),
  ]) {
    await refused(() => vault.open(place, sealed))
    await refused(() => vaultOn(store, first).open(place, sealed))
  }
})

test('each organisation has a data key of its own; deleting its row shreds its secrets', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const [a, b] = [await vault.seal(placeIn('a'), 'of a'), await vault.seal(placeIn('b'), 'of b')]
  assert.notEqual(kidOf(a), kidOf(b))
  store.rows.delete(kidOf(a))
  vault.forget('a')
  await refused(() => vault.open(placeIn('a'), a))
  assert.equal((await vault.open(placeIn('b'), b)).expose(), 'of b')
})

test('an unknown data key, an altered row and a row moved to another organisation are refused', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const sealed = await vault.seal(placeIn('a'), 'token')
  const row = store.rows.get(kidOf(sealed))
  assert(row)

  const unknown = Buffer.from(sealed)
  randomBytes(16).copy(unknown, 1)
  await refused(() => vault.open(placeIn('a'), unknown))

  for (let byte = 0; byte < row.wrapped.length; byte++) {
    const wrapped = Buffer.from(row.wrapped)
    wrapped[byte] = (wrapped[byte] ?? 0) ^ 1
    store.rows.set(row.kid, { ...row, wrapped })
    await refused(() => vaultOn(store, first).open(placeIn('a'), sealed))
  }
  store.rows.set(row.kid, { ...row, organization_id: 'b' })
  await refused(() => vaultOn(store, first).open(placeIn('a'), sealed))
  await refused(() => vaultOn(store, first).open(placeIn('b'), sealed))
})

test('a wrapped data key that was copied into another row does not open there', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const [a, b, old] = [await vault.activeKid('a'), await vault.activeKid('b'), await vault.activeKid('c')]
  const young = await vault.rotateDataKey('c')
  const copy = (from: string, to: string) => {
    const [source, target] = [store.rows.get(from), store.rows.get(to)]
    assert(source && target)
    store.rows.set(to, { ...target, wrapped: source.wrapped })
  }
  copy(a, b) // so that b would seal with a key that a's people may come to know
  copy(old, young) // so that a retired key would be used again
  await refused(() => vaultOn(store, first).seal(placeIn('b'), 'token'))
  assert.deepEqual(await vault.verify(), { checked: 4, damaged: [b, young].sort() })
})

test('another master key opens nothing, changes nothing and is named only in the private cause', async () => {
  const store = memoryStore()
  const sealed = await vaultOn(store, first).seal(placeIn('a'), 'token')
  const before = JSON.stringify([...store.rows])
  const stranger = vaultOn(store, second)
  const problem = await refused(() => stranger.open(placeIn('a'), sealed))
  assert.include(String(problem.cause), first.id)
  await refused(() => stranger.seal(placeIn('a'), 'token'))
  try {
    await stranger.rewrap()
    assert.fail('it was accepted')
  } catch (error) {
    assert.match(String(error), new RegExp(first.id))
  }
  assert.equal(store.calls.rewrap, 0)
  assert.equal(JSON.stringify([...store.rows]), before)

  // A row that claims to be wrapped by a key which did not wrap it.
  const row = store.rows.get(kidOf(sealed))
  assert(row)
  store.rows.set(row.kid, { ...row, master_key_id: second.id })
  await refused(() => stranger.open(placeIn('a'), sealed))
})

test('instances that make an organisation’s first data key at once end with the same one', async () => {
  const store = memoryStore()
  const vaults = Array.from({ length: 8 }, () => vaultOn(store, first))
  const sealed = await Promise.all(vaults.flatMap(vault => [1, 2, 3].map(() => vault.seal(placeIn('a'), 'token'))))
  assert.equal(store.rows.size, 1)
  assert.equal(new Set(sealed.map(kidOf)).size, 1)
  for (const field of sealed) assert.equal((await vaultOn(store, first).open(placeIn('a'), field)).expose(), 'token')
})

test('many calls that need one cold key ask the store once', async () => {
  const store = memoryStore()
  const sealed = await vaultOn(store, first).seal(placeIn('a'), 'token')
  const asked = store.calls.find
  const vault = vaultOn(store, first)
  await Promise.all(Array.from({ length: 50 }, () => vault.open(placeIn('a'), sealed)))
  assert.equal(store.calls.find - asked, 1)
})

test('a store that fails once is asked again', async () => {
  const store = memoryStore()
  const sealed = await vaultOn(store, first).seal(placeIn('a'), 'token')
  let failures = 1
  const vault = vaultOn(
    { ...store, findByKid: kid => (failures-- > 0 ? Promise.reject(new Problem('storage_unavailable')) : store.findByKid(kid)) },
    first,
  )
  const outcome = await vault.open(placeIn('a'), sealed).catch((error: unknown) => error)
  assert(outcome instanceof Problem && outcome.code === 'storage_unavailable')
  assert.equal((await vault.open(placeIn('a'), sealed)).expose(), 'token')
})

test('after a data key is rotated new fields use the new one and old fields still open', async () => {
  const store = memoryStore()
  const vault = vaultOn(store, first)
  const old = await vault.seal(placeIn('a'), 'old')
  const kid = await vault.rotateDataKey('a')
  const young = await vault.seal(placeIn('a'), 'young')
  assert.notEqual(kidOf(old), kid)
  assert.deepEqual([kidOf(young), await vault.activeKid('a')], [kid, kid])
  for (const reader of [vault, vaultOn(store, first)])
    assert.deepEqual([(await reader.open(placeIn('a'), old)).expose(), (await reader.open(placeIn('a'), young)).expose()], ['old', 'young'])
  assert.deepEqual([...store.rows.values()].map(row => row.state).sort(), ['active', 'retired'])
})

test('instances that rotate at once leave one active data key', async () => {
  const store = memoryStore()
  const vaults = Array.from({ length: 4 }, () => vaultOn(store, first))
  await vaults[0]?.seal(placeIn('a'), 'token')
  const kids = await Promise.all(vaults.map(vault => vault.rotateDataKey('a')))
  const active = [...store.rows.values()].filter(row => row.state === 'active')
  assert.lengthOf(active, 1)
  assert.include(kids, active[0]?.kid)
  for (const [i, vault] of vaults.entries()) {
    const sealed = await vault.seal(placeIn('a'), 'token')
    assert.equal(kidOf(sealed), kids[i])
    assert.equal((await vaultOn(store, first).open(placeIn('a'), sealed)).expose(), 'token')
  }
})

test('while every data key is re-wrapped readers and writers never fail, and the old master key is then not needed', async () => {
  const store = memoryStore()
  const before = vaultOn(store, first)
  const organizations = Array.from({ length: 1200 }, (_, i) => `org-${String(i)}`)
  const sealed = new Map<string, Buffer>()
  for (const name of organizations) sealed.set(name, (await before.sealer(name))(placeIn(name), name))

  // A new reader each time, so that every read goes to the store; half of them are instances not restarted since.
  let running = true
  let reads = 0
  const reader = async (...masterKeys: readonly MasterKey[]) => {
    for (let i = 0; running; i++) {
      const name = organizations[(i * 7919) % organizations.length] ?? ''
      const field = sealed.get(name) ?? Buffer.alloc(0)
      assert.equal((await vaultOn(store, ...masterKeys).open(placeIn(name), field)).expose(), name)
      reads++
    }
  }
  const rotating = vaultOn(store, second, first)
  const seen: number[] = []
  const readers = [reader(second, first), reader(first, second)]
  const late = vaultOn(store, first, second).seal(placeIn('late'), 'late')
  const reports = await Promise.all([rotating.rewrap((done, total) => seen.push(done / total)), vaultOn(store, second, first).rewrap()])
  running = false
  await Promise.all(readers)
  sealed.set('late', await late)

  assert.isAbove(reads, 100)
  assert.equal(reports[0].rewrapped + reports[1].rewrapped, 1201)
  assert.equal(reports[0].remaining, 0)
  assert.deepEqual(reports[0].damaged, [])
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  const after = vaultOn(store, second)
  for (const [name, field] of sealed) assert.equal((await after.open(placeIn(name), field)).expose(), name)
  assert.deepEqual(await after.verify(), { checked: 1201, damaged: [] })
})

test('a data key that another instance makes with the old master key meanwhile is re-wrapped too', async () => {
  const store = memoryStore()
  await vaultOn(store, first).activeKid('a')
  let made = false
  const page: DataKeyStore['page'] = async (after, limit) => {
    const rows = await store.page(after, limit)
    if (!made) await vaultOn(store, first).activeKid('late')
    made = true
    return rows
  }
  assert.deepEqual(await vaultOn({ ...store, page }, second, first).rewrap(), { rewrapped: 2, remaining: 0, damaged: [] })
})

test('a re-wrap that was killed goes on where it stopped; a damaged row is named and does not stop it', async () => {
  const store = memoryStore()
  const before = vaultOn(store, first)
  for (let i = 0; i < 20; i++) await before.sealer(`org-${String(i)}`)
  const [broken] = [...store.rows.values()]
  assert(broken)
  store.rows.set(broken.kid, { ...broken, wrapped: randomBytes(60) })

  let allowed = 5
  const dying: DataKeyStore = { ...store, rewrap: (...row) => (allowed-- > 0 ? store.rewrap(...row) : Promise.reject(new Error('killed'))) }
  assert.match(
    String(
      await vaultOn(dying, second, first)
        .rewrap()
        .catch((error: unknown) => error),
    ),
    /killed/,
  )

  const report = await vaultOn(store, second, first).rewrap()
  assert.deepEqual(report, { rewrapped: 14, remaining: 1, damaged: [broken.kid] })
  assert.deepEqual(await vaultOn(store, second, first).verify(), { checked: 20, damaged: [broken.kid] })
  assert.equal((await vaultOn(store, second, first).rewrap()).rewrapped, 0)
})

test('a keyring needs a master key, and its check is the newest one’s', () => {
  assert.throws(() => vaultOn(memoryStore()), /master key/)
  assert.isTrue(vaultOn(memoryStore(), second, first).keyCheck().equals(second.keyCheck))
})
