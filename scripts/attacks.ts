import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Attack } from '../test/attacks/attack.ts'
import { defences } from '../test/attacks/defences/index.ts'
import { prose } from './builtins.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** `it('title', …`, and `it.each(…)('title', …` whatever is in its rows. */
const titlePattern = /(?:\b(?:it|test|describe)(?:\.\w+)*|[\])])\(\s*(['"`])((?:\\.|(?!\1).)*)\1\s*,/gs

interface Title {
  readonly file: string
  readonly text: string
}

function titles(): Title[] {
  return ['src', 'sdk', 'web', 'test'].flatMap(folder =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
      .map(entry => join(entry.parentPath, entry.name).slice(root.length))
      .sort()
      .flatMap(file =>
        [...readFileSync(join(root, file), 'utf8').matchAll(titlePattern)].map(match => ({
          file,
          text: (match[2] ?? '').replaceAll('\\', ''),
        })),
      ),
  )
}

/** A title cites X01 as `X01` or as one of its parts, `01.3`. */
const cites = ({ id }: Attack, title: string) =>
  new RegExp(id.startsWith('X') ? `\\b(?:${id}|${id.slice(1)}\\.\\d+)\\b` : `\\b${id}\\b`).test(title)

/** What Patchbay does against each attack, the tests of it, and what makes each of them fail: for docs/attacks.md. */
export function attacksParts(table: (head: readonly string[], rows: readonly (readonly string[])[]) => string): string[] {
  const all = titles()
  return defences.flatMap(one => {
    const others = all.filter(
      ({ file, text }) => cites(one, text) && !one.mutants.some(mutant => mutant.test === file && text.includes(mutant.name)),
    )
    return [
      `## ${one.id}`,
      prose(one.attack),
      one.defence.map(prose).join(' '),
      one.mutants.length > 0
        ? table(
            ['Switched off', 'In', 'What fails then'],
            one.mutants.map(({ what, file, test, name }) => [prose(what), `\`${file}\``, `\`${test}\` ${prose(name)}`]),
          )
        : '',
      others.length > 0 ? `Also: ${others.map(title => `\`${title.file}\` ${prose(title.text)}`).join(' · ')}` : '',
    ].filter(Boolean)
  })
}
