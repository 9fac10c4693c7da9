import { describe, expect, it } from 'vitest'
import { scriptedHost } from '../../../test/support/scripted-host.ts'
import { environmentOf } from '../../../test/deluge/environment.ts'
import { compile, run, type RunResult } from '../run.ts'
import { jsonOf } from '../text.ts'
import { kindOf } from '../value.ts'
import { conflicts, tables } from './index.ts'

const { surroundings } = scriptedHost().context

/** The script with its last part returned: `a; b; c` → `a; b; return c;`. A `;` in a text ends nothing. */
function returning(script: string): string {
  let last = -1
  let quote = ''
  for (let at = 0; at < script.length; at += 1) {
    const letter = script[at] ?? ''
    if (quote !== '') {
      if (letter === '\\') at += 1
      else if (letter === quote) quote = ''
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === ';') last = at
  }
  // and a block that ends behind its last statement needs none
  last += /^(?:\s*\})*/.exec(script.slice(last + 1))?.[0].length ?? 0
  return `${script.slice(0, last + 1)} return ${script.slice(last + 1)};`
}

const evaluate = (script: string): RunResult => run(compile(returning(script), surroundings), { arguments: new Map() }, environmentOf())

/** Kind and content: 3 is not 3.0 and not "3". */
const shown = ({ output, error }: RunResult) =>
  error === null ? `${kindOf(output)} ${jsonOf(surroundings, output)}` : `error: ${error.message}`

describe('the built-ins', () => {
  it('have one row for each name and receiver', () => {
    expect(conflicts).toEqual([])
  })

  for (const [table, builtins] of Object.entries(tables)) {
    for (const [name, { examples, doc }] of Object.entries(builtins)) {
      it(`${table}: ${name} does what its examples say`, () => {
        expect(doc).toMatch(/\.$/)
        // what calls the outside has its own tests
        if (table !== 'web data') expect(Object.keys(examples)).not.toEqual([])
        for (const [script, expected] of Object.entries(examples)) {
          const result = evaluate(script)
          if (expected.startsWith('error: ')) expect(result.error?.message ?? shown(result), script).toContain(expected.slice(7))
          else expect(shown(result), script).toBe(shown(evaluate(expected)))
        }
      })
    }
  }
})
