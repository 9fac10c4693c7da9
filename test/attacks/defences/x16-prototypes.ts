import type { Attack } from '../attack.ts'

const file = 'test/attacks/prototypes.test.ts'
const passedOn = 'a body goes out as it came, parameters and headers keep every name, at both doors of invoke'
const answers = 'an answer keeps its own: headers, a content coding, a body'

export const x16: Attack = {
  id: 'X16',
  attack: 'Names such as __proto__ and constructor in JSON, forms, queries and names of things.',
  defence: [
    'What comes from outside is looked up by own property, in maps without a prototype or in a Map; nothing merges objects recursively.',
    'JSON bodies with `__proto__` as a key are refused where they are ours, with a sentence, by every operation. What is only passed on goes out as it came: bodies, and the names of parameters and headers.',
    'In a script every name is a name: of types, arguments, keys of maps, elements of XML.',
    'After each door was tried with them the prototypes of the server’s own process have the properties that they had.',
  ],
  mutants: [
    {
      what: 'a parameter called __proto__ is lost',
      file: 'src/core/invoke-url.ts',
      find: '.union([z.string(), jsonMap()])',
      replace: '.union([z.string(), z.record(z.string(), z.unknown())])',
      test: file,
      name: passedOn,
    },
    {
      what: 'JSON with names of prototypes is JSON',
      file: 'src/http/app.ts',
      find: "fastify.getDefaultJsonParser('error', 'error')",
      replace: "fastify.getDefaultJsonParser('ignore', 'ignore')",
      test: file,
      name: 'every operation that takes JSON refuses such a body, in a sentence',
    },
    {
      what: 'a content coding is looked up with what every object inherits',
      file: 'src/egress/decode.ts',
      find: '!Object.hasOwn(decoders, coding)',
      replace: '!(coding in decoders)',
      test: file,
      name: answers,
    },
    {
      what: 'a header of an answer is joined to what every object inherits',
      file: 'src/core/invoke-answer.ts',
      find: 'Object.hasOwn(map, name) ?',
      replace: 'name in map ?',
      test: file,
      name: answers,
    },
    {
      what: 'a declared type is looked up with what every object inherits',
      file: 'src/broker/function-values.ts',
      find: "Object.hasOwn(families, name) ? (families[name] ?? 'any') : 'any'",
      replace: "families[name] ?? 'any'",
      test: 'test/stories/function-security.test.ts',
      name: 'X16 __proto__ and constructor are names like others: of types, arguments, maps, functions',
    },
  ],
}
