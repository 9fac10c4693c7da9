import { getMigrations } from 'better-auth/db/migration'
import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { peopleMigrations } from '../../test/support/people.ts'
import { schemaOptions } from './auth.ts'

forEachDatabase((_, open) => {
  test('better-auth finds nothing to create, add or complain about after our frozen migration', async () => {
    const { db } = await open({ migrations: peopleMigrations })
    const plan = await getMigrations({
      ...schemaOptions,
      baseURL: 'http://localhost:4400',
      secret: 'a secret of the tests, long enough',
      database: { db, type: 'postgres' },
    })
    assert.deepEqual(plan.toBeCreated, [])
    assert.deepEqual(plan.toBeAdded, [])
    assert.deepEqual(plan.toBeAddedIndexes, [])
    assert.deepEqual(plan.schemaProblems, [])
  })
})
