import type { Attack } from '../attack.ts'

const process = { test: 'test/attacks/diagnostics.test.ts', name: 'prints, answers and shows no secret, whatever goes wrong' }

export const x10: Attack = {
  id: 'X10',
  attack: 'A secret turns up in a log, an error, an answer, a metric or a column.',
  defence: [
    'A secret is a `Secret`, which prints as `[secret]`; log lines hold the fields that were named for them, and of an error its kind and where it was, never its words.',
    'What a service says while somebody connects is shown with every secret of the exchange taken out.',
    'A stored secret is never answered, not in part either. What a form shows in its place (`••••`) is not taken for a new one.',
    'Patchbay does not start with the sections of `NODE_DEBUG` that print the URLs and the bytes of calls.',
    'Whenever a Patchbay of a test stops, everything that it printed, answered and stored is searched for the secrets that tests use.',
  ],
  mutants: [
    {
      what: 'the log has the words of an error',
      file: 'src/telemetry/log.ts',
      find: '  return { kind: error.name, code, constraint,',
      replace: '  return { kind: error.name, words: error.message, code, constraint,',
      ...process,
    },
    {
      what: 'the placeholder of a secret is stored in its place',
      file: 'src/broker/service-input.ts',
      find: '!/^[•●*…]+$/u.test(value)',
      replace: "value !== ''",
      ...process,
    },
    {
      what: 'the debugging output of Node shows the queries of calls',
      file: 'src/config.ts',
      find: '  if (telling) wrong.push(',
      replace: "  if (telling === '') wrong.push(",
      test: 'test/attacks/diagnostics.test.ts',
      name: 'does not start with NODE_DEBUG=',
    },
    {
      what: 'what a token endpoint says is kept as it is',
      file: 'src/auth/oauth2-exchange.ts',
      find: '    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, masked), text)',
      replace: '    .reduce(scrubbed => scrubbed, text)',
      test: 'test/stories/secrets.test.ts',
      name: 'nothing of a credential is in an answer, a log line or a column',
    },
  ],
}
