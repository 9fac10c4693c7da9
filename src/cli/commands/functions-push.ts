import type { Command } from 'commander'
import { PatchbayProblem, type ListedFunction, type Patchbay } from '../../../sdk/index.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { mapAtOnce } from '../scripts/at-once.ts'
import { keyOf, noScripts, scriptsIn, type FunctionName } from '../scripts/folder.ts'
import { counted, findingLines, judge, type Finding, type Judged } from '../scripts/judge.ts'
import { fingerprint, readSeen, writeSeen, type SeenFunctions } from '../scripts/seen.ts'
import { compare, functionsThere } from '../scripts/there.ts'
import { clean, print, printJson, say } from '../terminal.ts'

interface PushOptions {
  readonly dryRun?: true
  readonly partial?: true
  readonly force?: true
  readonly note?: string
  readonly json?: true
}

/** What is to be done with one file. */
type Step =
  | { readonly kind: 'create'; readonly judged: Judged; readonly named: FunctionName }
  | { readonly kind: 'save'; readonly judged: Judged; readonly named: FunctionName; readonly revision: number }
  | { readonly kind: 'unchanged'; readonly judged: Judged; readonly named: FunctionName; readonly revision: number; readonly id: string }
  /** Somebody saved it there, and nothing was changed here. */
  | { readonly kind: 'older'; readonly judged: Judged; readonly named: FunctionName }
  | { readonly kind: 'refused'; readonly judged: Judged; readonly named: FunctionName | null; readonly errors: readonly Finding[] }

type Writing = Extract<Step, { kind: 'create' | 'save' }>
type Refused = Extract<Step, { kind: 'refused' }>

const isWriting = (step: Step): step is Writing => step.kind === 'create' || step.kind === 'save'
const isRefused = (step: Step): step is Refused => step.kind === 'refused'

const refusal = (message: string, suggestion: string | null): readonly Finding[] => [{ line: 1, column: 1, message, suggestion }]

const unnamed = refusal(
  'Neither a header nor the path of the file says which function this is.',
  'Begin it with a header such as string standalone.hello(string name), or name the file <namespace>/<name>.dg.',
)

const changedThere = (revision: number) =>
  refusal(
    `It was saved there by somebody else since: revision ${revision} is not in this folder.`,
    'Commit yours, fetch theirs with "patchbay functions pull --force" and bring them together; or save over theirs with --force, which its history keeps.',
  )

async function stepFor(
  patchbay: Patchbay,
  judged: Judged,
  live: ReadonlyMap<string, ListedFunction>,
  seen: SeenFunctions,
  force: boolean,
): Promise<Step> {
  const { named, errors, script } = judged
  if (named === null) return { kind: 'refused', judged, named, errors: [...errors, ...unnamed] }
  if (errors.length > 0) return { kind: 'refused', judged, named, errors }
  const there = live.get(keyOf(named))
  if (!there) return { kind: 'create', judged, named }
  const { standing, revision } = await compare(patchbay, script.source, there, seen.get(there.id))
  if (standing === 'same') return { kind: 'unchanged', judged, named, revision, id: there.id }
  if (force || standing === 'changed here' || standing === 'never seen') return { kind: 'save', judged, named, revision }
  if (standing === 'changed there') return { kind: 'older', judged, named }
  return { kind: 'refused', judged, named, errors: changedThere(revision) }
}

const write = (patchbay: Patchbay, { named, judged: { script }, ...step }: Writing, note: string | undefined) =>
  step.kind === 'create'
    ? patchbay.functions.create({ ...named, source: script.source, language: 'deluge', ...(note !== undefined && { note }) })
    : patchbay.functions.save(
        named.namespace,
        named.name,
        { source: script.source, ...(note !== undefined && { note }) },
        { revision: step.revision },
      )

/** What a refused save says about its file; null when it is about something else and ends the command. */
function errorsOf(error: unknown): readonly Finding[] | null {
  if (!(error instanceof PatchbayProblem)) return null
  if (error.code === 'script_invalid')
    return error.errors.map(({ line, column, message, suggestion }) => ({
      line: line ?? 1,
      column: column ?? 1,
      message,
      suggestion: suggestion ?? null,
    }))
  if (error.code === 'precondition_failed' || error.code === 'function_name_taken')
    return refusal('Somebody saved it there at the same moment.', 'Push again.')
  return error.code === 'validation_failed' ? error.errors.flatMap(one => refusal(one.message, null)) : null
}

/**
 * Saves one after the other. What is refused is tried again as long as others get through: a function of an own namespace can only be
 * called once it is there. @returns what was refused to the end
 */
async function writeAll(steps: readonly Writing[], save: (step: Writing) => Promise<void>): Promise<Refused[]> {
  const refused: Refused[] = []
  const again: Writing[] = []
  for (const step of steps) {
    try {
      await save(step)
    } catch (error) {
      const errors = errorsOf(error)
      if (errors === null) throw error
      refused.push({ kind: 'refused', judged: step.judged, named: step.named, errors })
      again.push(step)
    }
  }
  return again.length === 0 || again.length === steps.length ? refused : writeAll(again, save)
}

