import { describe, expect, it } from 'vitest'
import { check } from '../../src/deluge/check.ts'
import { parseJson } from '../../src/deluge/json.ts'
import { defaultLimits, meterOf, type Limits } from '../../src/deluge/limits.ts'
import { compile, run } from '../../src/deluge/run.ts'
import { textOf } from '../../src/deluge/text.ts'
import type { Value } from '../../src/deluge/value.ts'
import { readCases, type Case, type Mark } from './cases.ts'
import { scriptedHost, type ScriptedAnswer } from '../support/scripted-host.ts'
import { environmentOf, hostWith } from './environment.ts'

const json = <Type>(text: string | undefined, fallback: Type): Type => (text === undefined ? fallback : (JSON.parse(text) as Type))

function argumentsOf(text: string | undefined): ReadonlyMap<string, Value> {
  if (text === undefined) return new Map()
  const meter = meterOf(
    defaultLimits,
    () => 0,
    () => false,
    () => 0,
  )
  const value = parseJson(text, meter)
  return typeof value === 'object' && value?.kind === 'map' ? value.entries : new Map()
}

function runCase(one: Case): void {
  const { options } = one
  const scripted = scriptedHost(json<ScriptedAnswer[]>(options.get('answers'), []), {
    surroundings: {
      profile: options.get('profile') === 'creator' ? 'creator' : 'crm',
      precedence: options.get('precedence') === 'creator' ? 'creator' : 'usual',
    },
  })
  const { surroundings } = scripted.context
  const host = hostWith(scripted, json(options.get('functions'), {}))
  const logged: Mark[] = []
  const [namespace, name] = (options.get('function') ?? '').split('.')
  const limits: Limits = { ...defaultLimits, ...json<Partial<Limits>>(options.get('limits'), {}) }
  const result = run(
    compile(one.source, surroundings),
    { ...(namespace && name ? { function: { namespace, name } } : {}), arguments: argumentsOf(options.get('arguments')) },
    environmentOf({ host, surroundings, limits, info: (text, line) => logged.push({ line, text }) }),
  )
  const linesOf = (marks: readonly Mark[]) => marks.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `${String(line)}: ${text}`)
  // the log first: what was written before a failure says why; by line, since a loop writes from several in turn
  if (result.error === null || one.failure !== null) expect(linesOf(logged).join('\n')).toBe(linesOf(one.logged).join('\n'))
  const failed = result.error === null ? null : `${String(result.error.line)}: ${result.error.message}`
  if (one.failure === null) expect(failed).toBeNull()
  else {
    expect(failed).toMatch(new RegExp(`^${String(one.failure.line)}:`))
    expect(failed).toContain(one.failure.text)
  }
  if (one.requests.length > 0) expect(scripted.requests.map(request => `${request.method} ${request.url}`)).toEqual(one.requests)
  const returns = options.get('returns')
  if (returns !== undefined) expect(textOf(surroundings, result.output)).toBe(returns)
}

function checkCase(one: Case): void {
  const { errors, warnings } = check(one.source, { precedence: one.options.get('precedence') === 'creator' ? 'creator' : 'usual' })
  const found = [...errors, ...warnings]
  for (const mark of one.findings) {
    const here = found.filter(finding => finding.line === mark.line).map(finding => finding.message)
    expect(here.join('\n'), `line ${String(mark.line)}`).toContain(mark.text)
  }
  const lines = new Set(one.findings.map(mark => mark.line))
  expect(found.filter(finding => !lines.has(finding.line))).toEqual([])
}

const cases = readCases()

for (const file of new Set(cases.map(one => one.file))) {
  describe(file, () => {
    for (const one of cases.filter(each => each.file === file)) {
      it(`${one.ids.join(', ')} ${one.title} (line ${String(one.line)})`, () => {
        if (one.findings.length > 0) checkCase(one)
        else runCase(one)
      })
    }
  })
}
