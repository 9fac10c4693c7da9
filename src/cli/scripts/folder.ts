import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readText } from '../ask.ts'
import { Failure } from '../failure.ts'

export const extension = '.dg'
/** UTF-16 units that Patchbay takes as one function. */
const longest = 1_000_000

/** A file of the folder. */
export interface Script {
  /** As it was named at the command line, with slashes. */
  readonly path: string
  readonly source: string
  /** What its place says it is: `<namespace>/<name>.dg`; a file that stands in no folder is `standalone`. */
  readonly place: FunctionName
}

export interface FunctionName {
  readonly namespace: string
  readonly name: string
}

/** Names are compared without case, as the language does. */
export const keyOf = ({ namespace, name }: FunctionName): string => `${namespace}.${name}`.toLowerCase()

const identifier = /^[A-Za-z]\w*$/
export const isName = ({ namespace, name }: FunctionName): boolean => identifier.test(namespace) && identifier.test(name)

/** Everything that is no part of a script's meaning: what editors and git change by themselves. */
export const plain = (source: string): string => source.replace(/\r\n?/g, '\n').replace(/\n+$/, '')

const slashes = (path: string): string => path.replaceAll('\\', '/')

function placeOf(path: string): FunctionName {
  const folder = basename(dirname(path))
  return { namespace: folder === '' || folder === '.' ? 'standalone' : folder, name: basename(path, extension) }
}

/** @throws Failure for what is no text, or longer than a function may be */
function textOf(path: string, read: () => string): string {
  const text = read().replace(/^\ufeff/, '')
  if (text.includes('\0')) throw new Failure('usage', `${path} is no text.`)
  if (text.length > longest)
    throw new Failure('too_long', `${path} has ${text.length} characters, and a function ${longest} at most. Split it.`)
  return text
}

/** Utf-8 or nothing: a byte that is replaced in silence would be pushed. */
function readUtf8(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError) throw new Failure('usage', `${path} is not written in UTF-8. Save it as UTF-8.`, error)
    throw error
  }
}

/** Below the folder. Links are not followed, hidden folders not entered. */
function pathsIn(directory: string, below = ''): string[] {
  const entries = readdirSync(join(directory, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap(entry => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return pathsIn(directory, `${below}${entry.name}/`)
    return entry.isFile() && entry.name.endsWith(extension) ? [below + entry.name] : []
  })
}

function kindOf(path: string): 'folder' | 'file' | null {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? null : found.isDirectory() ? 'folder' : 'file'
}

/** The scripts of a folder, in the order of their paths; none for one that does not exist yet. @throws Failure usage for a file */
export function scriptsIn(directory: string): Script[] {
  const kind = kindOf(directory)
  if (kind === 'file') throw new Failure('usage', `${directory} is a file. Name the folder it stands in.`)
  if (kind === null) return []
  return pathsIn(directory).map(below => {
    const path = slashes(join(directory, below))
    return { path, source: textOf(path, () => readUtf8(path)), place: placeOf(below) }
  })
}

/** Files, folders and `-`. @throws Failure for what is not there, and when there is not one script */
export function scriptsAt(paths: readonly string[]): Script[] {
  const scripts = paths.flatMap((path): Script[] => {
    if (path === '-') return [{ path: '-', source: textOf('What is piped in', () => readText('-')), place: placeOf('stdin') }]
    const kind = kindOf(path)
    if (kind === null) throw new Failure('not_found', `There is no file or folder ${path}.`)
    return kind === 'folder'
      ? scriptsIn(path)
      : [{ path: slashes(path), source: textOf(path, () => readUtf8(path)), place: placeOf(slashes(path)) }]
  })
  if (scripts.length === 0) throw noScripts(paths.join(', '))
  return [...new Map(scripts.map(one => [one.path, one])).values()]
}

export const noScripts = (where: string): Failure =>
  new Failure(
    'nothing_found',
    `There is no ${extension} file in ${where === '.' ? 'this folder' : where}. Write a function into ${join(where, 'standalone', `hello${extension}`)}, or fetch those there are: patchbay functions pull ${where}`,
  )

/** Whole or not at all; ends with a line end. */
export function writeScript(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`)
  try {
    writeFileSync(draft, source.endsWith('\n') ? source : `${source}\n`, { flag: 'wx' })
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}
