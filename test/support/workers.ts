import { existsSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { adminKey, type Answer } from './patchbay.ts'

/** Processes that this one started (Linux); none when it has ended. */
export const childrenOf = (pid: number | undefined): number[] =>
  existsSync(`/proc/${pid}/task/${pid}/children`)
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    : []

/** One connection that is kept, so one worker of them all: connections are dealt out in turns. */
export function connection(base: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { hostname, port } = new URL(base)
  return {
    close: () => agent.destroy(),
    ask: (method: string, path: string, body?: unknown) =>
      new Promise<Pick<Answer, 'status' | 'text' | 'json'>>((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body)
        const headers = {
          authorization: `Bearer ${adminKey}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }
        const call = request({ agent, host: hostname, port, path, method, headers }, response => {
          let answer = ''
          response
            .on('data', chunk => (answer += String(chunk)))
            .on('error', reject)
            .on('end', () => {
              const isJson = String(response.headers['content-type']).includes('json')
              resolve({ status: response.statusCode ?? 0, text: answer, json: isJson ? JSON.parse(answer) : null })
            })
        })
        call.on('error', reject).end(text)
      }),
  }
}
