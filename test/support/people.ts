import { sql, type Migration } from 'kysely'
import type { Role } from '../../src/core/principal.ts'
import { acceptInvitation, createInvitation } from '../../src/people/invitations.ts'
import { migrationSql } from '../../src/storage/migrations/0001_people.ts'
import { keyScopes } from '../../src/storage/migrations/0008_key_scopes.ts'
import { hashNewPassword } from '../../src/people/passwords.ts'
import { createPeople, within, type People } from '../../src/people/people.ts'
import { signIn } from '../../src/people/sessions.ts'
import { setUpFirst } from '../../src/people/setup.ts'
import type { Open } from './databases.ts'

export const peopleMigrations: Record<string, Migration> = {
  '0001_people': {
    up: async db => {
      for (const statement of migrationSql) await sql.raw(statement).execute(db)
    },
  },
  '0008_key_scopes': keyScopes,
}

export const password = 'correct horse battery'

/** Made once: a hash takes a while, and most tests are not about it. */
export const passwordHash = await hashNewPassword(password)

/** A clock that stands still until it is moved. */
export interface Clock {
  now: Date
  forward(seconds: number): void
}

export interface Fixture {
  readonly people: People
  readonly clock: Clock
}

export async function openPeople(open: Open, baseUrl = 'http://localhost:4400'): Promise<Fixture> {
  const { db } = await open({ migrations: peopleMigrations })
  const clock: Clock = {
    now: new Date(),
    forward(seconds) {
      this.now = new Date(this.now.getTime() + seconds * 1000)
    },
  }
  return { clock, people: createPeople({ db, baseUrl, secret: 'a secret of the tests, long enough', now: () => clock.now }) }
}

/** Ada, administrator of the organisation `default`. */
export async function withAda(people: People) {
  const { userId, organization } = await setUpFirst(people, {
    token: null,
    organizationName: 'Default',
    name: 'Ada',
    email: 'ada@example.test',
    password: passwordHash,
  })
  return { ada: userId, organization }
}

/** One more member, through an invitation. */
export async function joins(people: People, organizationId: string, inviterId: string, name: string, role: Role): Promise<string> {
  const email = `${name.toLowerCase()}@example.test`
  const { token } = await createInvitation(people, { organizationId, inviterId, email, role })
  return (await acceptInvitation(people, { token, signedInAs: null, name, password: passwordHash })).userId
}

/** Signs in and gives what a browser would send back. */
export async function browserOf(people: People, email: string, withPassword = password) {
  const signedIn = await signIn(people, { email, password: withPassword })
  return { ...signedIn, cookie: signedIn.setCookie.split(';')[0] ?? '' }
}

/** The code of the problem that a promise ends in, or what it gave instead. */
export const problemOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    return { answered: await promise }
  } catch (error) {
    const { code, errors } = error as { code?: string; errors?: { path: string }[] }
    if (code === undefined) throw error
    return errors?.length ? `${code}: ${errors.map(({ path }) => path).join(' ')}` : code
  }
}

/**
 * Runs two changes so that the second begins while the first has not been committed: what a test of a race needs, every time.
 * The embedded database makes the second wait anyway. Gives how each ended.
 */
export async function whileUncommitted(
  people: People,
  first: (people: People) => Promise<unknown>,
  second: (people: People) => Promise<unknown>,
) {
  let later: Promise<unknown> = Promise.resolve()
  const earlier = await problemOf(
    people.db.transaction().execute(async transaction => {
      await first(within(people, transaction))
      later = problemOf(second(people))
      await new Promise(resolve => setTimeout(resolve, 150))
    }),
  )
  return [earlier, await later]
}
