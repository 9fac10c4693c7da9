import { assert, describe, test } from 'vitest'
import { parseJson } from '../../src/deluge/json.ts'
import { integrationTasks } from '../../src/deluge/tasks/integration/index.ts'
import { jsonOf } from '../../src/deluge/text.ts'
import { fileOf, type Value } from '../../src/deluge/value.ts'
import { scriptedHost, type ScriptedAnswer } from './scripted-host.ts'

/** One call: what a script writes, the request it makes, the answer to it, and what the script gets. */
export interface Case {
  readonly task: string
  readonly given: readonly unknown[]
  readonly connection?: string
  readonly sends: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answer?: ScriptedAnswer
  readonly gives?: unknown
}

const file = fileOf('a.txt', Buffer.from('hello'), 'text/plain')
/** Stands for a file in `given`. */
export const FILE = Symbol('a file')

/** Calls a task with plain values, and gives what it asked for and what the script gets. */
export function asked(task: string, given: readonly unknown[], answer: ScriptedAnswer = {}, connections: readonly [string, string][] = []) {
  const scripted = scriptedHost([answer])
  for (const [namespace, name] of connections) scripted.connections.set(namespace, name)
  const row = integrationTasks.get(task.toLowerCase())
  assert.isDefined(row, task)
  const values = given.map((value): Value => {
    if (value === FILE) return file
    return typeof value === 'object' && value !== null ? parseJson(JSON.stringify(value), scripted.context.meter) : (value as Value)
  })
  const result = row.run(scripted.context, values)
  const [request] = scripted.requests
  return { ...scripted, result, request, shown: jsonOf(scripted.context.surroundings, result) }
}

export const created = { data: [{ code: 'SUCCESS', status: 'success', details: { id: '554', Created_Time: 'now' } }] }
export const refused = { code: 'INVALID_DATA', status: 'error', details: { api_name: 'Email' } }
/** What runs on the side when the options name no `trigger`. */
export const sideEffects = ['approval', 'blueprint']

/** One test for each case. A case that names `connection` has it elsewhere than in the last argument. */
export function tellCases(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { task, given, connection = String(given.at(-1)), sends, headers = {}, body, answer, gives } of cases) {
      test(`${task}(${given.map(value => (value === FILE ? 'file' : JSON.stringify(value))).join(', ')})`, () => {
        const { request, shown } = asked(task, given, answer)
        assert.isDefined(request)
        assert.equal(`${request.method} ${request.url}`, sends)
        assert.equal(request.connection, connection)
        assert.deepEqual(Object.fromEntries(request.headers), headers)
        const sent = request.body === null ? null : Buffer.from(request.body).toString()
        if (body === undefined) assert.isNull(sent)
        else if (body instanceof RegExp) assert.match(sent ?? '', body)
        else if (typeof body === 'string') assert.equal(sent, body)
        else assert.deepEqual(JSON.parse(sent ?? 'null'), body)
        if (gives !== undefined) assert.deepEqual(JSON.parse(shown), gives)
      })
    }
  })
}
