import type { Attack } from '../attack.ts'

const story = 'test/attacks/redirects.test.ts'

export const x02: Attack = {
  id: 'X02',
  attack: 'A service answers with a redirect elsewhere, so that the credential or the body follows it.',
  defence: [
    'No redirect is ever followed, whatever its code and wherever it leads, to the same origin neither: there is no setting for it. The answer goes to the caller with its `Location`, who may call that through the connection and meets the gate again.',
    'A redirect of a token, revocation or request-token endpoint is an error, `token_endpoint_redirect`: neither the client secret nor a code or refresh token is sent a second time.',
    'Since nothing is followed, `Refresh`, `Alt-Svc`, `Link` and 103 Early Hints do nothing either.',
  ],
  mutants: [
    {
      what: 'redirects are followed, with everything that was sent',
      file: 'src/egress/send.ts',
      find: '          if (coding === null || bytes.length === 0)\n',
      replace:
        '          const to = headers[headers.findIndex((one, i) => i % 2 === 0 && /^location$/i.test(one)) + 1]\n          if (status > 300 && status < 309 && to && URL.canParse(to, request.url))\n            return void send({ ...request, url: new URL(to, request.url) }, limits).then(resolve, reject)\n          if (coding === null || bytes.length === 0)\n',
      test: story,
      name: 'a call is never sent on: every code, every place of a credential, invoke, the proxy and functions',
    },
    {
      what: 'redirects to the same origin are followed',
      file: 'src/egress/send.ts',
      find: '          if (coding === null || bytes.length === 0)\n',
      replace:
        '          const to = headers[headers.findIndex((one, i) => i % 2 === 0 && /^location$/i.test(one)) + 1]\n          if (status > 300 && status < 309 && to && new URL(to, request.url).origin === request.url.origin)\n            return void send({ ...request, url: new URL(to, request.url) }, limits).then(resolve, reject)\n          if (coding === null || bytes.length === 0)\n',
      test: story,
      name: 'is handed to the caller as it is',
    },
    {
      what: 'the token endpoint of OAuth 2 is asked where it points to',
      file: 'src/auth/oauth2-exchange.ts',
      find: '    return await context.send(request)\n',
      replace:
        "    const answer = await context.send(request)\n    const at = answer.headers.findIndex((one, i) => i % 2 === 0 && /^location$/i.test(one))\n    return at < 0 ? answer : await context.send({ ...request, url: new URL(answer.headers[at + 1] ?? '') })\n",
      test: story,
      name: 'of the token endpoint ends the exchange, the renewal and the probe',
    },
    {
      what: 'a redirect of the token endpoint is an answer like others',
      file: 'src/auth/oauth2-response.ts',
      find: "      error: 'token_endpoint_redirect',",
      replace: "      error: 'malformed_response',",
      test: story,
      name: 'of the token endpoint ends the exchange, the renewal and the probe',
    },
    {
      what: 'redirects are followed, out of a machine that can reach everybody',
      file: 'src/egress/send.ts',
      find: '          if (coding === null || bytes.length === 0)\n',
      replace:
        '          const to = headers[headers.findIndex((one, i) => i % 2 === 0 && /^location$/i.test(one)) + 1]\n          if (status > 300 && status < 309 && to && URL.canParse(to, request.url))\n            return void send({ ...request, url: new URL(to, request.url) }, limits).then(resolve, reject)\n          if (coding === null || bytes.length === 0)\n',
      test: 'test/attacks/namespace-redirects.test.ts',
      name: 'a redirect to ',
    },
    {
      what: 'a token endpoint is asked where it points to, out of a machine that can reach everybody',
      file: 'src/broker/scheme-context.ts',
      find: '    send: (request: OutgoingRequest) =>\n      broker.egress.send(request,',
      replace:
        '    send: async (request: OutgoingRequest) => {\n      const limits = { deadlineMs: tokenDeadlineMs, maxResponseBytes: tokenBytes, maxDecodedBytes: tokenBytes }\n      const first = await broker.egress.send(request, limits)\n      const to = first.headers[first.headers.findIndex((one, i) => i % 2 === 0 && /^location$/i.test(one)) + 1]\n      return first.status > 300 && first.status < 309 && to ? broker.egress.send({ ...request, url: new URL(to, request.url) }, limits) : first\n    },\n    unused: (request: OutgoingRequest) =>\n      broker.egress.send(request,',
      test: 'test/attacks/namespace-redirects.test.ts',
      name: 'when a service is tried',
    },
  ],
}
