import type { Attack } from '../attack.ts'

export const x22: Attack = {
  id: 'X22',
  attack: 'Names, logos, descriptions and answers from outside carry scripts, formulas or line breaks to pages, files and logs.',
  defence: [
    'The server’s pages are made by a template that escapes whatever is put in; what is markup is known by a symbol that no JSON can hold. The console is React, which does the same, under a policy that lets no script run but its own files; in a real browser hostile texts stand in every field of every page (test/browser/injection.test.ts).',
    'Links from outside are http or https. Texts lose control, invisible and direction-changing characters before they are shown.',
    'A line of the log is one JSON object, its texts cut at 1 KiB; of an error from outside only its kind and place are written.',
    'There are no uploaded logos and no exports to spreadsheets.',
  ],
  mutants: [
    {
      what: 'what is put into a page is not escaped',
      file: 'src/http/pages/html.ts',
      find: '  return escaped(String(piece))\n',
      replace: '  return String(piece)\n',
      test: 'src/http/pages/html.test.ts',
      name: 'escapes what is put in, in text and between quotes',
    },
    {
      what: 'what is put into an attribute is not escaped',
      file: 'src/http/pages/html.ts',
      find: '`${name}="${escaped(String(value))}"`',
      replace: '`${name}="${String(value)}"`',
      test: 'src/http/pages/html.test.ts',
      name: 'attributes are quoted and escaped; true is bare',
    },
    {
      what: 'invisible and direction-changing characters are shown',
      file: 'src/http/pages/text.ts',
      find: "      .replace(unseen, '')\n",
      replace: '',
      test: 'src/http/pages/text.test.ts',
      name: 'is one line, without controls, invisible or direction-changing characters, and composed',
    },
    {
      what: 'any scheme may be linked',
      file: 'src/http/pages/text.ts',
      find: '  if (!/^https?:\\/\\/[^/\\\\]/i.test(value) ||',
      replace: '  if (',
      test: 'src/http/pages/text.test.ts',
      name: 'paths of ours are paths of ours, and only http addresses are linked',
    },
    {
      what: 'texts of the log are not cut',
      file: 'src/telemetry/log.ts',
      find: 'text.length > longest ?',
      replace: 'text.length > Infinity ?',
      test: 'src/telemetry/log.test.ts',
      name: 'X22 whatever a text from outside holds, an event is one line of JSON, and its texts are cut',
    },
    {
      what: 'messages of errors are logged',
      file: 'src/telemetry/log.ts',
      find: 'return { kind: error.name, code,',
      replace: 'return { kind: error.message, code,',
      test: 'src/telemetry/log.test.ts',
      name: 'X10 of an error only its kind, its place and our own sentence are logged, never its message',
    },
  ],
}
