import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { PatchbayProblem, type FunctionRun, type Patchbay, type Values } from '../../../sdk/index.ts'
import { memberText, parseLossless } from '../../core/lossless-json.ts'
import { readText } from '../ask.ts'
import { Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import type { FunctionName } from '../scripts/folder.ts'
import { clean, print, say } from '../terminal.ts'
import { pair } from './connections.ts'

interface RunOptions {
  readonly arg?: Values
  readonly file?: Values
  readonly args?: string
  readonly json?: true
}

type Given = Readonly<Record<string, unknown>>

/** A JSON object; numbers longer than JavaScript's keep their digits, as texts that the declared types read. @throws Failure usage */
function readArguments(path: string): Given {
  let value: unknown
  try {
    value = parseLossless(readText(path))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Failure('usage', `${path} is not JSON.`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Given
  throw new Failure('usage', `${path}: a JSON object of arguments by their names is needed.`)
}

const givenBy = ({ args, arg, file }: RunOptions): Given => ({
  ...(args !== undefined && readArguments(args)),
  ...arg,
  ...Object.fromEntries(
    Object.entries(file ?? {}).map(([name, path]) => [
      name,
      { filename: basename(path), content_base64: readFileSync(path).toString('base64') },
    ]),
  ),
})

/** `name` is `standalone.name`, and where there is none, the only one of that name. @throws Failure usage, function_not_found */
export async function named(patchbay: Patchbay, text: string): Promise<FunctionName> {
  const [, namespace, name] = /^(?:(\w+)\.)?(\w+)$/.exec(text) ?? []
  if (name === undefined) throw new Failure('usage', `"${text}" is no function: write namespace.name, such as standalone.hello.`)
  if (namespace !== undefined) return { namespace, name }
  const standalone = await patchbay.functions.get('standalone', name).catch((error: unknown) => {
    if (error instanceof PatchbayProblem && error.code === 'function_not_found') return null
    throw error
  })
  if (standalone) return standalone
  const found: FunctionName[] = []
  for await (const one of patchbay.functions.list({ q: name, limit: 100 }))
    if (one.name.toLowerCase() === name.toLowerCase()) found.push({ namespace: one.namespace, name: one.name })
  const [first, ...others] = found
  if (first && others.length === 0) return first
  const names = found.map(one => `${one.namespace}.${one.name}`).join(', ')
  throw first
    ? new Failure('usage', `Several functions are called ${name}: ${names}. Name the one you mean.`)
    : new Failure('function_not_found', `There is no function ${name}. "patchbay functions list" shows those there are.`)
}

const codes = { failed: 'script_failed', call: 'call_failed', limit: 'limit_reached', cancelled: 'cancelled' } as const

/** A script that failed, as a refusal is written: what, where, and the address that helps. */
function failureOf(name: string, { message, line, kind, code, connect_url }: NonNullable<FunctionRun['error']>): PatchbayProblem {
  return new PatchbayProblem({
    code: code ?? codes[kind],
    status: 422,
    detail: `${name}, line ${line}: ${message}`,
    facts: { ...(connect_url !== undefined && { connect_url }) },
  })
}

/** A text as it is, a file's bytes, everything else as the JSON that came. */
function output(text: string): void {
  const json = memberText(text, 'output') ?? 'null'
  const type: unknown = JSON.parse(memberText(text, 'output_type') ?? 'null')
  if (json === 'null') return
  if (type === 'file') {
    const { content_base64: base64 } = JSON.parse(json) as { content_base64: string }
    process.stdout.write(Buffer.from(base64, 'base64'))
  } else if (json.startsWith('"')) print(JSON.parse(json) as string)
  else print(json)
}

async function runNamed(patchbay: Patchbay, text: string, options: RunOptions): Promise<void> {
  const given = givenBy(options)
  const { namespace, name } = await named(patchbay, text)
  let whole = ''
  const { error } = await patchbay.functions.runStreaming(
    namespace,
    name,
    given,
    info => {
      for (const line of info.text.split('\n')) say(clean(line))
    },
    { onText: received => (whole = received) },
  )
  if (options.json) print(whole)
  if (error) throw failureOf(`${namespace}.${name}`, error)
  if (!options.json) output(whole)
}

export function runCommand(functions: Command, context: Context): void {
  functions
    .command('run')
    .description('run a function as yourself and print what it returns')
    .argument('<function>', 'namespace.name; without a namespace: standalone, or the only one of that name')
    .option('-a, --arg <name=value>', 'an argument, read as its declared type; as often as needed', pair)
    .option('--args <file>', 'a file with all arguments as a JSON object, or -')
    .option('--file <name=path>', 'an argument of type file; as often as needed', pair)
    .option('--json', 'print the whole result as JSON: output, info, duration, statements, calls')
    .addHelpText(
      'after',
      `
What the script writes with info goes to stderr while it runs, what it returns to stdout: a text as it is, anything else as JSON.
A script that fails is exit code 1, with the line; where a connection was missing, with the address that connects it.

  $ patchbay functions run standalone.hello --arg name=Ada --arg times=3
  $ patchbay functions run invoices.send --arg 'invoice={"id":1234567890123456789}' --file pdf=./invoice.pdf
  $ patchbay functions run standalone.report > report.json`,
    )
    .action(async (name: string, options: RunOptions, command: Command) => runNamed(context.patchbay(command), name, options))
}
