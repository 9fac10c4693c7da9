import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { createCalls } from '../../src/broker/calls.ts'
import { freshCredential } from '../../src/broker/fresh-credentials.ts'
import { credentialPlace } from '../../src/broker/places.ts'
import { findUsable } from '../../src/broker/usable.ts'
import { Problem } from '../../src/core/problem.ts'
import type { Principal } from '../../src/core/principal.ts'
import type { IncomingResponse, OutgoingRequest } from '../../src/core/request.ts'
import { findCredential, lockCredential, putCredential, type Holder } from '../../src/storage/credentials.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

/** How the provider treats the next token requests. `late`: it takes effect, and the answer waits for `release`. */
type Mood = 'answers' | 'down' | 'too_many' | 'loses' | 'late' | 'withdrawn'

interface Request {
  readonly instance: Instance
  readonly generation: number
  /** Its lease has run out: another may ask as well. */
  overtaken: boolean
  answer(how: 'given' | 'lost'): void
}

interface Instance {
  broker: Broker
  dead: boolean
}

/**
 * The real refresh over the real storage functions; the provider is scripted: strict rotation, and a used token ends the family. What must
 * hold after every step stands in `check`.
 */
function createWorld(patchbay: TestPatchbay, holder: Holder, principal: Principal, linkName: string) {
  const under: Request[] = []
  const calls: { readonly instance: Instance; readonly work: Promise<void> }[] = []
  const faults: string[] = []
  const instances = [] as unknown as [Instance, Instance]
  const world = {
    mood: 'answers' as Mood,
    /** What the provider accepts now; null when the family has ended. */
    current: null as string | null,
    serial: 0,
    refusals: 0,
    generation: 0,
    /** The serial number of the refresh token that is stored. */
    newest: 0,
    under,
    calls,
    faults,
    instances,

    /** Another process on the same database. Its clock runs fast, so that who waits gives up soon. */
    begin(): Instance {
      const { broker } = patchbay
      const started = performance.now()
      const instance: Instance = { dead: false, broker }
      instance.broker = {
        ...broker,
        instance: randomUUID(),
        calls: createCalls(),
        monotonic: () => started + (performance.now() - started) * 40,
        egress: { ...broker.egress, send: request => world.tokenEndpoint(instance, request) },
      }
      return instance
    },

    async stored() {
      const row = await findCredential(patchbay.broker.db, holder)
      if (!row?.sealed) throw new Error('the connection has gone')
      const place = credentialPlace(holder, row.generation, row.service_revision)
      const { credential } = JSON.parse((await patchbay.broker.vault.open(place, row.sealed)).expose()) as {
        credential: { refresh_token: string }
      }
      return { row, refreshToken: credential.refresh_token }
    },

    async tokenEndpoint(instance: Instance, request: OutgoingRequest): Promise<IncomingResponse> {
      const presented = request.body?.kind === 'form' ? request.body.fields.find(([name]) => name === 'refresh_token')?.[1] : undefined
      const { row, refreshToken } = await world.stored()
      if (presented !== refreshToken) world.faults.push('a refresh token older than the newest committed one was shown')
      for (const other of world.under)
        if (other.generation === row.generation && !other.overtaken) world.faults.push('two live leases on one generation')
      const reply = (status: number, body: unknown, headers: string[] = []): IncomingResponse => ({
        status,
        headers: ['content-type', 'application/json', ...headers],
        body: Buffer.from(JSON.stringify(body)),
      })
      if (world.mood === 'down') return reply(503, {})
      if (world.mood === 'too_many') return reply(429, {}, ['retry-after', '1'])
      if (world.mood === 'withdrawn') world.current = null
      if (presented !== world.current || world.current === null) {
        world.current = null
        world.refusals++
        return reply(400, { error: 'invalid_grant' })
      }
      world.current = `rt-${++world.serial}`
      const answer = reply(200, {
        access_token: `at-${world.serial}`,
        refresh_token: world.current,
        token_type: 'Bearer',
        expires_in: 3600,
      })
      const lost = () => new Problem('upstream_unreachable', { sent: true })
      if (world.mood === 'loses') throw lost()
      if (world.mood !== 'late') return answer
      return new Promise((resolve, reject) => {
        world.under.push({
          instance,
          generation: row.generation,
          overtaken: false,
          answer: how => (how === 'given' ? resolve(answer) : reject(lost())),
        })
      })
    },

    /** Somebody authorises it anew: another family, another generation. */
    async authorise(): Promise<void> {
      const { broker } = patchbay
      const row = await lockCredential(broker.db, holder)
      const generation = (row?.generation ?? 0) + 1
      const serviceRevision = row?.service_revision ?? 1
      world.current = `rt-${++world.serial}`
      const opened = {
        credential: { access_token: `at-${world.serial}`, refresh_token: world.current, token_type: 'Bearer' },
        variables: {},
      }
      await putCredential(broker.db, holder, {
        sealed: await broker.vault.seal(credentialPlace(holder, generation, serviceRevision), JSON.stringify(opened)),
        generation,
        serviceRevision,
        expiresInSeconds: 3600,
        hasRefreshToken: true,
        askedScopes: ['files.read'],
        grantedScopes: ['files.read'],
        agreedHosts: row?.agreed_hosts ?? [],
        variables: {},
        account: null,
      })
      world.refusals = 0
    },

    /** Until it is done, or waits: for the provider, or for another who does. */
    async call(which: 0 | 1): Promise<void> {
      const { broker } = world.instances[which]
      const work = (async () => {
        broker.calls.forgetAll()
        const usable = await findUsable(broker, principal, linkName)
        await freshCredential(broker, usable)
      })().catch((error: unknown) => {
        if (!(error instanceof Problem) || error.code === 'integrity_error') world.faults.push(`a call failed: ${String(error)}`)
      })
      world.calls.push({ instance: world.instances[which], work })
      let ended = false
      void work.finally(() => (ended = true))
      // who finds somebody else at the provider waits for them; otherwise it is done, or at the provider itself, in a moment
      const before = under.length
      const until = performance.now() + (before > 0 ? 400 : 2_000)
      while (!ended && under.length === before && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 5))
    },

    async shift(text: string): Promise<void> {
      await sql.raw(`update credentials set ${text} where connection_id = '${holder.connectionId}'`).execute(patchbay.broker.db)
    },

    async check(): Promise<void> {
      const { row, refreshToken } = await world.stored()
      if (row.generation < world.generation) world.faults.push('the generation went back')
      world.generation = row.generation
      const stored = Number(refreshToken.slice('rt-'.length))
      if (stored < world.newest) world.faults.push('an older token came after a newer one')
      world.newest = stored
      if (row.status === 'reauthorization_required' && world.refusals === 0)
        world.faults.push(`given up (${row.status_reason}) although the provider never said so`)
      if (row.status === 'connected' && row.status_reason !== null) world.faults.push('connected for a reason')
      expect(world.faults).toEqual([])
    },

    async end(): Promise<void> {
      world.mood = 'answers'
      for (const request of world.under.splice(0)) if (!request.instance.dead) request.answer('given')
      await Promise.race([
        Promise.all(world.calls.filter(one => !one.instance.dead).map(one => one.work)),
        new Promise(resolve => setTimeout(resolve, 3_000)),
      ])
      await world.check()
    },
  }
  instances.push(world.begin(), world.begin())
  return world
}
type World = ReturnType<typeof createWorld>

