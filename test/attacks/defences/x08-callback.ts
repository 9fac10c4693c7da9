import type { Attack } from '../attack.ts'

const story = 'test/stories/callback.test.ts'
const anything = {
  test: 'test/attacks/callback.test.ts',
  name: 'no query makes a token request or uses a flow up but a good one of its person',
}

export const x08: Attack = {
  id: 'X08',
  attack: 'Callbacks that are forged, repeated, polluted, huge or malformed.',
  defence: [
    'The state is 256 random bits, stored as a hash, good for ten minutes and once; of several callbacks at once one exchanges the code.',
    'Everything is judged before the state is used up: what is repeated, too long, badly encoded, without a code or from somebody else changes nothing, and the real answer still works.',
    'A prefetch or a link preview is no visit.',
    'Every refusal is a page without scripts, never cached, that shows a service’s words as text.',
    'After the callback the browser goes to a path of ours that was stored with the flow. The redirect URL is made from the public URL, whatever the request says.',
    'A connection that was deleted or a service that was edited meanwhile gets nothing; what the service gave already is given back.',
    'Guessing is throttled by address.',
  ],
  mutants: [
    {
      what: 'a parameter may come twice',
      file: 'src/http/routes/callback.ts',
      find: '    if (name in parameters || value.length > longestValue',
      replace: '    if (value.length > longestValue',
      test: story,
      name: '11 the code twice',
    },
    {
      what: 'the query ends at its second question mark',
      file: 'src/http/routes/callback.ts',
      find: "  const query = /\\?([^#]*)/.exec(rawUrl)?.[1] ?? ''\n",
      replace: "  const query = rawUrl.split('?')[1] ?? ''\n",
      test: story,
      name: '11 the state behind a second ?',
    },
    {
      what: 'invalid UTF-8 is taken as it is',
      file: 'src/http/routes/callback.ts',
      find: " || value.includes('\\uFFFD')",
      replace: '',
      test: story,
      name: '14 invalid UTF-8',
    },
    {
      what: 'a callback uses its state up before it has been judged',
      file: 'src/broker/connect.ts',
      find: '  scheme.inspectCallback?.(target.from.service, { parameters: callback.parameters, memory })\n',
      replace: '',
      test: story,
      name: '3 state only',
    },
    {
      what: 'another browser of the same person uses the flow up',
      file: 'src/broker/connect.ts',
      find: '  const { target } = await ownFlow(broker, by, flow)\n',
      replace:
        '  const { target } = await ownFlow(broker, by, flow)\n  if (!callback.cookies[flowCookieName(flow.id)]) await takeFlow(broker.db, flow.id)\n',
      ...anything,
    },
    {
      what: 'a state is good more than once',
      file: 'src/broker/connect.ts',
      find: '  const taken = await takeFlow(broker.db, flow.id)',
      replace: '  const taken = await findFlow(broker.db, flow.id)',
      test: story,
      name: '9 of ten callbacks at once one exchanges the code',
    },
    {
      what: 'a state has no end',
      file: 'src/storage/flows.ts',
      find: "    .where('state_hash', '=', stateHash)\n    .where('expires_at', '>', sql<Date>`now()`)\n",
      replace: "    .where('state_hash', '=', stateHash)\n",
      also: [
        {
          file: 'src/storage/flows.ts',
          find: "    .where('id', '=', id)\n    .where('expires_at', '>', sql<Date>`now()`)\n    .returningAll()",
          replace: "    .where('id', '=', id)\n    .returningAll()",
        },
      ],
      test: story,
      name: '6 a state of more than ten minutes is over',
    },
    {
      what: 'a prefetch is a visit',
      file: 'src/http/routes/callback.ts',
      find: '/prefetch|prerender/i',
      replace: '/never/i',
      test: story,
      name: '23 a prefetch',
    },
    {
      what: 'a code goes to a service that was edited after the flow began',
      file: 'src/broker/connect.ts',
      find: '  if (!row || row.service_revision !== flow.service_revision)',
      replace: '  if (!row)',
      test: story,
      name: '30 a service that was edited meanwhile',
    },
    {
      what: 'states may be guessed as often as somebody likes',
      file: 'src/http/routes/callback.ts',
      find: 'rateLimit: { max: 120,',
      replace: 'rateLimit: { max: 120_000,',
      test: story,
      name: '35 guessing states is throttled',
    },
  ],
}
