import { expect, test } from 'vitest'
import { Problem } from '../core/problem.ts'
import { createLog } from './log.ts'

const logged = (facts: object): string => {
  let text = ''
  createLog('info', { write: line => void (text += line) }).info(facts, 'a thing happened')
  return text
}

test('X22 whatever a text from outside holds, an event is one line of JSON, and its texts are cut', () => {
  const names = [
    'a\n{"level":"error","msg":"forged"}',
    '\u001b[2J\u001b[1;31mred',
    'nul\0',
    '\u2028\u2029',
    '"}\r\n',
    'x'.repeat(1_000_000),
  ]
  for (const name of names) {
    const text = logged({ name })
    expect(text.endsWith('\n')).toBe(true)
    expect(text.slice(0, -1)).not.toMatch(/[\0-\x1f]/) // eslint-disable-line no-control-regex -- what a terminal obeys
    expect(text.length).toBeLessThan(3_000)
    const event = JSON.parse(text) as { name: string; msg: string }
    expect(event.msg).toBe('a thing happened')
    expect(name.startsWith(event.name.replace(/…$/, ''))).toBe(true)
  }
})

test('X10 of an error only its kind, its place and our own sentence are logged, never its message', () => {
  const raw = Object.assign(new Error('invalid header value CANARY'), { code: 'ERR_INVALID', detail: 'Key (secret)=(CANARY)' })
  const text = logged({ err: new Problem('internal', {}, { cause: new TypeError('CANARY', { cause: raw }) }) })
  expect(text).not.toContain('CANARY')
  expect(JSON.parse(text)).toMatchObject({
    err: { code: 'internal', cause: { kind: 'TypeError', cause: { kind: 'Error', code: 'ERR_INVALID' } } },
  })
})
