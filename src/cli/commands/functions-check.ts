import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { scriptsAt } from '../scripts/folder.ts'
import { counted, findingLines, judge, type Judged } from '../scripts/judge.ts'
import { clean, print, printJson, say } from '../terminal.ts'

const shown = ({ script, named, errors, warnings }: Judged) => ({
  path: script.path,
  function: named && `${named.namespace}.${named.name}`,
  errors,
  warnings,
})

export function checkCommand(functions: Command, context: Context): void {
  functions
    .command('check')
    .description('say everything that is wrong with scripts; nothing is stored')
    .argument('<files...>', 'files, folders, or -')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
One finding a line, path:line:column: sentence, which editors understand. Exit code 1 when there are errors; warnings are none.

  $ patchbay functions check functions
  $ patchbay functions check functions/standalone/hello.dg
  $ git show HEAD:functions/standalone/hello.dg | patchbay functions check -`,
    )
    .action(async (paths: readonly string[], options: { json?: true }, command: Command) => {
      const judged = await judge(context.patchbay(command), scriptsAt(paths))
      if (options.json) printJson(judged.map(shown))
      else
        for (const { script, errors, warnings } of judged)
          for (const line of [...findingLines(script.path, errors), ...findingLines(script.path, warnings, 'warning: ')]) print(clean(line))
      if (judged.some(one => one.errors.length > 0)) throw new Failure('script_invalid', `There are ${counted(judged)}.`)
      say(judged.length === 1 ? 'No errors.' : `No errors in ${judged.length} files.`)
    })
}
