import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { DelugeFunction, Patchbay } from '../../../sdk/index.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { extension, isName, keyOf, scriptsIn, writeScript, type FunctionName, type Script } from '../scripts/folder.ts'
import { judge } from '../scripts/judge.ts'
import { fingerprint, readSeen, writeSeen } from '../scripts/seen.ts'
import { compare } from '../scripts/there.ts'
import { clean, print, printJson, say } from '../terminal.ts'
import { named } from './functions-run.ts'

interface RenameOptions {
  readonly force?: true
  readonly json?: true
}

const shown = ({ namespace, name }: FunctionName) => `${namespace}.${name}`

/** `namespace.name`, or a name in the namespace the function is in. @throws Failure usage */
function newName(text: string, { namespace }: FunctionName): FunctionName {
  const to = text.includes('.') ? text : `${namespace}.${text}`
  const [first = '', second = '', ...more] = to.split('.')
  const name = { namespace: first, name: second }
  if (more.length > 0 || !isName(name))
    throw new Failure('usage', `"${text}" cannot be a function’s name: write namespace.name, such as standalone.hello.`)
  return name
}

/** Where a file belongs that stands where its function’s old name says; one that stands elsewhere stays there, its header names it. */
function pathFor({ path, place }: Script, from: FunctionName, to: FunctionName): string {
  if (keyOf(place) !== keyOf(from)) return path
  const folder = dirname(path)
  const isBeside = basename(folder).toLowerCase() === from.namespace.toLowerCase()
  const root = isBeside ? dirname(folder) : folder
  const inRoot = !isBeside && to.namespace === 'standalone'
  return join(root, inRoot ? '' : to.namespace, `${to.name}${extension}`).replaceAll('\\', '/')
}

/**
 * The file of a function in a folder, null when there is none.
 * @throws Failure changed_here when it holds what is not live, usage when another file has the new name
 */
async function fileOf(
  patchbay: Patchbay,
  directory: string,
  one: DelugeFunction,
  to: FunctionName,
): Promise<{ path: string; next: string } | null> {
  const scripts = scriptsIn(directory)
  const judged = scripts.length === 0 ? [] : await judge(patchbay, scripts)
  const script = judged.find(file => file.named !== null && keyOf(file.named) === keyOf(one))?.script
  if (!script) return null
  const { path, source } = script
  const { standing } = await compare(patchbay, source, one, readSeen(directory).get(one.id))
  if (standing !== 'same' && standing !== 'changed there')
    throw new Failure('changed_here', `${path} is not what is live. Push it first, or rename without the folder.`)
  const next = pathFor(script, one, to)
  if (next.toLowerCase() !== path.toLowerCase() && existsSync(next)) throw new Failure('usage', `There is a file ${next} already.`)
  return { path, next }
}

async function rename(
  patchbay: Patchbay,
  text: string,
  wanted: string,
  directory: string | undefined,
  options: RenameOptions,
): Promise<void> {
  const asked = await named(patchbay, text)
  const one = await patchbay.functions.get(asked.namespace, asked.name)
  const to = newName(wanted, one)
  const file = directory === undefined ? null : await fileOf(patchbay, directory, one, to)
  const done = await patchbay.functions.rename(one.namespace, one.name, to, { force: options.force, revision: one.revision })
  if (file && directory !== undefined && typeof done.source === 'string') {
    mkdirSync(dirname(file.next), { recursive: true })
    renameSync(file.path, file.next)
    writeScript(file.next, done.source)
    writeSeen(directory, readSeen(directory).set(done.id, { revision: done.revision, sha256: fingerprint(done.source) }))
  }
  const path = file?.next ?? null
  const callers = one.called_by ?? []
  if (options.json) printJson({ from: shown(one), function: shown(done), revision: done.revision, path, called_by: callers })
  else print(clean(`renamed  ${shown(one)}  ${shown(done)}${path === null ? '' : `  ${path}`}`))
  if (callers.length > 0) say(clean(`These call it by its old name and fail until they are changed: ${callers.join(', ')}.`))
  if (directory !== undefined && file === null) say(clean(`${directory} has no file of it.`))
}

export function renameCommand(functions: Command, context: Context): void {
  functions
    .command('rename')
    .description('give a function another name; its history, variables and schedules stay')
    .argument('<function>', 'namespace.name; without a namespace: standalone, or the only one of that name')
    .argument('<name>', 'the new namespace.name, or a name in the same namespace')
    .argument('[dir]', 'a folder that was pulled: the file of the function follows')
    .option('--force', 'although other functions call it by its old name')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Its header and the calls of itself are rewritten, and its address from outside changes. Functions that call it are named, and not changed.

  $ patchbay functions rename hello greet
  $ patchbay functions rename standalone.hello greetings.hello functions`,
    )
    .action(async (name: string, to: string, directory: string | undefined, options: RenameOptions, command: Command) =>
      rename(context.patchbay(command), name, to, directory, options),
    )
}
