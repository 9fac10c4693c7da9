import type { Attack } from '../attack.ts'

const story = 'test/stories/destinations.test.ts'
const refused = 'is refused before DNS, and no byte leaves'

export const x01: Attack = {
  id: 'X01',
  attack: 'A caller names a URL of their own and somebody’s connection, so that the credential is sent to them.',
  defence: [
    'Every service says which hosts its credentials may be sent to (`api_hosts`).',
    'Any other destination is refused with `destination_not_allowed`, in one place for every door: invoke, the proxy, the test call, the call after connecting and functions. It comes before a name is looked up, a token is renewed, anything is decrypted or a connection is opened.',
    'A host matches by its whole ASCII name and its port; a wildcard stands for labels in front of a domain that somebody can own, never for a public suffix.',
    'A host that was added later is used only with credentials whose holder agreed to it.',
    'What reaches a shared host that is allowed, such as somebody’s own page on it, cannot be told apart: list exact hosts, and narrow a service with `path_prefix` and `methods`.',
  ],
  mutants: [
    {
      what: 'any host is allowed',
      file: 'src/broker/invoke.ts',
      find: '  if (!hostAllowed(url, usable.confirmedHosts)) {',
      replace: "  if (url.host === '') {",
      test: story,
      name: refused,
    },
    {
      what: 'the gate comes after the token was renewed',
      file: 'src/broker/invoke.ts',
      find: '  assertDestination(broker, usable, call.request)\n',
      replace: '  await freshCredential(broker, usable)\n  assertDestination(broker, usable, call.request)\n',
      test: story,
      name: 'an ended token is not renewed for a destination that is refused',
    },
    {
      what: 'functions go past the gate',
      file: 'src/broker/invoke.ts',
      find: '  assertDestination(broker, usable, call.request)\n',
      replace: "  if (call.door !== 'function') assertDestination(broker, usable, call.request)\n",
      test: story,
      name: '01.8 a function refuses the same',
    },
    {
      what: 'the proxy goes past the gate',
      file: 'src/broker/invoke.ts',
      find: '  assertDestination(broker, usable, call.request)\n',
      replace: "  if (call.door !== 'proxy') assertDestination(broker, usable, call.request)\n",
      test: story,
      name: '01.8 the proxy refuses the same',
    },
    {
      what: 'a suffix matches in the middle of a label',
      file: 'src/core/api-hosts.ts',
      find: "suffixes: rules.filter(rule => rule.startsWith('*.')).map(rule => normaliseHostRule(rule).slice(1)),",
      replace: "suffixes: rules.filter(rule => rule.startsWith('*.')).map(rule => normaliseHostRule(rule).slice(2)),",
      test: story,
      name: '01.6 a wildcard holds for one or more labels in front of it',
    },
    {
      what: 'the port does not count',
      file: 'src/core/api-hosts.ts',
      find: "  if (port === '' && hosts.has(hostname)) return true\n",
      replace: '  if (hosts.has(hostname)) return true\n',
      test: story,
      name: refused,
    },
    {
      what: 'a wildcard may stand over a public suffix',
      file: 'src/core/api-hosts.ts',
      find: '    if (isPublicSuffix(host)) return',
      replace: "    if (host === '') return",
      test: 'test/stories/services.test.ts',
      name: 'S-3 a rule for hosts that would hold for everybody is refused',
    },
    {
      what: 'everybody may allow every host',
      file: 'src/broker/service-input.ts',
      find: "  if (service.api_hosts.includes('*') && principal.role !== 'administrator')",
      replace: "  if (service.api_hosts.includes('**'))",
      test: 'test/stories/services.test.ts',
      name: 'S-3 a rule for hosts that would hold for everybody is refused',
    },
    {
      what: 'http is as good as https',
      file: 'src/egress/policy.ts',
      find: "  if (url.protocol === 'https:') return\n",
      replace: '  if (url.href) return\n',
      test: 'test/stories/destinations.test.ts',
      name: refused,
    },
    {
      what: 'a module opens connections past the gate',
      file: 'src/broker/revoke.ts',
      find: "import { schemeOf } from '../auth/index.ts'\n",
      replace: "import { schemeOf } from '../auth/index.ts'\nimport { request as around } from 'undici'\nvoid around\n",
      test: 'test/house.test.ts',
      name: 'only egress opens outgoing connections',
    },
    {
      what: 'a connection that is not the caller’s says that it exists',
      file: 'src/broker/usable.ts',
      find: '  if (!keyAllows(principal, row.link_name) || !mayUse(row, principal.userId)) throw notFound(row.link_name)\n',
      replace:
        "  if (!keyAllows(principal, row.link_name) || !mayUse(row, principal.userId)) throw new Problem('forbidden', { connection: row.link_name })\n",
      test: 'test/stories/sharing.test.ts',
      name: 'a private connection looks to every other member exactly like one that does not exist',
    },
  ],
}
