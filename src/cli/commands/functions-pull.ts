import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { ListedFunction, Patchbay } from '../../../sdk/index.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { mapAtOnce } from '../scripts/at-once.ts'
import { extension, isName, keyOf, scriptsIn, writeScript } from '../scripts/folder.ts'
import { judge, type Judged } from '../scripts/judge.ts'
import { fingerprint, readSeen, writeSeen, type SeenFunctions } from '../scripts/seen.ts'
import { compare, functionsThere, sourceThere } from '../scripts/there.ts'
import { clean, print, printJson, say } from '../terminal.ts'

interface PullOptions {
  readonly dryRun?: true
  readonly force?: true
  readonly json?: true
}

type Outcome = 'new' | 'updated' | 'unchanged' | 'changed' | 'kept' | 'local'

interface Pulled {
  readonly path: string
  readonly function: string
  readonly outcome: Outcome
  readonly id: string | null
  readonly revision: number
  readonly source: string | null
}

/** Where a function belongs that this folder has no file of. A name from elsewhere never leads out of the folder. */
function pathFor(directory: string, { namespace, name }: ListedFunction): string {
  if (!isName({ namespace, name })) throw new Failure('unexpected_answer', 'Patchbay has a function whose name cannot be a file’s.')
  return join(directory, namespace, `${name}${extension}`).replaceAll('\\', '/')
}

/** Fetches one function; the file is written afterwards, when all have been fetched. */
async function pullOne(
  patchbay: Patchbay,
  directory: string,
  live: ListedFunction,
  file: Judged | undefined,
  seen: SeenFunctions,
  force: boolean,
): Promise<Pulled> {
  const name = `${live.namespace}.${live.name}`
  if (!file) {
    const path = pathFor(directory, live)
    // there is such a file, and its header names another function
    const taken = existsSync(path)
    return { ...(await sourceThere(patchbay, live)), path, function: name, id: live.id, outcome: taken && !force ? 'kept' : 'new' }
  }
  const { path, source: here } = file.script
  const { standing, ...there } = await compare(patchbay, here, live, seen.get(live.id))
  const told = { ...there, path, function: name, id: live.id }
  if (standing === 'same') return { ...told, outcome: 'unchanged', source: here }
  if (force) return { ...told, outcome: 'updated', source: there.source ?? (await sourceThere(patchbay, live)).source }
  if (standing === 'changed there') return { ...told, outcome: 'updated' }
  return { ...told, outcome: standing === 'changed here' ? 'changed' : 'kept' }
}

const isWritten = ({ outcome }: Pulled) => outcome === 'new' || outcome === 'updated'

async function pull(patchbay: Patchbay, directory: string, options: PullOptions): Promise<void> {
  const scripts = scriptsIn(directory)
  const seen = readSeen(directory)
  const [judged, live] = await Promise.all([scripts.length === 0 ? [] : judge(patchbay, scripts), functionsThere(patchbay)])
  const files = new Map([...judged].reverse().flatMap(one => (one.named ? [[keyOf(one.named), one] as const] : [])))
  const pulled = await mapAtOnce([...live.values()], one =>
    pullOne(patchbay, directory, one, files.get(keyOf(one)), seen, options.force ?? false),
  )

  for (const one of pulled) {
    if (one.source === null || one.id === null || !(isWritten(one) || one.outcome === 'unchanged')) continue
    if (isWritten(one) && !options.dryRun) writeScript(one.path, one.source)
    seen.set(one.id, { revision: one.revision, sha256: fingerprint(one.source) })
  }
  if (!options.dryRun) writeSeen(directory, seen)

  const local = judged
    .filter(one => one.named !== null && !live.has(keyOf(one.named)))
    .map(({ script, named }): Pulled => ({ path: script.path, function: `${named?.namespace}.${named?.name}`, outcome: 'local', id: null, revision: 0, source: null })) // prettier-ignore
  report([...pulled, ...local], directory, options)
}

const words: Readonly<Record<Outcome, string>> = {
  new: 'new',
  updated: 'updated',
  unchanged: 'unchanged',
  changed: 'changed here',
  kept: 'kept',
  local: 'only here',
}

function report(all: readonly Pulled[], directory: string, { json, dryRun, force }: PullOptions): void {
  if (json) printJson(all.map(({ path, function: name, outcome }) => ({ path, function: name, outcome })))
  else
    for (const one of all) if (one.outcome !== 'unchanged') print(clean(`${words[one.outcome].padEnd(12)}  ${one.function}  ${one.path}`))
  const count = (outcome: Outcome) => all.filter(one => one.outcome === outcome).length
  const written = `${count('new')} new, ${count('updated')} updated, ${count('unchanged')} unchanged.`
  say(dryRun ? `Nothing was written. It would be: ${written}` : written)
  if (all.length === 0) say(`There are no functions yet. Write one into ${join(directory, 'standalone', `hello${extension}`)} and push it.`)
  if (count('changed') + count('local') > 0) say('Changed here or only here: "patchbay functions push" makes it live.')
  if (count('kept') > 0 && !force)
    throw new Failure(
      'changed_here',
      `${count('kept') === 1 ? 'One file was kept' : `${count('kept')} files were kept`}: changed here, and something else is live. Commit yours, then pull with --force and bring them together.`,
    )
}

export function pullCommand(functions: Command, context: Context): void {
  functions
    .command('pull')
    .description('write the functions there are into a folder, as <namespace>/<name>.dg')
    .argument('[dir]', 'the folder; made when there is none', '.')
    .option('--dry-run', 'only say what would be written')
    .option('--force', 'overwrite files that were changed here')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
A file that names a function in its header stays where it is. What was changed here is kept and told; --force overwrites it.

  $ patchbay functions pull functions
  $ git add functions && git commit -m "The functions as they are"`,
    )
    .action(async (directory: string, options: PullOptions, command: Command) => pull(context.patchbay(command), directory, options))
}
