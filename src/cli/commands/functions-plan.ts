import type { Command } from 'commander'
import type { FunctionPlan } from '../../../sdk/index.ts'
import type { Context } from '../patchbay.ts'
import { scriptsAt } from '../scripts/folder.ts'
import { findingLines, many } from '../scripts/judge.ts'
import { clean, print, printJson } from '../terminal.ts'

interface Used {
  readonly uses: number
  readonly used_in: readonly { readonly path: string; readonly line: number }[]
}

/** Where something is used: file:line, a few of them. */
const mostPlaces = 5

function places({ uses, used_in }: Used): string {
  const named = used_in.slice(0, mostPlaces).map(({ path, line }) => `${path}:${line}`)
  const more = uses - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const box = (done: boolean) => (done ? '- [x]' : '- [ ]')

/** Lines of a section under its title; nothing for an empty one. */
function section(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  print(`\n## ${title}`)
  for (const line of lines) print(clean(line))
}

const statusOf = (status: string): string => (status === 'not_yours' ? 'not yours' : status.replaceAll('_', ' '))

function connectionLines(one: FunctionPlan['connections'][number]): string[] {
  const { service } = one
  const of = service ? `, ${service.name} (${service.link_name}${service.exists ? '' : ', to be created'})` : ''
  return [
    `${box(one.ready)} ${one.link_name}: ${statusOf(one.status)}${of}`,
    `  used in ${places(one)}`,
    ...(one.hosts.length > 0 ? [`  hosts ${one.hosts.join(', ')}`] : []),
    ...(one.scopes.length > 0 ? [`  scopes ${one.scopes.join(', ')}`] : []),
    ...one.steps.map(step => `  - ${step}`),
  ]
}

const namedLine = (mark: string) => (one: Used & { readonly name: string }) => `${mark} ${one.name}: ${places(one)}`

/** What has a section of its own. */
const isUnavailable = ({ message }: { readonly message: string }) => message.endsWith(' is not available here.')

/** The checklist; as Markdown, so that it can stand in an issue. */
function show(plan: FunctionPlan): void {
  const { files, connections, hosts, tasks, unavailable } = plan
  const errors = files.flatMap(file =>
    findingLines(
      file.path,
      file.errors.filter(one => !isUnavailable(one)),
    ),
  )
  const missing = plan.functions.filter(one => !one.defined)
  const dynamic = files.filter(file => file.dynamic_connection)
  print(`${many(files.length, 'file')}, ${many(connections.length, 'connection')}, ${many(hosts.length, 'host')}.`)
  section('Connections', connections.flatMap(connectionLines))
  section(
    'Connections whose name only a run can tell',
    dynamic.map(file => `- [ ] ${file.path}`),
  )
  const over = (names: readonly string[]) => (names.length > 0 ? `over ${names.join(', ')}` : 'without a connection')
  section(
    'Hosts',
    hosts.map(one => `- ${one.host}: ${over(one.connections)}, ${places(one)}`),
  )
  section('Tasks', tasks.map(namedLine('-')))
  section('Functions that are neither here nor there', missing.map(namedLine('- [ ]')))
  section(
    'Not available here',
    unavailable.flatMap(one => [namedLine('- [ ]')(one), `  ${one.instead}`]),
  )
  section(
    'Errors',
    errors.map(line => `- [ ] ${line}`),
  )
  const open = connections.filter(one => !one.ready).length
  const left = [
    [open, 'connection'],
    [errors.length, 'error'],
    [missing.length, 'missing function'],
    [unavailable.length, 'construct'],
  ] as const
  const toDo = left.filter(([count]) => count > 0).map(([count, noun]) => many(count, noun))
  const elsewhere = unavailable.length === 0 ? '' : ` that ${unavailable.length === 1 ? 'is' : 'are'} not available here`
  print(
    toDo.length === 0
      ? '\nEverything that these scripts need is here: "patchbay functions push" makes them live.'
      : `\nTo do: ${toDo.join(', ')}${elsewhere}.`,
  )
}

export function planCommand(functions: Command, context: Context): void {
  functions
    .command('plan')
    .description('what a folder of scripts needs here, and what of it is there: a checklist')
    .argument('<dir...>', 'folders or files')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
For scripts that were written elsewhere: every connection they name with the service and the scopes their calls imply, every host and
task, and what does not exist here, each with its file and line. Scopes are a proposal: look at them. Nothing is stored.

  $ patchbay functions plan ./scripts
  $ patchbay functions plan ./scripts > TODO.md`,
    )
    .action(async (paths: readonly string[], options: { json?: true }, command: Command) => {
      const files = scriptsAt(paths).map(({ path, source }) => ({ path, source }))
      const plan = await context.patchbay(command).functions.plan(files)
      if (options.json) printJson(plan)
      else show(plan)
    })
}
