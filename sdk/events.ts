import { PatchbayProblem } from './problem.ts'

/** An event longer than this is not one of Patchbay's. */
const mostCharacters = 1024 * 1024

export interface ServerEvent {
  readonly event: string
  /** Parsed JSON. */
  readonly data: unknown
  /** The same as it was written: numbers in it may be longer than JavaScript's. */
  readonly text: string
}

/** Server-sent events (HTML standard, §9.2.6). `EventSource` reads them too, but cannot send an API key. Ends when the answer does. */
export async function* events(response: Response, most = mostCharacters): AsyncGenerator<ServerEvent> {
  const body: ReadableStream<Uint8Array> | null = response.body
  if (body === null) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let pending = ''
  let event = 'message'
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      pending += decoder.decode(value, { stream: true })
      if (pending.length > most)
        throw new PatchbayProblem({ code: 'unexpected_answer', status: response.status, detail: 'An event is too long.' })
      // a carriage return at the end may be half of a line end
      const lines = pending.split(/\r\n|\n|\r(?!$)/)
      pending = lines.pop() ?? ''
      for (const line of lines) {
        const [, field = '', text = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
        if (field === 'event') event = text
        else if (field === 'data') data.push(text)
        if (line !== '') continue
        const whole = data.join('\n')
        const named = event
        event = 'message'
        data = []
        if (whole !== '') yield { event: named, data: JSON.parse(whole) as unknown, text: whole }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
