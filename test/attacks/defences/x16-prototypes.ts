import type { Attack } from '../attack.ts'

const file = 'test/attacks/prototypes.test.ts'
const answers = 'an answer keeps its own: headers, a content coding, a body'

export const x16: Attack = {
  id: 'X16',
  attack: 'Names such as __proto__ and constructor in JSON, forms, queries and names of things.',
  defence: [
    'What comes from outside is looked up by own property, in maps without a prototype or in a Map; nothing merges objects recursively.',
    'JSON bodies with `__proto__` as a key are refused where they are ours. What is only passed on goes out as it came.',
    'In a script every name is a name: of types, arguments, keys of maps, elements of XML.',
    'After each door was tried with them the prototypes of the server’s own process have the properties that they had.',
  ],
  mutants: [
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
