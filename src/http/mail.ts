import type { Doors } from './doors.ts'

/** Mails a link that the administrator is shown as well: a mail server that is away or missing is no failure, `false` says so. */
export async function sendMail({ mail, broker }: Doors, to: string, subject: string, text: string): Promise<boolean> {
  if (!mail) return false
  try {
    await mail(to, subject, text)
    return true
  } catch (error) {
    broker.log.warn({ err: error }, 'a mail could not be sent')
    return false
  }
}
