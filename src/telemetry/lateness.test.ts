import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { watchLateness } from './lateness.ts'

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Works all the time, in steps so short that nothing is late. */
async function work(ms: number): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; await setImmediate()) block(5)
}

it('a process is late when it was in two windows one after the other, and no longer soon after', async () => {
  const lateness = watchLateness(300, 200)
  try {
    await work(300)
    block(700)
    await work(150)
    expect(lateness.late(), 'one pause').toBe(false)
    for (let n = 0; n < 20 && !lateness.late(); n++) {
      block(400)
      await setImmediate()
    }
    expect(lateness.late()).toBe(true)
    for (let n = 0; n < 40 && lateness.late(); n++) await delay(50)
    expect(lateness.late()).toBe(false)
  } finally {
    lateness.close()
  }
})

it('a process that has time to spare is not late, however long each of its steps takes', async () => {
  const lateness = watchLateness(100, 200)
  try {
    for (let n = 0; n < 5; n++) {
      block(150)
      await delay(60)
      expect(lateness.late()).toBe(false)
    }
  } finally {
    lateness.close()
  }
})

it('with a limit of 0 it never is', () => {
  const lateness = watchLateness(0)
  block(50)
  expect(lateness.late()).toBe(false)
})
