import type { Attack } from '../attack.ts'

const test = 'test/attacks/response-echo.test.ts'

export const x11: Attack = {
  id: 'X11',
  attack: 'A service sends the credential back in its answer, and the caller or a script reads it.',
  defence: [
    'Every answer is searched for the values that the connection holds, 8 characters and longer: as they are, percent-encoded once or twice, in JSON, in HTML, in hexadecimal, in base64 alone or as a part of something longer, and all of these in UTF-16; of HTTP Basic for user and password together. What is found becomes `[redacted]`, and `Patchbay-Redacted` counts it.',
    'Headers through every door; bodies in invoke and functions, up to 4 MiB, files too. What the call after connecting repeats of the credential becomes no account and no variable. The proxy streams: bodies pass through it as they are.',
    'It is a net, not a guarantee: a value that a service reverses, cuts up, encrypts or packs into an archive is not recognised.',
  ],
  mutants: [
    {
      what: 'bodies are not searched',
      file: 'src/broker/echo.ts',
      find: 'const searched = cleanBody(answer.body)',
      replace: 'const searched = { body: answer.body, count: 0 }',
      test,
      name: 'in an error, in a header, in a redirect, in gzip',
    },
    {
      what: 'headers are not searched',
      file: 'src/broker/echo.ts',
      find: '      if (value.length < least) continue\n',
      replace: '      if (value.length >= 0) continue\n',
      test,
      name: 'in an error, in a header, in a redirect, in gzip',
    },
    {
      what: 'only the value itself is looked for',
      file: 'src/broker/echo.ts',
      find: '.flatMap(spellingsOf))]',
      replace: '.flatMap(one => spellingsOf(one).slice(0, 1)))]',
      test,
      name: 'taken out of the body, and said so',
    },
    {
      what: 'bodies in UTF-16 are read as others',
      file: 'src/broker/echo.ts',
      find: 'const width = widthOf(text)',
      replace: "const width: Width = 'utf8'",
      test,
      name: 'taken out of the body, and said so',
    },
    {
      what: 'an account is called what the service says',
      file: 'src/broker/account.ts',
      find: 'return text?.includes(redacted) ? null : text',
      replace: 'return text',
      also: [
        {
          file: 'src/broker/account.ts',
          find: 'echoOf(from, opened).answer(await callAs(broker, from, opened, url, after_connect?.headers))',
          replace: 'await callAs(broker, from, opened, url, after_connect?.headers)',
        },
      ],
      test,
      name: 'the call after connecting',
    },
    {
      what: 'scripts get answers as they came',
      file: 'src/broker/function-host.ts',
      find: 'return (answer = echo.answer(received))',
      replace: 'return (answer = received)',
      test,
      name: 'a script sees as little, and the proxy passes headers on without it',
    },
    {
      what: 'the proxy passes headers on as they came',
      file: 'src/http/proxy.ts',
      find: 'const headers = echo.headers(received)',
      replace: 'const headers = received',
      test,
      name: 'a script sees as little, and the proxy passes headers on without it',
    },
    {
      what: 'invoke gives answers as they came',
      file: 'src/http/invoke-door.ts',
      find: 'return (answer = echo.answer(received))',
      replace: 'return (answer = received)',
      test,
      name: 'wherever the service cuts its answer',
    },
  ],
}
