import { describe, expect, it } from 'vitest'
import { Problem } from '../core/problem.ts'
import { createAdmission, type AdmissionLimits } from './admission.ts'

function admissionOf(limits: Partial<AdmissionLimits> = {}) {
  const around = { late: false, now: 0, turnedAway: [] as string[] }
  const admission = createAdmission(
    { callsUnderWay: 100, callsUnderWayOrganization: 50, callsPerSecondOrganization: 0, ...limits },
    { late: () => around.late, monotonic: () => around.now, turnedAway: why => void around.turnedAway.push(why) },
  )
  return { admission, around }
}

function refusalOf(attempt: () => unknown): Problem {
  try {
    attempt()
  } catch (error) {
    if (error instanceof Problem) return error
  }
  throw new Error('it was not refused')
}

describe('which calls are taken on', () => {
  it('as many as the process carries, and another one for each that ends', () => {
    const { admission, around } = admissionOf({ callsUnderWay: 2 })
    admission.begin()
    admission.begin()
    const refused = Array.from({ length: 10 }, () => refusalOf(() => admission.begin()))
    expect(new Set(refused.map(one => `${one.status} ${one.code}`))).toEqual(new Set(['503 overloaded']))
    expect(refused.map(one => one.facts.retry_after).sort(), 'spread, so that they do not come back together').toEqual([
      1, 1, 2, 2, 3, 3, 4, 4, 5, 5,
    ])
    expect(admission.underWay()).toBe(2)
    admission.end()
    admission.begin()
    expect(around.turnedAway).toEqual(Array.from({ length: 10 }, () => 'overload'))
  })

  it('none while everything is late', () => {
    const { admission, around } = admissionOf()
    around.late = true
    expect(refusalOf(() => admission.begin()).code).toBe('overloaded')
    around.late = false
    admission.begin()
  })

  it('of one organisation no more than its share, whatever the others do', () => {
    const { admission } = admissionOf({ callsUnderWayOrganization: 2 })
    const seats = [admission.enter('greedy'), admission.enter('greedy')]
    const refused = refusalOf(() => admission.enter('greedy'))
    expect([refused.status, refused.code, refused.facts.retry_after]).toEqual([429, 'too_many_requests', 1])
    admission.enter('other')
    for (const seat of seats) admission.leave(seat)
    admission.enter('greedy')
  })

  it('of one organisation no more in a second than its quota; what it does not use is not saved up', () => {
    const { admission, around } = admissionOf({ callsPerSecondOrganization: 10 })
    const begin = () => admission.leave(admission.enter('greedy'))
    for (let n = 0; n < 10; n++) begin()
    const refused = refusalOf(begin)
    expect(refused.facts).toMatchObject({ retry_after: 1, limit: 10, window_seconds: 1 })
    admission.leave(admission.enter('other'))
    around.now += 250
    begin()
    begin()
    expect(refusalOf(begin).status).toBe(429)
    around.now += 3_600_000
    for (let n = 0; n < 10; n++) begin()
    expect(refusalOf(begin).status).toBe(429)
    expect(new Set(around.turnedAway)).toEqual(new Set(['quota']))
  })

  it('calls of a run under way are never refused, and are paid for by what comes next', () => {
    const { admission, around } = admissionOf({ callsPerSecondOrganization: 10 })
    for (let n = 0; n < 30; n++) admission.charge('greedy')
    expect(refusalOf(() => admission.enter('greedy')).facts.retry_after).toBe(3)
    around.now += 1900
    expect(refusalOf(() => admission.enter('greedy')).status).toBe(429)
    around.now += 300
    admission.enter('greedy')
    for (let n = 0; n < 1_000_000; n += 1) admission.charge('greedy')
    expect(refusalOf(() => admission.enter('greedy')).facts.retry_after, 'a debt has an end').toBeLessThanOrEqual(11)
  })

  it('counters of thousands of organisations do not push out those of one that is busy', () => {
    const { admission, around } = admissionOf({ callsUnderWayOrganization: 1, callsPerSecondOrganization: 5 })
    admission.enter('busy')
    for (let n = 0; n < 5; n++) admission.charge('indebted')
    for (let n = 0; n < 25_000; n++) {
      around.now += 0.01
      admission.leave(admission.enter(`organisation ${n}`))
    }
    expect(refusalOf(() => admission.enter('busy')).code).toBe('too_many_requests')
    around.now = 0
    expect(refusalOf(() => admission.enter('busy')).code).toBe('too_many_requests')
  })
})
