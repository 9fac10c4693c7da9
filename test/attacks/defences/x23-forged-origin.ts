import type { Attack } from '../attack.ts'

const matrix = 'test/attacks/operations.test.ts'
const page = 'a change that another page asks for is refused, whatever it disguises itself as'
const raw = 'test/attacks/raw-requests.test.ts'
const lengths = 'a body whose length could be read in two ways ends the connection: nothing after it is a request'
const forms = 'a form of a page of ours takes nothing from another page'
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
      file: 'src/http/one-host.ts',
      find: '++hosts > 1',
      replace: '++hosts > 9',
      test: raw,
      name: lengths,
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
