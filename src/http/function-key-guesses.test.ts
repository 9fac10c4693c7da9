import { expect, it } from 'vitest'
import { Problem } from '../core/problem.ts'
import { createKeyGuesses } from './function-key-guesses.ts'

const surroundings = (workers = 1) => {
  const clock = { now: 5_000_000 }
  const looked: string[] = []
  const guess = createKeyGuesses({ monotonic: () => clock.now, limits: { workers } })
  const lookUp = async (key: string) => {
    looked.push(key)
    return key.startsWith('right') ? { id: key } : undefined
  }
  const said = (key: string, ip = '192.0.2.1') =>
    guess(key, ip, lookUp).then(
      found => (found ? 'found' : 'wrong'),
      (error: unknown) => (error instanceof Problem ? `${error.code} ${String(error.facts.retry_after)}` : 'a fault'),
    )
  return { clock, looked, said }
}

it('a key that was wrong is wrong for five seconds, without being looked up', async () => {
  const { clock, looked, said } = surroundings()
  expect([await said('a'), await said('a'), await said('b'), await said('a')]).toEqual(['wrong', 'wrong', 'wrong', 'wrong'])
  expect(looked).toEqual(['a', 'b'])
  clock.now += 5_001
  expect(await said('a')).toBe('wrong')
  expect(looked).toEqual(['a', 'b', 'a'])
})

it('an address that sent many wrong keys looks up no more of them for a minute; keys that were right once pass', async () => {
  const { clock, looked, said } = surroundings()
  expect(await said('right 1')).toBe('found')
  for (let i = 0; i < 100; i++) expect(await said(`x${i}`)).toBe('wrong')
  const before = looked.length
  clock.now += 10_000
  expect([await said('y'), await said('x1'), await said('right 2')]).toEqual(Array.from({ length: 3 }, () => 'too_many_requests 50'))
  expect(looked).toHaveLength(before)
  expect(await said('right 1')).toBe('found')
  // nobody else is meant, and IPv6 networks are one address
  expect([await said('y', '192.0.2.2'), await said('right 2', '2001:db8::1')]).toEqual(['wrong', 'found'])
  for (let i = 0; i < 100; i++) expect(await said(`z${i}`, `2001:db8:0:1::${i}`)).toBe('wrong')
  expect(await said('z', '2001:db8:0:1:ffff::')).toBe('too_many_requests 60')
  clock.now += 50_001
  expect([await said('y'), await said('right 3')]).toEqual(['wrong', 'found'])
})

it('of four workers each takes its part', async () => {
  const { said } = surroundings(4)
  for (let i = 0; i < 25; i++) expect(await said(`x${i}`)).toBe('wrong')
  expect(await said('y')).toBe('too_many_requests 60')
})

it('a database that is away is nobody’s guess', async () => {
  const guess = createKeyGuesses({ monotonic: () => 0, limits: { workers: 1 } })
  const away = () => Promise.reject(new Problem('storage_unavailable'))
  for (let i = 0; i < 110; i++) await expect(guess(`x${i}`, '192.0.2.1', away)).rejects.toThrow('The database does not answer')
})
