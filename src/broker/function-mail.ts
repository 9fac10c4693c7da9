import { createTransport } from 'nodemailer'
import { Failure } from '../deluge/failure.ts'
import type { Mail, Surroundings } from '../deluge/host.ts'
import { countMails, uncountMails } from '../storage/function-mails.ts'
import type { Broker } from './broker.ts'

/** Hands one message to the operator's mail server. */
export type SendMail = (mail: Mail) => Promise<void>

const mebibyte = 1024 * 1024
const mostRecipients = 100
const mostAttachmentBytes = 15 * mebibyte

const address = /^(?:[^<>"\r\n]{0,200}<)?[^\s<>@,;"\r\n]{1,200}@[^\s<>@,;"\r\n]{1,255}>?$/

/** Null without a server: `sendmail` then says which setting is missing. */
export function createFunctionMail(smtpUrl: string | null, from: string | null): SendMail | null {
  if (smtpUrl === null) return null
  const transport = createTransport(smtpUrl, {
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async mail => {
    await transport.sendMail({
      // the operator's server sends for its own address; who the script names gets the replies
      from: from ?? mail.from,
      replyTo: mail.replyTo ?? (from === null ? undefined : mail.from),
      to: [...mail.to],
      cc: [...mail.cc],
      bcc: [...mail.bcc],
      subject: mail.subject,
      ...(mail.html ? { html: mail.message } : { text: mail.message }),
      attachments: mail.attachments.map(one => ({
        filename: one.name,
        contentType: one.contentType,
        content: Buffer.from(one.bytes),
      })),
    })
  }
}

/** `sendmail`: only in the name of the administrator or of whoever runs it, as in the original. @throws Failure */
export async function sendFunctionMail(broker: Broker, organizationId: string, surroundings: Surroundings, mail: Mail): Promise<void> {
  if (broker.functionMail === null)
    throw new Failure('No mail server is set: the operator of Patchbay sets PATCHBAY_SMTP_URL.', 'call', { code: 'mail_not_set' })
  const all = [...mail.to, ...mail.cc, ...mail.bcc]
  if (all.length === 0) throw new Failure('The mail has no recipient. Write an address after `to`.', 'call')
  if (all.length > mostRecipients) throw new Failure(`A mail has ${mostRecipients} recipients at most. Send several.`, 'call')
  const wrong = [...all, mail.from, ...(mail.replyTo === null ? [] : [mail.replyTo])].find(one => !address.test(one.trim()))
  if (wrong !== undefined)
    throw new Failure(`${JSON.stringify(wrong.slice(0, 100))} is no e-mail address. Correct it, or leave it out.`, 'call')
  const sender = /<([^>]*)>$/.exec(mail.from.trim())?.[1] ?? mail.from.trim()
  const allowed = [surroundings.loginUser?.email, surroundings.adminUser?.email].filter(one => one !== undefined)
  if (!allowed.some(one => one.toLowerCase() === sender.toLowerCase()))
    throw new Failure(
      'A mail is sent from the administrator’s address or that of whoever runs the function: write the system variable of one of them after `from`.',
      'call',
    )
  if (mail.attachments.reduce((sum, one) => sum + one.bytes.byteLength, 0) > mostAttachmentBytes)
    throw new Failure(`The attachments of a mail have ${mostAttachmentBytes / mebibyte} MB at most. Send fewer, or a link.`, 'call')
  const most = broker.limits.functionMailsPerDay
  if (!(await countMails(broker.db, organizationId, all.length, most)))
    throw new Failure(
      `The scripts of this organisation may send ${most} mails in a day, and this one would be more. Try again after midnight UTC, or ask the operator of Patchbay to raise PATCHBAY_FUNCTION_MAILS_PER_DAY.`,
      'call',
      { code: 'mail_limit_reached' },
    )
  try {
    await broker.functionMail(mail)
  } catch (error) {
    await uncountMails(broker.db, organizationId, all.length)
    broker.log.warn({ err: error }, 'a function’s mail could not be sent')
    throw new Failure(
      'The mail server did not take the mail. Try again later; the operator of Patchbay finds the reason in its log.',
      'call',
      { code: 'mail_not_sent' },
    )
  }
}
