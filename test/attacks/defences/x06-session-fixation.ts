import type { Attack } from '../attack.ts'

const story = 'test/stories/flow-fixation.test.ts'

export const x06: Attack = {
  id: 'X06',
  attack: 'An attacker starts an authorisation and has somebody else finish it, so that their account ends in the attacker’s connection.',
  defence: [
    'A flow is finished by the person who started it and nobody else; everybody else is refused before a code is exchanged, and it is audited.',
    'And in the browser that it was started in: a cookie of the flow holds a second random value, and both are stored as hashes.',
    'A link that a program hands out leads to a page of ours, which names the person, the organisation and the service, and asks its person to sign in before the browser leaves.',
    'Signed out, switched to another organisation or signed in again in between: the credential lands where the flow began or nowhere.',
    'An authorisation with another account of the service than the one in use is held aside until its person has said which one it shall be.',
  ],
  mutants: [
    {
      what: 'whoever comes back finishes the flow',
      file: 'src/broker/connect.ts',
      find: '  if (flow.subject_id !== principal.userId || organization === null) {',
      replace: '  if (organization === null) {',
      test: story,
      name: '06.1 not even with Ada’s flow cookie in Bob’s browser',
    },
    {
      what: 'a flow is finished in any browser',
      file: 'src/broker/connect.ts',
      find: "  if (!sameHash(flow.cookie_hash, hashed(callback.cookies[flowCookieName(flow.id)] ?? ''))) {",
      replace: "  if (flow.id === '') {",
      test: story,
      name: '06.3 the same person in another browser is refused',
    },
    {
      what: 'a link that leaked leads its finder to the service',
      file: 'src/broker/connect.ts',
      find: '  return { flow, ...(await ownFlow(broker, by, flow)) }',
      replace: '  return { flow, ...(await ownFlow(broker, { ...by, principal: { ...by.principal, userId: flow.subject_id } }, flow)) }',
      test: story,
      name: '06.4 a page /connect/{flow} that leaked',
    },
    {
      what: 'another account takes the place of the one in use',
      file: 'src/broker/settle-grant.ts',
      find: '  if (used?.account_id == null || account?.id == null || used.account_id === account.id) {',
      replace: '  if (used?.account_id !== null || account?.id !== null) {',
      test: 'test/stories/another-account.test.ts',
      name: 'another one is asked about: both accounts',
    },
  ],
}
