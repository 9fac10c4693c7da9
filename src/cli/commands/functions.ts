import type { Command } from 'commander'
import type { ListedFunction } from '../../../sdk/index.ts'
import type { Context } from '../patchbay.ts'
import { printJson, printTable } from '../terminal.ts'
import { checkCommand } from './functions-check.ts'
import { planCommand } from './functions-plan.ts'
import { pullCommand } from './functions-pull.ts'
import { pushCommand } from './functions-push.ts'
import { renameCommand } from './functions-rename.ts'
import { runCommand } from './functions-run.ts'
import { runsCommand } from './functions-runs.ts'

const argumentsOf = ({ signature }: ListedFunction): string | undefined =>
  signature?.parameters.map(({ name, type }) => (type === null ? name : `${type} ${name}`)).join(', ')

function listCommand(functions: Command, context: Context): void {
  functions
    .command('list')
    .description('the functions there are')
    .option('--namespace <namespace>', 'of one namespace')
    .option('-q, --search <text>', 'in name, description or source')
    .option('--json', 'as JSON')
    .action(async (options: { namespace?: string; search?: string; json?: true }, command: Command) => {
      const { namespace, search: q } = options
      const found: ListedFunction[] = []
      for await (const one of context.patchbay(command).functions.list({ namespace, q, limit: 100 })) found.push(one)
      if (options.json) return printJson(found)
      const rows = found.map(one => [
        `${one.namespace}.${one.name}`,
        argumentsOf(one),
        one.revision,
        one.author.name,
        one.last_run && `${one.last_run.status} ${one.last_run.at}`,
      ])
      const none = 'No function was found. Write one into functions/standalone/hello.dg, then: patchbay functions push functions'
      printTable(['FUNCTION', 'ARGUMENTS', 'REVISION', 'SAVED BY', 'LAST RUN'], rows, none)
    })
}

export function functionCommands(root: Command, context: Context): void {
  const functions = root
    .command('functions')
    .description('Deluge functions: a folder of .dg files, pushed, pulled, checked and run')
    .addHelpText(
      'after',
      `
First:
  $ mkdir -p functions/standalone
  $ echo 'string standalone.hello(string name) { return "Hello " + name; }' > functions/standalone/hello.dg
  $ patchbay functions push functions
  $ patchbay functions run hello --arg name=Ada

With scripts from elsewhere, begin with: patchbay functions plan DIR`,
    )
  listCommand(functions, context)
  pushCommand(functions, context)
  pullCommand(functions, context)
  runCommand(functions, context)
  runsCommand(functions, context)
  renameCommand(functions, context)
  checkCommand(functions, context)
  planCommand(functions, context)
}
