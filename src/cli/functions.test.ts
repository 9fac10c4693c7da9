import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../../test/support/databases.ts'
import { adminKey, freePort, startPatchbay, type TestPatchbay } from '../../test/support/patchbay.ts'
import { administrator, connect, joins, keyDefinition, must, practiceUrl, type Member } from '../../test/support/practice-services.ts'
import { programArguments } from '../../test/support/program.ts'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

// It speaks HTTP: the stories run on both databases, one is enough here.
describe('functions on the command line', () => {
  let server: TestPatchbay
  let ada: Member
  let dev: Member
  let home = ''
  /** The folder of one test, and of its functions: a namespace of its own. */
  let dir = ''
  let space = ''
  let tests = 0

  beforeAll(async () => {
    server = await startPatchbay({ database: 'pglite' })
    ada = await administrator(server)
    dev = await joins(server, 'Cleo', 'developer')
    home = await mkdtemp(join(tmpdir(), 'patchbay-cli-functions-'))
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(server, 'echo')), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  beforeEach(async () => {
    space = `space${++tests}`
    dir = join(home, space)
    await mkdir(dir)
  })

  /** A command line in a process of its own, in the folder of the test. */
  function patchbay(args: readonly string[], settings: Record<string, string> = {}, input = '', onErr?: (text: string) => void) {
    const child = spawn(process.execPath, [...programArguments('patchbay'), ...args], {
      cwd: dir,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: home,
        XDG_CONFIG_HOME: join(home, 'config'),
        PATCHBAY_URL: server.base,
        PATCHBAY_API_KEY: adminKey,
        ...settings,
      },
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
      onErr?.(text)
    })
    child.stdin.on('error', () => undefined).end(input)
    return new Promise<Ran>(resolve => child.on('close', code => resolve({ code, out, err })))
  }
  const functions = (...args: string[]) => patchbay(['functions', ...args])

  const file = async (path: string, text: string): Promise<string> => {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
    return path
  }
  const read = (path: string) => readFile(join(dir, path), 'utf8')
  const there = async (path: string) => must(await ada.ask('GET', `/api/v1/functions/${path.replace('.', '/')}`), 200).json as { source: string; revision: number } // prettier-ignore
  /** As somebody saves it in the console. */
  const saved = async (path: string, source: string, by: Member = dev) =>
    expect([200, 201]).toContain((await by.ask('PUT', `/api/v1/functions/${path.replace('.', '/')}`, { source })).status)
  const fn = (name: string, body: string, parameters = '') => `string ${space}.${name}(${parameters})\n{\n\t${body}\n}\n`

  it('says how it is written, with examples', async () => {
    const verbs = ['push', 'pull', 'run', 'rename', 'check', 'plan']
    const wrong = [['check'], ['plan'], ['rename', 'f'], ['run'], ['run', 'a b'], ['run', 'f', '--arg', 'novalue']]
    const [help, ...others] = await Promise.all(
      [['--help'], ...verbs.map(verb => [verb, '--help']), ...wrong].map(args => functions(...args)),
    )
    expect(help?.code).toBe(0)
    for (const verb of ['list', ...verbs]) expect(help?.out).toMatch(new RegExp(`^ {2}${verb} `, 'm'))
    for (const [index, verb] of verbs.entries()) expect(others[index]?.out).toContain(`$ patchbay functions ${verb} `)
    expect(others.map(one => one.code)).toEqual([...verbs.map(() => 0), ...wrong.map(() => 2)])
  })

  it('says when there is no server, no key, no file, and no function', async () => {
    const nobody = await patchbay(['functions', 'list'], { PATCHBAY_URL: `http://127.0.0.1:${await freePort()}` })
    expect(nobody).toMatchObject({ code: 1, out: '', err: 'unreachable: Patchbay does not answer there (ECONNREFUSED). Check --url.\n' })
    const keyless = await patchbay(['functions', 'push'], { PATCHBAY_API_KEY: '' })
    expect(keyless.err).toMatch(/^not_logged_in: /)
    const empty = await functions('push', '.')
    expect(empty).toMatchObject({ code: 1, out: '' })
    expect(empty.err).toMatch(/^nothing_found: There is no \.dg file in this folder\. .*standalone\/hello\.dg/)
    expect((await functions('check', 'nothing.dg')).err).toBe('not_found: There is no file or folder nothing.dg.\n')
    expect((await functions('run', 'no_such_function')).err).toMatch(/^function_not_found: .*"patchbay functions list"/)
    expect((await functions('list', '--namespace', space)).err).toMatch(/^No function was found\. /)
  })

  it('pushes a folder: what its headers and paths name is created, then saved when it changed, and unchanged otherwise', async () => {
    await file('one.dg', fn('first', 'return "1";'))
    await file(`${space}/bare.dg`, 'info "no header";\nreturn "2";\n')
    const dry = await functions('push', '.', '--dry-run')
    expect(dry.out).toBe(`create     ${space}.first  one.dg\ncreate     ${space}.bare  ${space}/bare.dg\n`)
    expect(dry.err).toBe('Nothing was pushed. It would be: 2 created, 0 saved, 0 unchanged.\n')
    expect((await ada.ask('GET', `/api/v1/functions/${space}/first`)).status).toBe(404)

    const first = await functions('push', '.', '--note', 'The first push')
    expect(first, first.err).toMatchObject({ code: 0, err: '2 created, 0 saved, 0 unchanged.\n' })
    expect(first.out).toBe(`created    ${space}.first  one.dg\ncreated    ${space}.bare  ${space}/bare.dg\n`)
    expect((await there(`${space}.bare`)).source).toBe('info "no header";\nreturn "2";\n')
    const history = must(await ada.ask('GET', `/api/v1/functions/${space}/first/versions`), 200).json as { data: { note: string }[] }
    expect(history.data.map(one => one.note)).toEqual(['The first push'])

    await file('one.dg', fn('first', 'return "one";'))
    // what git does on another machine is no change
    await file(`${space}/bare.dg`, 'info "no header";\r\nreturn "2";')
    const second = await functions('push', '.')
    expect(second).toMatchObject({ code: 0, out: `saved      ${space}.first  one.dg\n`, err: '0 created, 1 saved, 1 unchanged.\n' })
    expect((await there(`${space}.first`)).revision).toBe(2)
    expect((await there(`${space}.bare`)).revision).toBe(1)
    // the folder's memory is nobody else's
    expect(await read('.patchbay/.gitignore')).toBe('*\n')
    const json = JSON.parse((await functions('push', '.', '--json')).out) as { outcome: string; function: string }[]
    expect(json.map(one => [one.function, one.outcome])).toEqual([[`${space}.first`, 'unchanged'], [`${space}.bare`, 'unchanged']]) // prettier-ignore
  })

  it('pushes nothing when one file has errors, unless it is told to push the others', async () => {
    await file('a.dg', fn('good', 'return "1";'))
    await file('b.dg', fn('bad', 'x = ;'))
    await file('c.dg', fn('good', 'return "2";'))
    const refused = await functions('push', '.')
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(/^b\.dg:3:\d+: /m)
    expect(refused.err).toMatch(new RegExp(`^c\\.dg:1:1: a\\.dg is ${space}\\.good too\\.`, 'm'))
    expect(refused.err).toMatch(/^script_invalid: Nothing was pushed: \d+ errors in 2 files\. --partial pushes the others\.$/m)
    expect((await ada.ask('GET', `/api/v1/functions/${space}/good`)).status).toBe(404)

    await rm(join(dir, 'c.dg'))
    const partial = await functions('push', '.', '--partial')
    expect(partial).toMatchObject({ code: 1, out: `created    ${space}.good  a.dg\n` })
    expect(partial.err).toMatch(/^script_invalid: 1 created, 0 saved, 0 unchanged\. Refused: \d errors? in 1 file\.$/m)
    expect((await there(`${space}.good`)).source).toContain('"1"')
  })

  it('pushes functions of an own namespace that call each other, in whatever order their files come', async () => {
    await file('a.dg', fn('outer', `return ${space}.inner();`))
    await file('b.dg', fn('inner', 'return "in";'))
    const pushed = await functions('push', '.')
    expect(pushed.code, pushed.err).toBe(0)
    expect((await functions('run', `${space}.outer`)).out).toBe('in\n')
    // of several functions in a file, it is the one that the file is named after
    await file(`${space}/main.dg`, fn('part', 'return "part";') + fn('main', `return ${space}.part() + " of main";`))
    expect((await functions('push', space)).out).toBe(`created    ${space}.main  ${space}/main.dg\n`)
    expect((await functions('run', 'main')).out).toBe('part of main\n')
  })

  it('refuses what its author may not use, with the line, before anything is pushed', async () => {
    await connect(ada, { service: 'echo', link_name: `${space}_adas`, credentials: { 'X-Api-Key': 'practice-key' } })
    const { key } = must(await dev.ask('POST', '/api/v1/api-keys', { name: 'Cleo’s' }), 201).json as { key: string }
    const calling = `r = invokeurl [ url: "${practiceUrl(server)}/key/echo" connection: "${space}_adas" ];\n\treturn r;`
    await file('a.dg', fn('fine', 'return "";'))
    await file('b.dg', `map ${space}.steals()\n{\n\t${calling}\n}\n`)
    const refused = await patchbay(['functions', 'push', '.'], { PATCHBAY_API_KEY: key })
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(new RegExp(`^b\\.dg:3:1: You may not use the connection ${space}_adas\\. Ask its owner`, 'm'))
    expect((await ada.ask('GET', `/api/v1/functions/${space}/fine`)).status).toBe(404)
    expect((await functions('push', '.')).code).toBe(0)
  })

  it('never saves over what somebody saved there since, unless it is told to', async () => {
    await file('a.dg', fn('both', 'return "1";'))
    await file('b.dg', fn('theirs', 'return "1";'))
    expect((await functions('push', '.')).code).toBe(0)
    await saved(`${space}.both`, fn('both', 'return "theirs";'))
    await saved(`${space}.theirs`, fn('theirs', 'return "theirs";'))
    await file('a.dg', fn('both', 'return "mine";'))
    const refused = await functions('push', '.')
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/^a\.dg:1:1: It was saved there by somebody else since: revision 2 /m)
    expect((await there(`${space}.both`)).source).toContain('theirs')

    const forced = await functions('push', '.', '--force')
    expect(forced).toMatchObject({ code: 0, err: '0 created, 2 saved, 0 unchanged.\n' })
    expect((await there(`${space}.both`)).source).toContain('mine')
  })

  it('pulls into <namespace>/<name>.dg, follows what is saved there, and keeps what was changed here', async () => {
    await saved(`${space}.Alpha`, `string ${space}.Alpha() { return "1"; }`)
    await saved(`${space}.beta`, fn('beta', 'return "1";'))
    const first = await functions('pull', 'fresh/folder')
    expect(first.code, first.err).toBe(0)
    expect(first.out).toContain(`new           ${space}.Alpha  fresh/folder/${space}/Alpha.dg\n`)
    expect(await read(`fresh/folder/${space}/Alpha.dg`)).toBe(`string ${space}.Alpha() { return "1"; }\n`)
    expect((await functions('push', 'fresh/folder')).err).toMatch(/^0 created, 0 saved, \d+ unchanged\.$/m)

    // theirs changed: followed. Mine changed: kept, and told. Both: kept, and exit code 1.
    await saved(`${space}.Alpha`, `string ${space}.Alpha() { return "2"; }`)
    await file(`fresh/folder/${space}/beta.dg`, fn('beta', 'return "mine";'))
    const second = await functions('pull', 'fresh/folder')
    expect(second).toMatchObject({ code: 0, out: `updated       ${space}.Alpha  fresh/folder/${space}/Alpha.dg\nchanged here  ${space}.beta  fresh/folder/${space}/beta.dg\n` }) // prettier-ignore
    expect(await read(`fresh/folder/${space}/Alpha.dg`)).toContain('"2"')
    await saved(`${space}.beta`, fn('beta', 'return "theirs";'))
    const third = await functions('pull', 'fresh/folder')
    expect(third).toMatchObject({ code: 1, out: `kept          ${space}.beta  fresh/folder/${space}/beta.dg\n` })
    expect(third.err).toMatch(/^changed_here: One file was kept: /m)
    expect(await read(`fresh/folder/${space}/beta.dg`)).toContain('mine')
    expect((await functions('pull', 'fresh/folder', '--force')).code).toBe(0)
    expect(await read(`fresh/folder/${space}/beta.dg`)).toContain('theirs')
  }, 60_000)

  it('knows a folder that was copied without its memory by the history there, and a file by its header', async () => {
    await saved(`${space}.moved`, fn('moved', 'return "old";'))
    await saved(`${space}.moved`, fn('moved', 'return "new";'))
    await file('anywhere/else.dg', fn('moved', 'return "old";'))
    const older = await functions('push', 'anywhere')
    expect(older).toMatchObject({ code: 0, out: `older      ${space}.moved  anywhere/else.dg\n` })
    expect(older.err).toContain('"patchbay functions pull anywhere"')
    expect((await there(`${space}.moved`)).source).toContain('new')
    const pulled = await functions('pull', 'anywhere')
    expect(pulled.out).toContain(`updated       ${space}.moved  anywhere/else.dg\n`)
    expect(await read('anywhere/else.dg')).toContain('new')
    await expect(stat(join(dir, `anywhere/${space}/moved.dg`))).rejects.toThrow('ENOENT')
  })

  it('renames a function, and its file in a folder follows', async () => {
    await saved(`${space}.old`, fn('old', `if(n > 0) { return ${space}.old(n - 1); }\n\treturn "end";`, 'int n'))
    expect((await functions('pull', 'f')).code).toBe(0)
    const renamed = await functions('rename', `${space}.old`, `${space}b.fresh`, 'f')
    expect(renamed).toEqual({ code: 0, out: `renamed  ${space}.old  ${space}b.fresh  f/${space}b/fresh.dg\n`, err: '' })
    expect(await read(`f/${space}b/fresh.dg`)).toContain(`${space}b.fresh(n - 1)`)
    await expect(stat(join(dir, `f/${space}/old.dg`))).rejects.toThrow('ENOENT')
    expect((await functions('push', 'f')).err).toMatch(/^0 created, 0 saved, \d+ unchanged\.$/m)
    expect((await functions('run', `${space}b.fresh`, '-a', 'n=2')).out).toBe('end\n')

    await saved(`${space}.caller`, fn('caller', `return ${space}b.fresh(0);`))
    const refused = await functions('rename', `${space}b.fresh`, 'third')
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(new RegExp(`^function_in_use: .*${space}\\.caller`))
    // what was changed here and is not live would be lost
    await file(`f/${space}b/fresh.dg`, `string ${space}b.fresh(int n) { return "mine"; }`)
    expect((await functions('rename', `${space}b.fresh`, 'third', 'f', '--force')).err).toMatch(
      /^changed_here: f\/.* is not what is live\./,
    )
    expect((await functions('rename', `${space}b.fresh`, 'not a name')).err).toMatch(/^usage: "not a name" cannot be/)
    const forced = await functions('rename', `${space}b.fresh`, 'third', '--force')
    expect(forced).toMatchObject({ code: 0, out: `renamed  ${space}b.fresh  ${space}b.third\n` })
    expect(forced.err).toBe(`These call it by its old name and fail until they are changed: ${space}.caller.\n`)
  }, 60_000)

  it('runs with arguments of every type: info while it runs on stderr, what it returns on stdout', async () => {
    await saved(`${space}.greet`, fn('greet', 'info "for " + name;\n\treturn "Hello " + name + " x" + times;', 'string name, int times'))
    const ran = await functions('run', 'greet', '--arg', 'name=Ada=A', '-a', 'times=3')
    expect(ran).toEqual({ code: 0, out: 'Hello Ada=A x3\n', err: 'for Ada=A\n' })
    const whole = JSON.parse((await functions('run', `${space}.greet`, '--json', '-a', 'name=B', '-a', 'times=1')).out) as unknown
    expect(whole).toMatchObject({ status: 'success', output: 'Hello B x1', info: ['for B'] })
    const wrong = await functions('run', `${space}.greet`, '--arg', 'times=many')
    expect(wrong).toMatchObject({ code: 1, out: '' })
    expect(wrong.err).toMatch(/^validation_failed: .*\n {2}arguments\.times: Give a whole number\.\n$/)

    await saved(`${space}.exact`, `map ${space}.exact(map m, file f)\n{\n\tm.put("id", m.get("id") + 1);\n\tm.put("file", f.getFileName());\n\treturn m;\n}`) // prettier-ignore
    await file('a.txt', 'inside')
    const exact = await functions('run', `${space}.exact`, '-a', 'm={"id":1234567890123456789}', '--file', 'f=a.txt')
    expect(exact.err).toBe('')
    expect(exact.out).toBe('{"id":1234567890123456790,"file":"a.txt"}\n')
    const piped = await patchbay(['functions', 'run', `${space}.greet`, '--args', '-'], {}, '{"name":"C","times":2}')
    expect(piped.out).toBe('Hello C x2\n')
  })

  it('lists what ran, with how it ended', async () => {
    await saved(`${space}.logged`, fn('logged', 'return 1 / d;', 'int d'))
    await functions('run', `${space}.logged`, '-a', 'd=1')
    await functions('run', `${space}.logged`, '-a', 'd=0')
    await server.broker.functionLog.flush()
    const { db } = server.broker
    const first = await db.selectFrom('function_runs').select('id').where('name', '=', 'logged').where('status', '=', 'success').executeTakeFirstOrThrow() // prettier-ignore
    await db.updateTable('function_runs').set({ status: 'interrupted', error: 'Patchbay ended.' }).where('id', '=', first.id).execute()
    const listed = await functions('runs', `${space}.logged`)
    expect(listed.out).toMatch(
      new RegExp(
        `^STARTED +STATUS[\\s\\S]*failure +${space}\\.logged[^\\n]*line 3: [\\s\\S]*interrupted +${space}\\.logged[^\\n]*Patchbay ended\\.`,
      ),
    )
    const some = JSON.parse((await functions('runs', `${space}.logged`, '--status', 'interrupted', '--json')).out) as unknown[]
    expect(some).toMatchObject([{ id: first.id, status: 'interrupted' }])
    expect((await functions('runs', '--limit', '0')).code).not.toBe(0)
  })

  it('ends with the line of a script that failed, and the address where a connection was missing', async () => {
    await saved(`${space}.fails`, fn('fails', 'info "before";\n\tx = {1}.get(7);\n\treturn 1 / 0;'))
    const failed = await functions('run', `${space}.fails`)
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toMatch(new RegExp(`^before\\nscript_failed: ${space}\\.fails, line \\d+: .`))

    await connect(dev, { service: 'echo', link_name: `${space}_each`, use_login_user_credentials: true, credentials: { 'X-Api-Key': 'practice-key' } }) // prettier-ignore
    await saved(`${space}.calls`, `map ${space}.calls()\n{\n\tr = invokeurl [ url: "${practiceUrl(server)}/key/echo" connection: "${space}_each" ];\n\treturn r;\n}`) // prettier-ignore
    const unconnected = await functions('run', `${space}.calls`, '--json')
    expect(unconnected.code).toBe(1)
    expect(JSON.parse(unconnected.out)).toMatchObject({ status: 'failure' })
    expect(unconnected.err).toMatch(new RegExp(`^authorization_required: ${space}\\.calls, line 3: .*\\n {2}connect_url: http`))
  })

  it('shows lines of info before the run has ended', async () => {
    const slow = `string ${space}.slow()\n{\n\tinfo "early";\n\tr = invokeurl [ url: "${practiceUrl(server)}/open/slow?ms=1500" ];\n\treturn "late";\n}`
    await saved(`${space}.slow`, slow)
    const at: number[] = []
    const ran = await patchbay(['functions', 'run', `${space}.slow`], {}, '', () => at.push(Date.now()))
    expect(ran, ran.err).toMatchObject({ code: 0, out: 'late\n', err: 'early\n' })
    expect(Date.now() - (at[0] ?? Infinity)).toBeGreaterThan(800)
  })

  it('checks files, folders and what is piped in', async () => {
    await file('scripts/good.dg', fn('good', 'return "";'))
    await file('scripts/bad.dg', fn('bad', 'while (true) { }\n\tinfo standalone.nowhere();\n\treturn "";'))
    const found = await functions('check', 'scripts')
    expect(found.code).toBe(1)
    expect(found.out).toMatch(/^scripts\/bad\.dg:3:\d+: .*loop/im)
    expect(found.err).toMatch(/^script_invalid: There are \d errors? in 1 file\.\n$/)
    expect(await functions('check', 'scripts/good.dg')).toEqual({ code: 0, out: '', err: 'No errors.\n' })
    const piped = await patchbay(['functions', 'check', '-'], {}, 'info 1;\nx = ;')
    expect(piped).toMatchObject({ code: 1, out: expect.stringMatching(/^-:2:\d+: /) as string })
    const json = JSON.parse((await functions('check', 'scripts', '--json')).out) as { path: string; errors: { line: number }[] }[]
    expect(json.map(one => [one.path, one.errors[0]?.line])).toEqual([['scripts/bad.dg', 3], ['scripts/good.dg', undefined]]) // prettier-ignore
    await writeFile(join(dir, 'latin.dg'), Buffer.from([0x69, 0xe9]))
    expect((await functions('check', 'latin.dg')).err).toBe('usage: latin.dg is not written in UTF-8. Save it as UTF-8.\n')
  })

  it('plans a folder: connections, hosts, tasks and what is not available, each with its file and line', async () => {
    await connect(ada, { service: 'echo', link_name: `${space}_ready`, credentials: { 'X-Api-Key': 'practice-key' } })
    const call = (connection: string, url: string) => `r = invokeurl\n[\n\turl: "${url}"\n\ttype: GET\n\tconnection: "${connection}"\n];`
    await file('a.dg', call(`${space}_ready`, `${practiceUrl(server)}/key/echo`))
    await file('b.dg', `${call(`${space}_books`, 'https://api.books.example/v1/invoices')}\ninsert into Form [ a = 1 ];\n`)
    await file('c.dg', 'r = zoho.crm.getRecords("Leads");\ninfo standalone.nowhere_at_all();\n')
    const plan = await functions('plan', '.')
    expect(plan, plan.err).toMatchObject({ code: 0, err: '' })
    expect(plan.out).toMatch(/^3 files, 2 connections, 2 hosts\.\n\n## Connections\n/)
    expect(plan.out).toMatch(new RegExp(`- \\[x\\] ${space}_ready: connected, Practice echo \\(echo\\)\\n +used in a\\.dg:5\\n`))
    expect(plan.out).toMatch(
      new RegExp(`- \\[ \\] ${space}_books: missing\\n +used in b\\.dg:5\\n +hosts api\\.books\\.example\\n +- Create`),
    )
    expect(plan.out).toMatch(/\n## Hosts\n(.*\n)*- api\.books\.example: over \w+, b\.dg:1\n/)
    expect(plan.out).toMatch(/\n## Tasks\n(.*\n)*- zoho\.crm\.getrecords: c\.dg:1\n/)
    expect(plan.out).toContain('\n## Functions that are neither here nor there\n- [ ] standalone.nowhere_at_all: c.dg:2\n')
    expect(plan.out).toMatch(/\n## Not available here\n- \[ \] .*: b\.dg:7\n {2}Call `zoho\.creator\.createRecord` .*\.\n/)
    expect(plan.out).not.toContain('## Errors')
    expect(plan.out).toMatch(/\nTo do: 1 connection, 1 missing function, 1 construct that is not available here\.\n$/)
    expect(JSON.parse((await functions('plan', '.', '--json')).out)).toMatchObject({ ready: false, files: [{ path: 'a.dg' }, {}, {}] })
  })

  it('shows the functions there are, and their sources to nobody who writes none', async () => {
    await saved(`${space}.listed`, fn('listed', 'return "";', 'string a, int b'))
    const listed = await functions('list', '--namespace', space)
    expect(listed.out).toMatch(new RegExp(`^FUNCTION.*\\n${space}\\.listed +string a, int b +1 +Cleo +–\\n$`))
    const bob = await joins(server, `Bob${tests}`)
    const { key } = must(await bob.ask('POST', '/api/v1/api-keys', { name: 'Bob’s' }), 201).json as { key: string }
    const pulled = await patchbay(['functions', 'pull', 'mine'], { PATCHBAY_API_KEY: key })
    expect(pulled).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^forbidden: Only developers/) as string })
    await file('a.dg', fn('mine', 'return "";'))
    expect((await patchbay(['functions', 'push', '.'], { PATCHBAY_API_KEY: key })).err).toMatch(/^forbidden: Only developers/m)
  })
})
