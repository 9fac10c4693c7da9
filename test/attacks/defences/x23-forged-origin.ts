import type { Attack } from '../attack.ts'

const matrix = 'test/attacks/operations.test.ts'
const page = 'a change that another page asks for is refused, whatever it disguises itself as'
const raw = 'test/attacks/raw-requests.test.ts'
const lengths = 'a body whose length could be read in two ways ends the connection: nothing after it is a request'
const forms = 'a form of a page of ours takes nothing from another page'
const foreign = 'under a name that somebody else may own nobody is answered, at no door (DNS rebinding)'
const watching = 'who watches may use any name; the metrics then need their token'
const cookies = 'test/attacks/cookies.test.ts'
const beside = 'beside another one of its name it is nobody’s; what only looks like it is not looked at'
const fixation = 'the session from before is dead once somebody signs in, and its name is never taken over (session fixation)'
const forwarded = 'what says that it was forwarded is nobody’s word here'

export const x23: Attack = {
  id: 'X23',
  attack: 'Forwarded headers, Host, cookies and pages of other origins pretend to be somebody else.',
  defence: [
    'A request with a session cookie that changes something carries exactly our own Origin, and no Sec-Fetch-Site of another site; a request that gives a session is refused when its Origin is another one.',
    'Bodies are JSON with its content type, and forms on our own pages. Nothing looks at `_method` or X-HTTP-Method-Override; reading changes nothing.',
    'A matrix made from the OpenAPI document tries every operation that changes something, in eleven ways.',
    'What a proxy says of a request counts only from `PATCHBAY_TRUSTED_PROXIES`, and only its address does: links and redirects are made from the public URL, whatever Host says.',
    'A request whose length or Host could be read in two ways is answered with 400, and its connection ends.',
    'A request under a name that somebody else may own (DNS rebinding) is answered with 421 at every door. Addresses, names without a dot, that of the public URL and those of `PATCHBAY_OTHER_HOSTS` are ours; `/healthz`, `/readyz` and, with its token, `/metrics` may be asked under any.',
    'On https cookies have the prefix `__Host-`, so that a sibling domain cannot set them; of two of one name none is believed. Signing in, accepting an invitation and setting up make a new session and end the one that the browser had.',
  ],
  mutants: [
    {
      what: 'a session is enough, whoever asks',
      file: 'src/http/session.ts',
      find: '      assertSameOrigin(request, doors.broker.publicUrl)\n',
      replace: '',
      test: matrix,
      name: page,
    },
    {
      what: 'an Origin that begins like ours is ours',
      file: 'src/http/session.ts',
      find: 'request.headers.origin !== publicUrl ||',
      replace: '!request.headers.origin?.startsWith(publicUrl) ||',
      test: matrix,
      name: page,
    },
    {
      what: 'a request without an Origin is our own',
      file: 'src/http/session.ts',
      find: 'request.headers.origin !== publicUrl ||',
      replace: '(request.headers.origin ?? publicUrl) !== publicUrl ||',
      test: matrix,
      name: page,
    },
    {
      what: 'what the browser says about the site is not looked at',
      file: 'src/http/session.ts',
      find: " || (site !== undefined && site !== 'same-origin' && site !== 'none')",
      replace: '',
      test: matrix,
      name: page,
    },
    {
      what: 'a foreign page gets a session for its visitor',
      file: 'src/http/signed-in.ts',
      find: '(origin !== undefined && origin !== publicUrl) || ',
      replace: '',
      test: matrix,
      name: page,
    },
    {
      what: 'of several Host headers the first counts',
      file: 'src/http/refused-unread.ts',
      find: '++hosts > 1',
      replace: '++hosts > 9',
      test: raw,
      name: lengths,
    },
    {
      what: 'Patchbay answers under any name',
      file: 'src/http/refused-unread.ts',
      find: '  if (answersTo(host)) return null\n',
      replace: '  return null\n',
      test: raw,
      name: foreign,
    },
    {
      what: 'a name that begins like an own one is one',
      file: 'src/http/own-hosts.ts',
      find: '(names.has(name) ||',
      replace: "(names.has(name) || [...names, 'localhost'].some(one => name.startsWith(one)) ||",
      test: raw,
      name: foreign,
    },
    {
      what: 'the Host header counts where the request line names another host',
      file: 'src/http/refused-unread.ts',
      find: '    if (host !== undefined && authority.toLowerCase() !== host.toLowerCase())\n',
      replace: '    if (!host)\n',
      test: raw,
      name: 'an absolute address counts as Host, and says the same',
    },
    {
      what: 'a page of somebody else’s name reads the metrics on this machine',
      file: 'src/http/routes/operations.ts',
      find: ' && answersTo(request.headers.host)',
      replace: '',
      test: raw,
      name: watching,
    },
    {
      what: 'of two session cookies the first counts',
      file: 'src/people/sessions.ts',
      find: 'if (found.length !== 1) return null',
      replace: 'if (found.length < 1) return null',
      test: cookies,
      name: beside,
    },
    {
      what: 'a sibling domain may set the cookie of a session on https',
      file: 'src/people/auth.ts',
      find: "secure ? '__Host-patchbay_session' : 'patchbay_session'",
      replace: "'patchbay_session'",
      test: cookies,
      name: 'a session is a cookie of this host alone, which no script reads',
    },
    {
      what: 'the session from before signing in lives on',
      file: 'src/broker/arrivals.ts',
      find: 'endSession(broker, from.cookie)',
      replace: 'Promise.resolve(from)',
      test: cookies,
      name: fixation,
    },
    {
      what: 'of two cookies of a flow the last counts',
      file: 'src/http/cookies.ts',
      find: 'cookies.has(bare) ? undefined : pair',
      replace: 'pair',
      test: cookies,
      name: 'of two cookies of a flow neither counts, and on https only those with the prefix',
    },
    {
      what: 'a form of ours is taken from anywhere',
      file: 'src/http/page-requests.ts',
      find: "    if (request.method === 'POST') assertSameOrigin(request, publicUrl)\n",
      replace: '',
      test: raw,
      name: forms,
    },
    {
      what: 'everybody is trusted to say whom a request comes from',
      file: 'src/http/app.ts',
      find: 'trustProxy: doors.trustedProxies.length > 0 ? [...doors.trustedProxies] : false,',
      replace: 'trustProxy: true,',
      test: raw,
      name: forwarded,
    },
    {
      what: 'a body of plain text is read',
      file: 'src/http/app.ts',
      find: "  fastify.removeContentTypeParser('text/plain')\n",
      replace: '',
      test: matrix,
      name: page,
    },
  ],
}
