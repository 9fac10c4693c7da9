import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { memberPassword } from '../support/organization.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, must, practiceHost, practiceUrl, type Member } from '../support/practice-services.ts'
import { fixtures } from './fixtures/all.ts'
import {
  changes,
  fieldsOf,
  inOrder,
  operationsOf,
  requestOf,
  sitesOf,
  undescribed,
  type Kind,
  type OpenApi,
  type Operation,
  type Site,
  type Stage,
  type Things,
} from './fixtures/operation.ts'
import { furnishWithOne, joinedBy, missing, rowsOf } from './fixtures/organizations.ts'

/** Without what is another one in every answer. */
const comparable = ({ status, text }: Answer, name: string) =>
  `${status} ${text.replace(/"request_id":"[^"]*"/, '').replaceAll(name, '«name»')}`

/** Settled a few at a time: one after the other would take longest, all at once would be refused. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
    }),
  )
}

describe('the fixtures of operations', () => {
  it('an operation, a parameter or a field that may name a resource and has no fixture is told', () => {
    const parameters = [
      { name: 'link_name', in: 'path' },
      { name: 'member', in: 'query' },
      { name: 'limit', in: 'query' },
    ]
    const schema = { properties: { connection_ids: {}, colour: {} }, additionalProperties: false }
    const more = { parameters, requestBody: { content: { 'application/json': { schema } } } }
    const operations = operationsOf({ paths: { '/api/v1/more/{link_name}': { post: more, get: {} } } })
    expect(undescribed(operations, { 'GET /api/v1/more/{link_name}': {}, 'GET /gone': {} })).toEqual([
      'GET /gone: there is no such operation',
      'POST /api/v1/more/{link_name}',
    ])
    expect(undescribed(operations, { 'POST /api/v1/more/{link_name}': {}, 'GET /api/v1/more/{link_name}': {} })).toEqual([
      'POST /api/v1/more/{link_name}: path link_name',
      'POST /api/v1/more/{link_name}: query member',
      'POST /api/v1/more/{link_name}: body connection_ids',
      'POST /api/v1/more/{link_name}: a body',
    ])
  })
})

/** A few hundred requests each, on a machine that does other things too. */
const longMs = 120_000

