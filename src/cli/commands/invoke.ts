import { InvalidArgumentError, Option, type Command } from 'commander'
import type { AnsweredFile, InvokeAnswer, Method, Values } from '../../../sdk/index.ts'
import { readText } from '../ask.ts'
import type { Context } from '../patchbay.ts'
import { print, say } from '../terminal.ts'
import { pair } from './connections.ts'

interface InvokeOptions {
  readonly type?: Method
  readonly header?: Values
  readonly parameter?: Values
  readonly data?: string
  readonly json?: true
  readonly include?: true
}

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

function header(value: string, before: Values = {}): Values {
  const at = value.indexOf(':')
  if (at < 1) throw new InvalidArgumentError('Write it as name: value.')
  return { ...before, [value.slice(0, at).trim()]: value.slice(at + 1).trim() }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export function invokeCommand(root: Command, context: Context): void {
  root
    .command('invoke')
    .description('call a URL through a connection and print what the service answers')
    .argument('<connection>', 'link name, or - for none')
    .argument('<url>')
    .addOption(new Option('-X, --type <method>', 'default: GET, or POST with -d').choices(methods))
    .option('-H, --header <name: value>', 'as often as needed', header)
    .option('-p, --parameter <name=value>', 'in the query of a GET, in a form otherwise; as often as needed', pair)
    .option('-d, --data <body>', 'the body; @file reads a file, @- what is piped in. Sent as JSON when it is JSON, else as text')
    .option('-i, --include', 'print status and headers first')
    .option('--json', 'print status, headers and body as one JSON document')
    .action(async (connection: string, url: string, options: InvokeOptions, command: Command) => {
      const { type, header: headers, parameter: parameters, data, json, include } = options
      const body = data?.startsWith('@') ? readText(data.slice(1)) : data
      const named = Object.keys(headers ?? {}).some(name => name.toLowerCase() === 'content-type')
      const call = {
        url,
        type: type ?? (body === undefined ? 'GET' : 'POST'),
        headers,
        parameters,
        body,
        ...(connection !== '-' && { connection }),
        ...(body !== undefined && !named && isJson(body) && { content_type: 'application/json' }),
      } as const
      const patchbay = context.patchbay(command)
      if (json) return print(await patchbay.invokeText(call)) // as it came: numbers in it may be longer than JavaScript's
      // as a file, the body arrives byte for byte
      output(await patchbay.invoke<AnsweredFile | null>({ ...call, response_format: 'file' }), include ?? false)
    })
}

function output(answer: InvokeAnswer<AnsweredFile | null>, include: boolean): void {
  if (include)
    print([`HTTP ${answer.status_code}`, ...Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`), ''].join('\n'))
  else if (answer.status_code >= 400) say(`The service answered ${answer.status_code}.`)
  const bytes = Buffer.from(answer.body?.content_base64 ?? '', 'base64')
  process.stdout.write(bytes)
  if (process.stdout.isTTY && bytes.length > 0 && bytes.at(-1) !== 0x0a) process.stdout.write('\n')
}
