import { expect, it } from 'vitest'
import type { ServiceDefinition } from '../core/service.ts'
import { endOf, renewalLead } from './renewal-window.ts'

const serviceWith = (advanced: Record<string, unknown>) => ({ advanced }) as unknown as ServiceDefinition
const connections = Array.from({ length: 1000 }, (_, i) => ({ connectionId: `connection-${i}`, subjectId: 'ada', generation: 7 }))
const leads = (lifetime: number, advanced: Record<string, unknown> = {}) =>
  connections.map(one => renewalLead({ service: serviceWith(advanced), ...one }, lifetime))
const spread = (seconds: readonly number[]) => [Math.min(...seconds), Math.max(...seconds)] as const

it.each([
  ['a day: five minutes', 86_400, 240, 360],
  ['an hour: five minutes', 3600, 240, 360],
  ['half an hour: three', 1800, 144, 216],
  ['ten minutes: one', 600, 48, 72],
  ['a minute: less than half of it', 60, 20, 30],
  ['two seconds', 2, 0.66, 1],
])('a token that lives %s, each connection somewhere within a fifth of that, evenly', (_, lifetime, least, most) => {
  const all = leads(lifetime)
  const [first, last] = spread(all)
  expect(first).toBeGreaterThanOrEqual(least)
  expect(last).toBeLessThanOrEqual(most)
  const tenth = (most - least) / 10
  for (let part = 0; part < 10; part++) {
    const within = all.filter(one => one >= least + part * tenth && one < least + (part + 1) * tenth).length
    expect(within, `of 1000, in the tenth number ${part}`).toBeGreaterThan(60)
  }
})

it('a thousand connections that were made together do not renew in the same second', () => {
  const seconds = new Map<number, number>()
  for (const lead of leads(3600)) seconds.set(Math.floor(lead), (seconds.get(Math.floor(lead)) ?? 0) + 1)
  expect(Math.max(...seconds.values())).toBeLessThan(30)
})

it('one generation has one moment, on every instance; the next one has another', () => {
  const [one] = connections
  if (!one) throw new Error('there are a thousand')
  const at = (generation: number) => renewalLead({ service: serviceWith({}), ...one, generation }, 3600)
  expect(at(7)).toBe(at(7))
  expect(new Set([7, 8, 9, 10].map(at)).size).toBe(4)
})

it('a margin that the service asks for is not exceeded, and one that refuses early renewals is asked at the end', () => {
  const [first, last] = spread(leads(3600, { refresh_margin_seconds: 600 }))
  expect(first).toBeGreaterThanOrEqual(480)
  expect(last).toBeLessThanOrEqual(600)
  expect(spread(leads(1000, { refresh_margin_seconds: 600 }))[1]).toBeLessThanOrEqual(500)
  expect(spread(leads(3600, { never_refresh_early: true }))).toEqual([0, 0])
})

it('a token without an end is never renewed ahead of it', () => {
  const [one] = connections
  if (!one) throw new Error('there are a thousand')
  const broker = { monotonic: () => 5000 }
  expect(endOf(broker, { service: serviceWith({}), ...one }, null, null)).toEqual({ endsAt: null, renewAt: null })
  const { endsAt, renewAt } = endOf(broker, { service: serviceWith({}), ...one }, 600, null)
  expect(endsAt).toBe(605_000)
  expect(renewAt).toBeGreaterThanOrEqual(605_000 - 72_000)
  expect(renewAt).toBeLessThanOrEqual(605_000 - 48_000)
})
