import { Failure } from '../failure.ts'
import { builtin, type Builtin, type Builtins } from './define.ts'

const unavailable = (what: string, instead: string, example: string): Builtin =>
  builtin({
    doc: `${what} is not available here: ${instead}`,
    takes: ['any...'],
    gives: 'none',
    examples: { [example]: 'error: not available here' },
    run() {
      throw new Failure(`${what} is not available here: ${instead}`)
    },
  })

/** Built-ins of other hosts that scripts name. They are known, so that nobody looks for a spelling mistake, and say what to do instead. */
export const notHere: Builtins = {
  'zoho.file.convertToPDF': unavailable(
    'Making a PDF',
    'call a service that does it with `invokeurl`.',
    'zoho.file.convertToPDF("<p>a</p>")',
  ),
  'zoho.pushNotification': unavailable(
    'A push notification',
    'send a mail with `sendmail`, or call a chat service with `invokeurl`.',
    'zoho.pushNotification("a")',
  ),
  setFilePassword: builtin({
    doc: 'Setting the password of a file is not available here: send the file to a service that does it.',
    takes: ['file', 'text'],
    gives: 'none',
    parameters: ['password'],
    examples: { 'f = "x".toFile("a.txt"); f.setFilePassword("p")': 'error: not available here' },
    run() {
      throw new Failure('Setting the password of a file is not available here: send the file to a service that does it.')
    },
  }),
}
