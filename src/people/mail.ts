import { createTransport } from 'nodemailer'

export type Mail = (to: string, subject: string, text: string) => Promise<void>

/** Mail by the operator's server; null without one: links are then shown to the administrator instead. */
export function createMail(smtpUrl: string | null, from: string | null): Mail | null {
  if (smtpUrl === null) return null
  const transport = createTransport(smtpUrl, { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 })
  return async (to, subject, text) => {
    await transport.sendMail({ to, subject, text, from: from ?? 'patchbay@localhost' })
  }
}