const words = { create: 'created', save: 'saved', unchanged: 'unchanged', older: 'older', refused: 'refused' } as const

async function push(patchbay: Patchbay, directory: string, options: PushOptions): Promise<void> {
  const scripts = scriptsIn(directory)
  if (scripts.length === 0) throw noScripts(directory)
  const seen = readSeen(directory)
  const [judged, live] = await Promise.all([judge(patchbay, scripts), functionsThere(patchbay)])
  const steps = await mapAtOnce(judged, one => stepFor(patchbay, one, live, seen, options.force ?? false))

  const tell = ({ kind, named, judged: { script } }: Step) => {
    const word = options.dryRun && (kind === 'create' || kind === 'save') ? kind : words[kind]
    if (!options.json) print(clean(`${word.padEnd(9)}  ${named?.namespace}.${named?.name}  ${script.path}`))
  }
  const complain = (all: readonly Refused[]) => {
    for (const { errors, judged: { script } } of all) for (const line of findingLines(script.path, errors)) say(clean(line)) // prettier-ignore
  }

  const unfit = steps.filter(isRefused)
  complain(unfit)
  const held = unfit.length > 0 && !options.partial
  const writing = steps.filter(isWriting)
  const written = new Set<Step>()
  const refused: Refused[] = [...unfit]
  try {
    for (const { kind, ...step } of steps)
      if (kind === 'unchanged' && 'id' in step)
        seen.set(step.id, { revision: step.revision, sha256: fingerprint(step.judged.script.source) })
    if (!held)
      refused.push(
        ...(await writeAll(writing, async step => {
          if (!options.dryRun) {
            const { id, revision } = await write(patchbay, step, options.note)
            seen.set(id, { revision, sha256: fingerprint(step.judged.script.source) })
          }
          written.add(step)
          tell(step)
          for (const line of findingLines(step.judged.script.path, step.judged.warnings, 'warning: ')) say(clean(line))
        })),
      )
  } finally {
    if (!options.dryRun) writeSeen(directory, seen)
  }
  complain(refused.slice(unfit.length))
  const older = steps.filter(step => step.kind === 'older')
  for (const step of older) tell(step)
  if (options.json) printJson(steps.map(step => outcomeOf(step, written, refused)))
  const summary = summaryOf(steps, written, options.dryRun ?? false)
  if (refused.length === 0) {
    say(summary)
    if (older.length > 0) say(`Older than what is there: "patchbay functions pull ${directory}" fetches it, --force pushes all the same.`)
    return
  }
  const found = counted(refused)
  throw new Failure('script_invalid', held ? `Nothing was pushed: ${found}. --partial pushes the others.` : `${summary} Refused: ${found}.`)
}

const outcomeOf = (step: Step, written: ReadonlySet<Step>, refused: readonly Refused[]) => {
  const { judged, named, kind } = step
  const no = refused.find(one => one.judged === judged)
  return {
    path: judged.script.path,
    function: named && `${named.namespace}.${named.name}`,
    outcome: no ? 'refused' : isWriting(step) && !written.has(step) ? 'held' : words[kind],
    errors: no?.errors ?? [],
    warnings: judged.warnings,
  }
}

function summaryOf(steps: readonly Step[], written: ReadonlySet<Step>, dryRun: boolean): string {
  const count = (kind: Step['kind']) => steps.filter(step => step.kind === kind && (!isWriting(step) || written.has(step))).length
  const older = count('older')
  const sentence = `${count('create')} created, ${count('save')} saved, ${count('unchanged')} unchanged${older > 0 ? `, ${older} older than there` : ''}.`
  return dryRun ? `Nothing was pushed. It would be: ${sentence}` : sentence
}

export function pushCommand(functions: Command, context: Context): void {
  functions
    .command('push')
    .description('create and save the functions of a folder; what is saved is live')
    .argument('[dir]', 'the folder with the .dg files', '.')
    .option('--dry-run', 'only say what would be done')
    .option('--partial', 'push the files without errors although others have some')
    .option('--force', 'save over what was changed there since the last push or pull')
    .option('--note <text>', 'why, for the history of each function')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Each file is one function. Its header says which, string automation.tidy(int days) { … }; a file without a header is named by its path,
<namespace>/<name>.dg, or standalone at the top of the folder. When one file has errors, nothing is pushed: each is said as
path:line:column: sentence, and the exit code is 1.

A folder remembers in .patchbay/ what it last had in common with Patchbay, so that nobody's change is overwritten. A build server that
pushes what is in version control has no such memory: use --force there.

  $ patchbay functions pull functions          # what is there now, as a start
  $ patchbay functions push functions --dry-run
  $ patchbay functions push functions --note "Invoices in euros"`,
    )
    .action(async (directory: string, options: PushOptions, command: Command) => push(context.patchbay(command), directory, options))
}
