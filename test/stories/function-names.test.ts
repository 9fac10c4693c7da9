import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { joins, must, refusal, type Member } from '../support/practice-services.ts'

/** What functions are called, by people, by each other and in addresses. */
describe.each(['pglite', 'postgres'] as const)('names of functions [%s]', database => {
  let patchbay: TestPatchbay
  let dev: Member
  let eve: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    dev = await joins(patchbay, 'Cleo', 'developer')
    eve = await joins(patchbay, 'Eve', 'developer')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const at = (path: string, rest = '') => `/api/v1/functions/${path.replace('.', '/')}${rest}`
  const save = async (path: string, source: string) => (await dev.ask('PUT', at(path), { source })).json
  const rename = (by: Member, path: string, body: object, query = '', headers: Record<string, string> = {}) =>
    by.ask('PATCH', at(path, query), body, headers)
  const output = async (path: string) => must(await dev.ask('POST', at(path, '/run'), {}), 200).json.output as unknown

  it('two functions of a category of their own call each other: the first save warns, the second finds both', async () => {
    const first = await save('tools.even', 'return tools.odd(1);')
    expect(first).toMatchObject({
      revision: 1,
      calls: ['tools.odd'],
      called_by: [],
      warnings: [{ message: "Not able to find 'tools.odd' function", suggestion: 'Save it before this one runs.' }],
    })
    const check = { source: 'return tools.odd(1);' }
    expect(must(await dev.ask('POST', '/api/v1/functions/check', { ...check, namespace: 'fresh' }), 200).json.errors).toEqual([])
    const second = await save(
      'tools.odd',
      'string tools.odd(int n) { if(n > 3) { return "done"; } return tools.odd(n + 2) + tools.again(); } string tools.again() { return ifnull(null, "!"); }',
    )
    expect(second).toMatchObject({ revision: 1, warnings: [], called_by: ['tools.even'] })
    expect(must(await dev.ask('GET', at('tools.odd')), 200).json.called_by).toEqual(['tools.even'])
    expect(must(await dev.ask('GET', '/api/v1/functions'), 200).json.data[0].called_by).toBeUndefined()
    expect(await output('tools.even')).toBe('done!!')
    // what no function of any category is stays an error
    expect(refusal(await dev.ask('PUT', at('tools.wrong'), { source: 'return tols.odd(1);' }))).toContain('script_invalid')
  })

  it('a function gets another name: its header and calls of itself follow, its author and history stay, its callers are named', async () => {
    await save('standalone.countup', 'int standalone.countup(int n) { return 1; }')
    await save('standalone.caller', 'int standalone.caller() { return standalone.countup(0); }')
    await save(
      'standalone.countup',
      '// counts\nint standalone.countup(int n) { if(n == null || n < 1) { return 0; } return 1 + standalone.countup(n - 1); }',
    )
    must(await dev.ask('PUT', '/api/v1/functions/variables/kept', { value: 'v', function: 'standalone.countup' }), 201)

    const refused = await rename(eve, 'standalone.countup', { name: 'tally' })
    expect(refused.json).toMatchObject({ status: 409, code: 'function_in_use', functions: ['standalone.caller'] })
    expect(refused.json.detail).toContain('standalone.caller')
    const done = must(
      await rename(eve, 'standalone.countup', { name: 'tally', namespace: 'maths' }, '?force=true', { 'if-match': '"2"' }),
      200,
    ).json
    expect(done).toMatchObject({
      namespace: 'maths',
      name: 'tally',
      revision: 3,
      author: { name: 'Cleo' },
      owner: { name: 'Cleo' },
      source: '// counts\nint maths.tally(int n) { if(n == null || n < 1) { return 0; } return 1 + maths.tally(n - 1); }',
      signature: { namespace: 'maths', name: 'tally' },
      called_by: [],
    })
    expect(must(await dev.ask('POST', at('maths.tally', '/run'), { arguments: { n: 4 } }), 200).json.output).toBe(4)
    expect(refusal(await dev.ask('GET', at('standalone.countup')))).toBe('function_not_found')
    expect(must(await dev.ask('GET', '/api/v1/functions/variables/kept?function=maths.tally'), 200).json.value).toBe('v')
    const { data } = must(await dev.ask('GET', at('maths.tally', '/versions')), 200).json
    expect(data[0]).toMatchObject({ revision: 3, author: { name: 'Eve' }, note: 'Renamed from standalone.countup.' })
    const failed = must(await dev.ask('POST', at('standalone.caller', '/run'), {}), 200).json
    expect(failed.error.message).toContain('standalone.countup')
    expect(must(await patchbay.admin('GET', '/api/v1/audit?limit=10'), 200).json.data).toContainEqual(
      expect.objectContaining({ action: 'function.renamed', object: 'function:maths.tally' }),
    )

    // back, in another case, described: nobody calls it by that name, and no new version for words
    must(await rename(dev, 'maths.tally', { name: 'Countup', namespace: 'standalone' }), 200)
    expect(await output('standalone.caller')).toBe(0)
    expect(must(await rename(dev, 'standalone.countup', { name: 'countup', description: 'Counts.' }), 200).json).toMatchObject({
      name: 'countup',
      description: 'Counts.',
      revision: 5,
      called_by: ['standalone.caller'],
    })
    expect(must(await rename(eve, 'standalone.countup', { description: 'Counts down.' }), 200).json).toMatchObject({
      revision: 5,
      author: { name: 'Cleo' },
    })
    expect(refusal(await rename(dev, 'standalone.countup', { name: 'caller' }, '?force=true'))).toBe('function_name_taken')
    expect(refusal(await rename(dev, 'standalone.countup', { name: 'x' }, '?force=true', { 'if-match': '"4"' }))).toBe(
      'precondition_failed',
    )
    expect(refusal(await rename(dev, 'standalone.countup', { namespace: 'settings' }))).toBe('validation_failed: namespace')
    expect(refusal(await rename(dev, 'standalone.countup', {}))).toContain('validation_failed')
    const bob = await joins(patchbay, 'Bob')
    expect(refusal(await rename(bob, 'standalone.countup', { name: 'mine' }))).toBe('forbidden')
  })

  it('FN-2 the address of a function that only one category has is found among any number of others that hold its name', async () => {
    const { db } = patchbay.broker
    await save('tools.hook', 'string tools.hook() { return "found"; }')
    const url = String(must(await dev.ask('PUT', at('tools.hook', '/exposure'), { api_key: true }), 200).json.api_key_url).replace(
      '/functions/tools.hook/',
      '/functions/hook/',
    )
    const row = await db.selectFrom('functions').selectAll().where('name', '=', 'hook').executeTakeFirstOrThrow()
    const others = Array.from({ length: 120 }, (_, i) => ({
      ...row,
      id: patchbay.broker.id(),
      namespace: 'a',
      name: `hook_${i}`,
      signature: null as unknown as string,
      uses: JSON.stringify(row.uses),
      mapping: JSON.stringify(row.mapping),
    }))
    await db.insertInto('functions').values(others).execute()
    expect((await patchbay.nobody('GET', url)).json).toMatchObject({ details: { output: 'found' } })
    await save('other.hook', 'string other.hook() { return "another"; }')
    expect((await patchbay.nobody('GET', url)).json).toMatchObject({ status: 'error', code: 'function_not_found' })
  })
})
