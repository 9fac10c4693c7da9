import type { Attack } from '../attack.ts'

const story = 'test/stories/flow-fixation.test.ts'

export const x07: Attack = {
  id: 'X07',
  attack: 'A malicious service has the code of an honest one sent to itself, or attaches the attacker’s account.',
  defence: [
    'Every service of every organisation has a redirect URL of its own, and an answer is only taken at the one that its flow was started with.',
    'PKCE with S256 is used unless a service definition switches it off: a code of another flow fails at the service.',
    'Where a definition names the `issuer`, every answer, a refusal too, must carry exactly this `iss` (RFC 9207). An answer that does not leaves the flow as it was.',
    'The token URL is the one of the revision that the flow began with: an edit in between ends the flow.',
    'Nothing is discovered: endpoints stand in the definition, which its keeper wrote, and no answer of a provider (`.well-known`) can name others.',
    'A provider that neither compares redirect URLs nor sends `iss` leaves PKCE alone to hold.',
  ],
  mutants: [
    {
      what: 'an answer is taken at any redirect URL',
      file: 'src/broker/connect.ts',
      find: '  if (home?.link_name !== callback.serviceLinkName || home.slug !== callback.organizationSlug)',
      replace: '  if (home === undefined)',
      test: story,
      name: '07.1 an answer that arrives at another service’s redirect URL is a mix-up',
    },
    {
      what: 'PKCE is not used',
      file: 'src/auth/oauth2.ts',
      find: "    const codeVerifier = service.advanced.pkce === 'off' ? null",
      replace: "    const codeVerifier = service.advanced.pkce !== 'none' as never ? null",
      test: story,
      name: '07.3 somebody else’s code with Ada’s state fails at the service',
    },
    {
      what: 'the issuer is not compared',
      file: 'src/auth/oauth2.ts',
      find: "  if (issuer === undefined || parameters['iss'] === issuer) return\n",
      replace: '  if (issuer !== parameters) return\n',
      test: story,
      name: '07.4 the issuer is compared character by character',
    },
    {
      what: 'an answer without an issuer passes for one of the issuer',
      file: 'src/auth/oauth2.ts',
      find: "  if (issuer === undefined || parameters['iss'] === issuer) return\n",
      replace: "  if (issuer === undefined || (parameters['iss'] ?? issuer) === issuer) return\n",
      test: story,
      name: '07.4 the issuer is compared character by character',
    },
    {
      what: 'a wrong issuer uses the flow up',
      file: 'src/auth/oauth2.ts',
      find: '    assertIssuer(service, parameters)\n    if (errorIn',
      replace: '    if (errorIn',
      test: story,
      name: '07.4 the issuer is compared character by character',
    },
  ],
}
