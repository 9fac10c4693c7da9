import type { Attack } from '../attack.ts'

const file = 'test/attacks/bombs.test.ts'
const packed = 'a packed answer is unpacked to the limit and not further, whatever it is packed with'
const passed = 'deep, wide and long JSON of a service is passed on as it came, and read by nobody'
const callers = 'of a caller’s JSON depth, size and number of parts have limits; long numbers go out exactly'
const long = 'what is too long is refused: bodies, endless ones, headers, addresses'

export const x15: Attack = {
  id: 'X15',
  attack: 'Input or answers that cost more than they weigh: packed bombs, deep JSON, huge numbers, patterns that backtrack, endless pages.',
  defence: [
    'A packed answer is unpacked off the main thread, up to the limit or a hundred times its size; one coding, and of three that are known.',
    'Answers are passed on as text that nobody parses; JSON deeper than a hundred levels is refused from callers, and shown as text from services. Long numbers stay the digits they were.',
    'What comes in pieces of a few bytes is copied together: the object around a single byte weighs a hundred times as much.',
    'Bodies, headers (16 KiB), addresses (8 KiB), parts of forms and their headers have limits, also without a length.',
    'Patterns in a definition run under one deadline for the whole form, on the server only. Those of scripts run on an engine without backtracking, or count their steps.',
    'XML of scripts has no document type, so no entities of its own and nothing that is fetched.',
  ],
  mutants: [
    {
      what: 'an answer is unpacked as far as it goes',
      file: 'src/egress/decode.ts',
      find: 'const maxOutputLength = Math.min(maxBytes, Math.max(harmlessBytes, bytes.length * greatestRatio))',
      replace: 'const maxOutputLength = 2 ** 30',
      test: file,
      name: packed,
    },
    {
      what: 'no ratio is too great',
      file: 'src/egress/decode.ts',
      find: 'Math.max(harmlessBytes, bytes.length * greatestRatio)',
      replace: 'maxBytes',
      test: file,
      name: packed,
    },
    {
      what: 'of several codings the first is undone',
      file: 'src/egress/decode.ts',
      find: "  if (codings.length > 1) throw new UndecodableError('it applied several content encodings to its answer.', false)\n",
      replace: '',
      test: file,
      name: packed,
    },
    {
      what: 'deep JSON of a service is JSON',
      file: 'src/core/lossless-json.ts',
      find: 'if (open.push(c === 0x7b) > deepest) return false',
      replace: 'open.push(c === 0x7b)',
      test: file,
      name: passed,
    },
    {
      what: 'a body is kept in the pieces it comes in',
      file: 'src/core/pieces.ts',
      find: 'pieces.length < keptAsTheyAre || piece.length >= worthAnObject',
      replace: 'pieces.length >= 0',
      test: 'src/core/pieces.test.ts',
      name: 'few pieces are made, which hold little more than what came',
    },
    {
      what: 'a form has any number of parts',
      file: 'src/core/multipart.ts',
      find: 'const mostParts = 200',
      replace: 'const mostParts = 2_000_000',
      test: file,
      name: callers,
    },
    {
      what: 'an address has any length',
      file: 'src/http/refused-unread.ts',
      find: 'url.length > longestTarget &&',
      replace: 'url.length > 1e9 &&',
      test: 'test/attacks/raw-requests.test.ts',
      name: 'an address of more than 8 KiB is refused in a sentence, at every door',
    },
    {
      what: 'a pattern of a definition takes as long as it takes',
      file: 'src/auth/fields.ts',
      find: 'matching.runInContext(context, { timeout: patternMilliseconds })',
      replace: 'matching.runInContext(context)',
      test: file,
      name: 'patterns that somebody wrote into a definition hold nobody up, however many there are',
    },
    {
      what: 'headers have a mebibyte',
      file: 'src/http/app.ts',
      find: 'const maxHeaderBytes = 16_384',
      replace: 'const maxHeaderBytes = 1_048_576',
      test: file,
      name: long,
    },
    {
      what: 'a body has any size',
      file: 'src/http/app.ts',
      find: 'const maxBodyBytes = 1024 * 1024',
      replace: 'const maxBodyBytes = 1024 * 1024 * 1024',
      test: file,
      name: long,
    },
  ],
}
