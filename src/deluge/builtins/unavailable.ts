import { Failure } from '../failure.ts'
import { builtin, type Builtin, type Builtins } from './define.ts'

/** `instead` begins a sentence. */
interface NotHere {
  readonly what: string
  readonly instead: string
  readonly example: string
  readonly takes?: readonly ['file', 'text']
}

const rows: Readonly<Record<string, NotHere>> = {
  'zoho.file.convertToPDF': {
    what: 'Making a PDF',
    instead: 'Call a service that does it with `invokeurl`.',
    example: 'zoho.file.convertToPDF("<p>a</p>")',
  },
  'zoho.pushNotification': {
    what: 'A push notification',
    instead: 'Send a mail with `sendmail`, or call a chat service with `invokeurl`.',
    example: 'zoho.pushNotification("a")',
  },
  'zoho.crm.raiseSignal': {
    what: 'A signal',
    instead: 'Send a mail with `sendmail`, or call a chat service with `invokeurl`.',
    example: 'zoho.crm.raiseSignal({"message":"a"})',
  },
  setFilePassword: {
    what: 'Setting the password of a file',
    instead: 'Send the file to a service that does it.',
    example: 'f = "x".toFile("a.txt"); f.setFilePassword("p")',
    takes: ['file', 'text'],
  },
}

function known({ what, instead, example, takes }: NotHere): Builtin {
  const told = `${what} is not available here: ${instead.charAt(0).toLowerCase()}${instead.slice(1)}`
  const run = () => {
    throw new Failure(told)
  }
  const examples = { [example]: 'error: not available here' }
  return takes === undefined
    ? builtin({ doc: told, takes: ['any...'], gives: 'none', examples, run })
    : builtin({ doc: told, takes, gives: 'none', parameters: ['password'], examples, run })
}

/** Built-ins of other hosts that scripts name. They are known, so that nobody looks for a spelling mistake, and say what to do instead. */
export const notHere: Builtins = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, known(row)]))

const insteads: ReadonlyMap<string, string> = new Map(Object.entries(rows).map(([name, { instead }]) => [name.toLowerCase(), instead]))

/** What to do instead of one of them, as a sentence; null for any other name. */
export const insteadOfBuiltin = (name: string): string | null => insteads.get(name.toLowerCase()) ?? null
