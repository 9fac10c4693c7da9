import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface Mailed {
  readonly to: string
  /** The whole message: headers, an empty line, the text. */
  readonly text: string
}

export interface MailServer {
  readonly url: string
  readonly mails: Mailed[]
  /** From now on every recipient is refused. */
  refuse: boolean
  close(): Promise<void>
}

/** As much of RFC 5321 as takes a mail: one recipient each, no TLS, no login. */
export async function startMailServer(): Promise<MailServer> {
  const sockets = new Set<Socket>()
  const state = { mails: [] as Mailed[], refuse: false }
  const server = createServer(socket => {
    sockets.add(socket.setEncoding('utf8'))
    let waiting = ''
    let to = ''
    let reading = false
    const say = (line: string) => socket.write(`${line}\r\n`)
    say('220 mail.example.test')
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => {
      waiting += String(chunk)
      for (;;) {
        const end = waiting.indexOf(reading ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const line = waiting.slice(0, end)
        waiting = waiting.slice(end + (reading ? 5 : 2))
        if (reading) {
          state.mails.push({ to, text: line.replace(/=\r\n/g, '') })
          reading = false
          say('250 kept')
        } else if (/^RCPT TO:/i.test(line)) {
          to = /<([^>]*)>/.exec(line)?.[1] ?? ''
          say(state.refuse ? '550 nobody here' : '250 fine')
        } else if (/^DATA/i.test(line)) {
          reading = true
          say('354 go on')
        } else say(/^QUIT/i.test(line) ? '221 bye' : '250 fine')
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(state, {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  })
}
