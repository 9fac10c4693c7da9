import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { openPeople, password, withAda } from '../../test/support/people.ts'
import { contextStorages } from './better-auth-calls.ts'
import { signIn } from './sessions.ts'

forEachDatabase((_, open) => {
  test('after people have signed in, several at once, none of better-auth’s storages is in use', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    const before = contextStorages()
    const signedIn = await Promise.all(Array.from({ length: 4 }, () => signIn(people, { email: 'ada@example.test', password })))
    assert.equal(new Set(signedIn.map(one => one.sessionId)).size, 4)
    assert.isNotEmpty(contextStorages(), `found where better-auth keeps them (${before.length} before)`)
    // Node 24 has no such member, and no need of it
    for (const storage of contextStorages()) assert.isNotTrue(Reflect.get(storage, 'enabled'))
    await signIn(people, { email: 'ada@example.test', password })
  })
})
