import type { Attack } from '../attack.ts'

const test = 'test/stories/statements.test.ts'
const renewed = 'a token is renewed: one request, the rotated token is kept, nobody waits'
const clock = 'a function runs by the clock: once, and the log of runs has it'

/** What must hold when the database takes a statement, or its answer, with it. */
export const statements: readonly Attack[] = [
  {
    id: 'R40',
    attack: 'One statement is lost with its connection, before it reaches the database or after it was carried out, or hangs.',
    defence: [
      'Whoever asked hears the right answer or `storage_unavailable`, and what they ask again is done once. What was stored without the database being able to say so is found where that can be asked.',
      'A lease whose giving or returning was not confirmed is taken again by the same process. What is lost before a provider is asked is no failure of the provider.',
      'A scheduled function that has not begun is tried again, for ten minutes. One that has begun is never run twice.',
    ],
    mutants: [
      {
        what: 'a lease that the database did not confirm keeps everybody waiting until it has run out',
        file: 'src/broker/refresh.ts',
        find: 'need.unconfirmedOwner = isAway(error) ? owner : null',
        replace: 'need.unconfirmedOwner = null',
        test,
        name: renewed,
        on: 'postgres',
      },
      {
        what: 'the provider is said to be down when it is the database',
        file: 'src/broker/refresh.ts',
        find: '    if (isAway(error)) {\n',
        replace: '    if (owner === null) {\n',
        test,
        name: renewed,
        on: 'postgres',
      },
      {
        what: 'a call waits for a data key as long as a page would',
        file: 'src/broker/stored-credential.ts',
        find: 'await storageWithin(broker.vault.open(place, usable.sealed))',
        replace: 'await broker.vault.open(place, usable.sealed)',
        test,
        name: renewed,
        on: 'postgres',
      },
      {
        what: 'an authorisation that was stored is said to have failed',
        file: 'src/storage/flows.ts',
        find: "::uuid and outcome <> 'connected'`",
        replace: '::uuid`',
        test,
        name: 'an authorisation comes back: connected, or said to be begun anew',
        on: 'postgres',
      },
      {
        what: 'a scheduled function that could not be looked up is not run',
        file: 'src/broker/function-due.ts',
        find: 'if (!isAgain(error)) throw error',
        replace: 'throw error',
        test,
        name: clock,
        on: 'postgres',
      },
      {
        what: 'what goes wrong as somebody signs in is printed as it is',
        file: 'src/people/auth.ts',
        find: ', joins: true',
        replace: '',
        test,
        name: 'somebody signs in',
        on: 'postgres',
      },
      {
        what: 'who has accepted an invitation is told to ask for a new one',
        file: 'src/people/invitations.ts',
        find: 'throw await noInvitation(people, token)',
        replace: "throw new Problem('invitation_invalid')",
        test,
        name: 'an invitation is accepted: one person, who is told to sign in if they did not hear of it',
        on: 'postgres',
      },
    ],
  },
]