describe.each(['pglite', 'postgres'] as const)('every operation of the OpenAPI document [%s]', database => {
  let patchbay: TestPatchbay
  let operations: Operation[]
  let ada: Member
  let mallory: { id: string; ask: Asker }
  let bob: { id: string; ask: Asker }
  let alpha: Things
  let beta: Things
  let atAlpha: Stage
  let atBeta: Stage
  /** Of alice, who shares nothing. */
  let hers: Partial<Record<Kind, string>>
  /** Whatever mentions one of these belongs to the first organisation. */
  let idsOfAlpha: string[]

  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    operations = operationsOf(must(await patchbay.nobody('GET', '/api/v1/openapi.json'), 200).json as OpenApi)
    ada = await administrator(patchbay)
    const alice = await joinedBy(patchbay, ada.ask, 'Alice', 'user')
    bob = await joinedBy(patchbay, ada.ask, 'Bob', 'user')
    const first = await furnishWithOne(patchbay, ada.ask, { prefix: 'alpha', organization: 'default', member: alice.id })
    alpha = first.things
    const connection = 'alpha_private'
    const credentials = { 'X-Api-Key': 'practice-key' }
    const made = { service: alpha.service, name: connection, link_name: connection, credentials }
    must(await alice.ask('POST', '/api/v1/connections', made), 201)
    hers = { connection, key: String(must(await alice.ask('POST', '/api/v1/api-keys', { name: 'Hers' }), 201).json.id) }
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Beta', slug: 'beta' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'beta' }), 200)
    mallory = await joinedBy(patchbay, ada.ask, 'Mallory', 'administrator')
    const trudy = await joinedBy(patchbay, ada.ask, 'Trudy', 'user')
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    const second = await furnishWithOne(patchbay, mallory.ask, { prefix: 'beta', organization: 'beta', member: trudy.id })
    beta = second.things
    const stage = { patchbay, host: practiceHost(patchbay), practice: practiceUrl(patchbay) }
    atAlpha = { ...stage, functionKey: first.functionKey }
    atBeta = { ...stage, functionKey: second.functionKey }
    const { organization } = must(await ada.ask('GET', '/api/v1/me'), 200).json as { organization: { id: string } }
    const functions = await patchbay.broker.db.selectFrom('functions').select('id').where('organization_id', '=', organization.id).execute()
    idsOfAlpha = [organization.id, alice.id, bob.id, ...functions.map(one => one.id)]
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const fixtureOf = (operation: Operation) => fixtures[operation.key] ?? {}

  /** What is answered about a name, and about one that nobody has. */
  async function twice(ask: Asker, operation: Operation, [things, stage]: readonly [Things, Stage], site: Site, name: string) {
    const answers = []
    for (const one of [name, missing(name, 'alpha')]) {
      const { path, body } = requestOf(operation, fixtureOf(operation), things, stage, site, one)
      answers.push(comparable(await ask(operation.method, path, body, fixtureOf(operation).headers), one))
    }
    return answers as [string, string]
  }

  /** Reading first: afterwards the log has the names that were tried. */
  const readingFirst = (work: (operation: Operation) => Promise<void>) =>
    each(
      operations.filter(one => !changes(one)),
      work,
    ).then(() => each(operations.filter(changes), work))

  it('has a fixture: nothing new escapes these tests', () => {
    expect(undescribed(operations, fixtures)).toEqual([])
  })

  it(
    'X09 a name of another organisation is answered like one that nobody has, and nothing of it moves',
    async () => {
      const before = await rowsOf(patchbay, idsOfAlpha)
      const wrong: string[] = []
      let tried = 0
      await readingFirst(async operation => {
        const fixture = fixtureOf(operation)
        for (const site of sitesOf(fixture)) {
          const name = alpha[site[2]]
          const [theirs, nobodys] = await twice(mallory.ask, operation, [beta, atBeta], site, name)
          tried++
          const allowed = /^(?:400|401|403|404|409|410|422) /.test(theirs) || !changes(operation) || fixture.stored?.includes(site[1])
          if (theirs !== nobodys || !allowed || /alpha/.test(theirs))
            wrong.push(`${operation.key} ${site.join(' ')}\n  ${theirs}\n  ${nobodys}`)
        }
      })
      expect(wrong.join('\n')).toBe('')
      expect(tried).toBeGreaterThan(60)
      expect(await rowsOf(patchbay, idsOfAlpha)).toEqual(before)
    },
    longMs,
  )

  it(
    'X09 what a member keeps private is answered to another like what nobody has',
    async () => {
      const before = await rowsOf(patchbay, [hers.connection ?? '', hers.key ?? ''], /^invocation_/)
      const wrong: string[] = []
      await readingFirst(async operation => {
        const fixture = fixtureOf(operation)
        for (const site of sitesOf(fixture)) {
          const name = hers[site[2]]
          if (name === undefined) continue
          const [theirs, nobodys] = await twice(bob.ask, operation, [alpha, atAlpha], site, name)
          if (theirs !== nobodys) wrong.push(`${operation.key} ${site.join(' ')}\n  ${theirs}\n  ${nobodys}`)
        }
      })
      expect(wrong.join('\n')).toBe('')
      expect(await rowsOf(patchbay, [hers.connection ?? '', hers.key ?? ''], /^invocation_/)).toEqual(before)
    },
    longMs,
  )

  it(
    'X23 a change that another page asks for is refused, whatever it disguises itself as',
    async () => {
      const evil = { origin: 'https://evil.test' }
      const ways: Readonly<Record<string, (ask: Asker, method: string, path: string, body: unknown) => Promise<Answer>>> = {
        'no Origin': (_, method, path, body) => asAda(method, path, body, {}),
        'another Origin': (ask, method, path, body) => ask(method, path, body, evil),
        'Origin null': (ask, method, path, body) => ask(method, path, body, { origin: 'null' }),
        'a Sec-Fetch-Site of another site': (ask, method, path, body) => ask(method, path, body, { 'sec-fetch-site': 'cross-site' }),
        'a neighbour on the same site': (ask, method, path, body) => ask(method, path, body, { 'sec-fetch-site': 'same-site' }),
        'an Origin that begins like ours': (ask, method, path, body) => ask(method, path, body, { origin: `${patchbay.base}.evil.test` }),
        'text/plain': (ask, method, path, body) => ask(method, path, JSON.stringify(body ?? {}), { 'content-type': 'text/plain', ...evil }),
        'text/plain, own Origin': (ask, method, path, body) =>
          ask(method, path, JSON.stringify(body ?? {}), { 'content-type': 'text/plain' }),
        'a form with _method': (ask, method, path) =>
          ask('POST', path, `_method=${method}`, {
            'content-type': 'application/x-www-form-urlencoded',
            'x-http-method-override': method,
            ...evil,
          }),
        GET: (ask, method, path) =>
          ask('GET', `${path}${path.includes('?') ? '&' : '?'}_method=${method}`, undefined, { 'x-http-method-override': method }),
        HEAD: (ask, method, path) => ask('HEAD', path, undefined, { 'x-http-method-override': method }),
      }
      const cookie = [...ada.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const asAda: Asker = (method, path, body, headers) => patchbay.nobody(method, path, body, { cookie, ...headers })
      const known = new Set(operations.map(one => one.key))
      const before = await rowsOf(patchbay, null)
      const wrong: string[] = []
      await each(operations.filter(changes), async operation => {
        const fixture = fixtureOf(operation)
        if (fixture.withoutSession !== undefined) return
        const { path, body } = requestOf(operation, fixture, alpha, atAlpha)
        for (const [what, way] of Object.entries(ways)) {
          // a program that signs in has no Origin
          if (fixture.givesSession && (what === 'no Origin' || what === 'text/plain, own Origin')) continue
          const { status } = await way(ada.ask, operation.method, path, body)
          const reading = what === 'GET' || what === 'HEAD'
          // what is read there is another operation, and may be no resource
          const fine = reading
            ? known.has(`GET ${operation.path}`) || [404, 405].includes(status) || status === 200
            : [403, 404, 405, 415].includes(status) || (fixture.givesSession === true && status === 422)
          if (!fine) wrong.push(`${operation.key}: ${what}: ${status}`)
        }
      })
      expect(wrong.join('\n')).toBe('')
      expect(await rowsOf(patchbay, null)).toEqual(before)
    },
    longMs,
  )

  it(
    'X24 no body sets what is not its caller’s to set: each field that an operation does not have is named',
    async () => {
      const columns = await patchbay.broker.db.introspection.getTables()
      const names = new Set([
        ...columns.flatMap(one => one.columns.map(column => column.name)),
        ...'org_id owner_id role id created_at status credentials is_admin ciphertext kid constructor prototype toString'.split(' '),
      ])
      const before = await rowsOf(patchbay, null)
      const wrong: string[] = []
      await each(
        operations.filter(one => one.body !== null),
        async operation => {
          const fixture = fixtureOf(operation)
          const { path, body } = requestOf(operation, fixture, alpha, atAlpha)
          const own = new Set([...fieldsOf(operation.body), ...(fixture.fields ?? [])])
          const foreign = [...names].filter(name => !own.has(name))
          const text = JSON.stringify({ ...(body as object), ...Object.fromEntries(foreign.map(name => [name, 'x'])) })
          const answer = await ada.ask(operation.method, path, text)
          const said = new Set(((answer.json?.errors ?? []) as { path: string }[]).map(one => one.path))
          const unsaid = foreign.filter(name => !said.has(name))
          if (answer.status !== 422 || unsaid.length > 0)
            wrong.push(`${operation.key}: ${answer.status} ${unsaid.slice(0, 80).join(' ')} ${answer.text.slice(0, 300)}`)
          const prototype = await ada.ask(
            operation.method,
            path,
            `{"__proto__":{"role":"administrator"}${text === '{}' ? '' : `,${text.slice(1)}`}`,
          )
          if (![400, 422].includes(prototype.status)) wrong.push(`${operation.key}: __proto__ ${prototype.status}`)
        },
      )
      expect(wrong.join('\n')).toBe('')
      expect(await rowsOf(patchbay, null)).toEqual(before)
    },
    longMs,
  )

  it(
    'X15 no body of any JSON is an accident: an answer or a refusal, never a failure of ours',
    async () => {
      await each(
        operations.filter(one => one.body !== null && !fixtureOf(one).last && !fixtureOf(one).operator),
        async operation => {
          const fixture = fixtureOf(operation)
          const { path, body } = requestOf(operation, fixture, alpha, atAlpha)
          const own = fieldsOf(operation.body)
          const odd = fc.record(Object.fromEntries(own.map(name => [name, fc.jsonValue()])), { requiredKeys: [] })
          // a body that works, but for one field
          const nearly = fc
            .tuple(fc.constantFrom(...(own.length > 0 ? own : ['x'])), fc.jsonValue())
            .map(([name, value]) => ({ ...(body as object), [name]: value }))
          await fc.assert(
            fc.asyncProperty(fc.oneof(fc.jsonValue(), odd, nearly), async value => {
              const answer = await ada.ask(operation.method, path, JSON.stringify(value))
              // a service that cannot be reached is not ours
              if (answer.status >= 500 && answer.status !== 502) throw new Error(`${operation.key}: ${answer.status} ${answer.text}`)
            }),
            { numRuns: 12 },
          )
        },
      )
      expect(patchbay.logged.filter(line => line.includes('a request failed'))).toEqual([])
    },
    longMs,
  )

  it(
    'works for its own administrator, and what is the operator’s does not: the same requests with the names of the own things',
    async () => {
      const before = await rowsOf(patchbay, idsOfAlpha)
      const wrong: string[] = []
      for (const operation of inOrder(operations, fixtures)) {
        const fixture = fixtureOf(operation)
        const { path, body } = requestOf(operation, fixture, beta, atBeta)
        if (operation.key === 'GET /healthz') continue
        const answer = await mallory.ask(operation.method, path, body, fixture.headers)
        const right = fixture.operator ? [403] : (fixture.answers ?? [200, 201, 202, 204])
        if (!right.includes(answer.status)) wrong.push(`${operation.key} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`)
        if (operation.key.includes('sign-out') || operation.key.includes('password')) await signIn(mallory)
      }
      expect(wrong.join('\n')).toBe('')
      expect(await rowsOf(patchbay, idsOfAlpha)).toEqual(before)
    },
    longMs,
  )

  const signIn = async (who: { ask: Asker }) => {
    for (const password of [memberPassword, `${memberPassword} staple`])
      await who.ask('POST', '/api/auth/sign-in/email', { email: 'mallory@example.test', password })
  }
})
