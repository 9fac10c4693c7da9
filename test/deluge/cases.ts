import { readdirSync, readFileSync } from 'node:fs'

/**
 * Tests written in the language itself: each `.dg` file here is a list of cases, and so are the samples of two documents.
 *
 *   //# LEX-1, LEX-2 a title          begins a case; the ids of the reference that it shows come first
 *   //@ profile creator               an option of the case: profile, precedence, function, and as JSON: arguments, limits, answers
 *   //@ request GET https://…         a request that the case makes, in order
 *   //@ returns text                  what it returns, as it prints
 *   info x;         //= 1 //= 2       what this line writes to the log, in order; a line that writes without this mark is a failure
 *                                   `$LINE-3` stands for the number of the third line above
 *   x = 1 / 0;      //! part          the run fails here, with a message that contains this
 *   while (true) {} //? part          check finds something here; the case is not run
 */
export interface Case {
  readonly file: string
  /** Line of `//#`, from 1. */
  readonly line: number
  readonly ids: readonly string[]
  readonly title: string
  readonly options: ReadonlyMap<string, string>
  readonly requests: readonly string[]
  /** Lines above the case are kept empty, so that lines are those of the file. */
  readonly source: string
  readonly logged: readonly Mark[]
  readonly failure: Mark | null
  readonly findings: readonly Mark[]
}

/** A text at a line. */
export interface Mark {
  readonly line: number
  readonly text: string
}

const folder = new URL('./', import.meta.url)
const heading = /^\/\/#\s*((?:[A-Z]+-\d+(?:\s*,\s*|\s+))*)(.*)$/
const option = /^\/\/@\s*(\w+)\s+(.*)$/

/** Marks stand behind the code, each from its sign to the next sign. */
function marksOf(text: string, line: number): { sign: string; mark: Mark }[] {
  const [, ...parts] = text.split(/\/\/([=!?])(?= |$)/)
  const marks: { sign: string; mark: Mark }[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    marks.push({
      sign: parts[at] ?? '',
      mark: { line, text: (parts[at + 1] ?? '').trim().replace(/\$LINE(-\d+)?/g, (_, less?: string) => String(line + Number(less ?? 0))) },
    })
  }
  return marks
}

function caseOf(file: string, lines: readonly string[], from: number, to: number): Case {
  const [, ids = '', title = ''] = heading.exec(lines[from] ?? '') ?? []
  const body = lines.slice(from + 1, to)
  const options = body.map(line => option.exec(line)).filter(match => match !== null)
  const marks = body.flatMap((line, at) => marksOf(line, from + 2 + at))
  const marked = (sign: string) => marks.filter(one => one.sign === sign).map(one => one.mark)
  return {
    file,
    line: from + 1,
    ids: ids.match(/[A-Z]+-\d+/g) ?? [],
    title,
    options: new Map(options.map(match => [match[1] ?? '', match[2] ?? ''])),
    requests: options.filter(match => match[1] === 'request').map(match => match[2] ?? ''),
    source: '\n'.repeat(from + 1) + body.join('\n').trimEnd(),
    logged: marked('='),
    failure: marked('!')[0] ?? null,
    findings: marked('?'),
  }
}

function casesIn(file: string, lines: readonly string[]): Case[] {
  const starts = lines.flatMap((line, at) => (line.startsWith('//#') ? [at] : []))
  return starts.map((start, at) => caseOf(file, lines, start, starts[at + 1] ?? lines.length))
}

/** Pages whose samples are run. What a sample needs and readers do not stands in comments before it: `<!-- //@ arguments {"a": 1} -->`. */
const pages = ['docs/deluge.md', 'README.md']
const root = new URL('../../', import.meta.url)

/** A page with nothing but its samples left, on their lines, each under the heading of a case. */
function samplesOf(page: string): string[] {
  let inSample = false
  let headed = false
  let section = ''
  return page.split('\n').map(line => {
    if (inSample) {
      inSample = line.trim() !== '```'
      return inSample ? line : ''
    }
    section = /^#+ (.*)$/.exec(line)?.[1] ?? section
    const [, kept = '', title] = /^<!-- (\/\/(?:#(.*)|@.*)) -->$/.exec(line) ?? []
    if (kept !== '') headed ||= title !== undefined
    if (line !== '```deluge') return kept
    const heading = headed ? '' : `//# ${section}`
    inSample = true
    headed = false
    return heading
  })
}

/** Every case of every file, in order, the samples of the documents last. */
export function readCases(): Case[] {
  const files = readdirSync(folder).filter(name => name.endsWith('.dg'))
  return [
    ...files.sort().flatMap(file => casesIn(file, readFileSync(new URL(file, folder), 'utf8').split('\n'))),
    ...pages.flatMap(page => casesIn(page, samplesOf(readFileSync(new URL(page, root), 'utf8')))),
  ]
}