type Step = fc.AsyncCommand<object, World>
const step = (name: string, run: (world: World) => Promise<void>, may: (world: World) => boolean = () => true): Step => ({
  check: () => true,
  async run(_, world) {
    if (may(world)) await run(world)
    await world.check()
  },
  toString: () => name,
})

const calls = (which: 0 | 1) => step(`call ${which}`, world => world.call(which))
const call = fc.constantFrom<0 | 1>(0, 1).map(calls)
const turns = (which: Mood) => step(`the provider ${which}`, async world => void (world.mood = which))
const mood = fc.constantFrom<Mood>('answers', 'answers', 'down', 'too_many', 'loses', 'late', 'late', 'withdrawn').map(turns)
const releases = (how: 'given' | 'lost') =>
  step(
    `the late answer is ${how}`,
    async world => {
      const request = world.under.shift()
      if (request && !request.instance.dead) request.answer(how)
      await new Promise(resolve => setTimeout(resolve, 60))
    },
    world => world.under.length > 0,
  )
const release = fc.constantFrom<'given' | 'lost'>('given', 'given', 'lost').map(releases)
const leaseRunsOut = step('the lease runs out', async world => {
  for (const request of world.under) request.overtaken = true
  await world.shift(`lease_until = lease_until - interval '1 minute'`)
})
const tokenRunsOut = step('the token ends', world => world.shift(`expires_at = now() - interval '1 second'`))
const pauseEnds = step('the pause ends', world => world.shift('next_attempt_at = null'))
const authorisedAnew = step('authorised anew', world => world.authorise())
const crash = fc.constantFrom<0 | 1>(0, 1).map(which =>
  step(`instance ${which} is killed`, async world => {
    world.instances[which].dead = true
    world.instances[which] = world.begin()
  }),
)

