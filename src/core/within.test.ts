import { expect, it } from 'vitest'
import { storageWithin } from './within.ts'

it('hands on what comes in time, and says that the database is away when it does not', async () => {
  expect(await storageWithin(Promise.resolve(7), 1_000)).toBe(7)
  await expect(storageWithin(Promise.reject(new Error('its own')), 1_000)).rejects.toThrow('its own')
  const never = new Promise<never>(() => {})
  await expect(storageWithin(never, 20)).rejects.toMatchObject({ code: 'storage_unavailable', facts: { retry_after: 2 } })
})
