import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, must, refusal, type Member } from '../support/practice-services.ts'

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
}

const encoded = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const id = '00000000-0000-4000-8000-000000000000'
const time = '2026-01-01T00:00:00.000Z'

/** No list gives one of these. */
const forged: Readonly<Record<string, string>> = {
  garbage: 'garbage',
  'no base64': '%%%',
  empty: '',
  'a NUL': '\0',
  'no JSON': encoded('nonsense'),
  'JSON that is cut': encoded('["a"'),
  'a number': encoded(1),
  null: encoded(null),
  'an object': encoded({ 0: 'a', length: 1 }),
  'an empty list': encoded([]),
  'a number in a list': encoded([1]),
  'two numbers': encoded([1, 2]),
  'lists in a list': encoded([['a'], ['b']]),
  'objects in a list': encoded([{}, {}]),
  'a null in a list': encoded([null]),
  'too many': encoded(['a', 'b', 'c']),
  'a long text': encoded(['a'.repeat(600)]),
  'two long texts': encoded([time, 'a'.repeat(600)]),
  'a NUL inside': encoded(['\0']),
  'two NULs inside': encoded(['\0', '\0']),
}

/** Right for a list that is ordered by names; for one that is ordered by time neither is a time with an id. */
const forgedTimes: Readonly<Record<string, string>> = {
  'no time': encoded(['never', id]),
  'an empty time': encoded(['', id]),
  'no id': encoded([time, "'; drop table users"]),
  'a time beyond any calendar': encoded(['+275760-09-13T00:00:00.000Z', id]),
  'a time before any calendar': encoded(['0000-01-01T00:00:00.000Z', id]),
  'a negative time': encoded(['-000001-01-01T00:00:00.000Z', id]),
  'an infinite time': encoded(['infinity', id]),
  'a time in words': encoded(['1 January 2026', id]),
  'them the wrong way round': encoded([id, time]),
}

/** Ordered by a number. */
const versions = '/api/v1/functions/{namespace}/{name}/versions'
const forgedNumbers: Readonly<Record<string, string>> = {
  'no number': encoded(['one']),
  'an empty number': encoded(['']),
  'a negative number': encoded(['-1']),
  'a fraction': encoded(['1.5']),
  'a number beyond any revision': encoded(['99999999999999999999']),
  'a number beyond what is stored': encoded(['2147483648']),
}

/** What a list must be told besides. */
const needed: Readonly<Record<string, string>> = { since: time }

const byName = new Set(['/api/v1/services', '/api/v1/connections', '/api/v1/functions'])

describe.each(['pglite', 'postgres'] as const)('forged cursors [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    must(await ada.ask('PUT', '/api/v1/functions/standalone/one', { source: 'string standalone.one() { return "x"; }' }), 201)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  it('X09 every list refuses a cursor that it did not give, naming it', async () => {
    const { paths } = must(await patchbay.nobody('GET', '/api/v1/openapi.json'), 200).json as { paths: Record<string, { get?: Operation }> }
    const lists = Object.entries(paths).flatMap(([path, { get }]) =>
      get?.parameters?.some(one => one.name === 'cursor') ? [[path, get.parameters] as const] : [],
    )
    expect(lists.length).toBeGreaterThan(10)
    const accepted: string[] = []
    for (const [path, parameters] of lists) {
      const at = path.replace('{namespace}', 'standalone').replace('{name}', 'one')
      const required = parameters.filter(one => one.in === 'query' && one.required).map(one => `${one.name}=${needed[one.name] ?? ''}`)
      const ask = (more: readonly string[]) => ada.ask('GET', `${at}?${[...required, ...more].join('&')}`)
      // a new list whose path or parameters this test does not know must say so here
      expect((await ask([])).status, at).toBe(200)
      const wrong = { ...forged, ...(path === versions ? forgedNumbers : byName.has(path) ? {} : forgedTimes) }
      await Promise.all(
        Object.entries(wrong).map(async ([what, cursor]) => {
          const answer = await ask([`cursor=${encodeURIComponent(cursor)}`])
          if (answer.status !== 422 || refusal(answer) !== 'validation_failed: cursor') accepted.push(`${path}: ${what}: ${answer.status}`)
        }),
      )
    }
    expect(accepted).toEqual([])
    expect(patchbay.logged.filter(line => line.includes('a request failed'))).toEqual([])
  })
})