/** The ways that must be gone in every run; chance adds others. */
const walks: readonly (readonly Step[])[] = [
  [tokenRunsOut, turns('late'), calls(0), calls(1), releases('given'), calls(1)],
  [tokenRunsOut, turns('late'), calls(0), authorisedAnew, releases('given'), turns('answers'), calls(1)],
  [tokenRunsOut, turns('late'), calls(0), leaseRunsOut, calls(1), releases('given'), releases('given')],
  [tokenRunsOut, turns('loses'), calls(0), pauseEnds, turns('answers'), calls(1)],
]

describe('R-1 the states of a refresh, with faults, on two instances [pglite]', () => {
  let patchbay: TestPatchbay
  let holder: Holder
  let principal: Principal
  beforeAll(async () => {
    patchbay = await startPatchbay({ database: 'pglite' })
    const story = await startOAuthStory(patchbay)
    await story.connect(await story.service('model'), 'model')
    const row = await patchbay.broker.db
      .selectFrom('credentials as k')
      .innerJoin('organizations as o', 'o.id', 'k.organization_id')
      .select(['k.organization_id', 'k.connection_id', 'k.subject_id', 'o.slug'])
      .executeTakeFirstOrThrow()
    holder = { organizationId: row.organization_id, connectionId: row.connection_id, subjectId: row.subject_id }
    principal = {
      organizationId: row.organization_id,
      organizationSlug: row.slug,
      userId: row.subject_id,
      userName: 'Ada',
      role: 'administrator',
      subjectId: row.subject_id,
      key: null,
      sessionId: null,
    }
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('never two leases, no used token shown, no generation lost, nothing given up without the provider saying so', async () => {
    for (const walk of walks) {
      const world = createWorld(patchbay, holder, principal, 'model')
      await world.authorise()
      for (const one of walk) await one.run({}, world)
      await world.end()
    }
    await fc.assert(
      fc.asyncProperty(
        fc.commands(
          [
            call,
            call,
            call,
            ...[tokenRunsOut, tokenRunsOut, leaseRunsOut, pauseEnds, authorisedAnew].map(one => fc.constant(one)),
            mood,
            mood,
            release,
            crash,
          ],
          { maxCommands: 25 },
        ),
        async commands => {
          const world = createWorld(patchbay, holder, principal, 'model')
          await world.authorise()
          await world.check()
          await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
          await world.end()
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false, endOnFailure: true },
    )
  }, 120_000)
})
