import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import type { File, Value } from '../value.ts'
import type { Tasks } from './define.ts'
import { textAttribute } from './invoke-url.ts'
import { isFile, isList } from './multipart.ts'

/** Addresses of a list, or of a text with commas or semicolons between them: not those inside the quotes of a name. */
function addressesOf(context: Context, name: string, value: Value | undefined): string[] {
  if (value === undefined || value === null) return []
  const texts = isList(value)
    ? value.items.filter(item => item !== null).map(item => textOf(context.surroundings, item))
    : (textOf(context.surroundings, value).match(/(?:"[^"]*"|[^",;])+/g) ?? [])
  const addresses = texts.map(text => text.trim()).filter(text => text !== '')
  for (const address of addresses) {
    // Whether the address exists is for the mail server to say; a line break in one would be another header.
    if (/[\r\n]/.test(address) || !/[^\s@<]@[^\s@>]/.test(address))
      throw new Failure(`sendmail: "${address.slice(0, 100)}" in \`${name}\` is not an e-mail address.`)
  }
  return addresses
}

function only(name: string, addresses: readonly string[]): string | null {
  if (addresses.length > 1) throw new Failure(`sendmail: \`${name}\` takes one address.`)
  return addresses[0] ?? null
}

function filesOf(value: Value | undefined): File[] {
  if (value === undefined || value === null) return []
  const items = isList(value) ? value.items : [value]
  return items.map(item => {
    if (!isFile(item)) throw new Failure('sendmail: `attachments` takes files: `attachments: file: v`, or a list of files.')
    return item
  })
}

function send(context: Context, attributes: Readonly<Record<string, Value>>): Value {
  const addresses = (name: string) => addressesOf(context, name, attributes[name])
  const from = only('from', addresses('from'))
  const to = addresses('to')
  if (from === null) throw new Failure('sendmail needs a `from`: zoho.adminuserid or zoho.loginuserid.')
  if (to.length === 0) throw new Failure('sendmail needs at least one address in `to`.')
  const kind = textAttribute(context, attributes['content type'])?.toUpperCase() ?? 'HTML'
  const attachments = filesOf(attributes['attachments'])
  context.meter.called()
  context.host.mail({
    from,
    to,
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    replyTo: only('reply to', addresses('reply to')),
    subject: (textAttribute(context, attributes['subject']) ?? '').replace(/\s+/g, ' '),
    message: attributes['message'] === undefined ? '' : textOf(context.surroundings, attributes['message'] ?? ''),
    html: kind === 'HTML',
    attachments: attachments.map(({ name, contentType, bytes }) => ({ name, contentType, bytes })),
  })
  return null
}

/** ST-11. */
export const sendMailTasks: Tasks = {
  sendmail: {
    doc: 'Sends an e-mail over the mail server of the settings.',
    gives: 'none',
    attributes: {
      from: { type: 'any', required: true, doc: 'The sender: zoho.adminuserid or zoho.loginuserid.' },
      to: { type: 'any', required: true, doc: 'Recipients: a text with commas between them, or a list.' },
      cc: { type: 'any', doc: 'Recipients of a copy.' },
      bcc: { type: 'any', doc: 'Recipients whom the others do not see.' },
      'reply to': { type: 'any', doc: 'The address that answers go to.' },
      subject: { type: 'text', doc: 'The subject, on one line.' },
      message: { type: 'text', doc: 'The message: HTML unless the content type is TEXT.' },
      'content type': { type: 'constant', words: ['HTML', 'TEXT'], doc: 'HTML, or TEXT for a message without markup.' },
      attachments: { type: 'any', doc: '`file: v` for a file or a list of files.' },
    },
    run: send,
    example:
      'sendmail\n[\n\tfrom: zoho.adminuserid\n\tto: "ada@example.com"\n\tsubject: "Shipped"\n\tmessage: "<b>Your order</b> is on its way."\n];',
  },
}
