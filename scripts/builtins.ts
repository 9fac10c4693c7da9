import type { Builtin } from '../src/deluge/builtins/define.ts'
import { tables } from '../src/deluge/builtins/index.ts'
import type { Task } from '../src/deluge/tasks/define.ts'
import type { IntegrationRow, Product, ResultName } from '../src/deluge/tasks/integration/define.ts'
import { integrationTasks, namespacesOf, products } from '../src/deluge/tasks/integration/index.ts'
import { tasks } from '../src/deluge/tasks/index.ts'
import { systemVariables } from '../src/deluge/variables.ts'
import { signatureOf } from './words.ts'

/** docs/builtins.md, from the tables of the language: a new row needs nothing here. */

/** Text as Markdown shows it: what stands between backticks is left alone. */
export const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/[\\*_[\]<]/g, '\\$&').replace(/\{\{/g, '\\{\\{')))
    .join('')

const code = (text: string) => `\`${text}\``
const block = (lines: string) => `\`\`\`deluge\n${lines}\n\`\`\``
const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)

/** The headings of the tables of built-ins, and a sentence where it helps. */
const headings: Readonly<Record<string, readonly [title: string, sentence?: string]>> = {
  text: ['Text', 'Places count from 0. A number, boolean or date that has no function of the name is taken as its text.'],
  number: ['Number and decimal'],
  'date-time': ['Date and time', 'Days and hours are those of the organisation’s time zone.'],
  time: ['Time of day'],
  list: ['List', 'Places count from 0.'],
  map: ['Map'],
  collection: ['Collection', 'A list or a map is a collection wherever one is asked for.'],
  file: ['File'],
  encoding: ['Encoding, hashes, encryption'],
  logical: ['Questions about any value'],
  xml: ['XML'],
  'web data': ['Calls and variables', 'Written as functions; `invokeurl` below can do more than the older ones.'],
  unavailable: ['Known, and not available here'],
}

const anchorOf = (title: string) => title.toLowerCase().replace(/[^a-z0-9 _-]/g, '').replaceAll(' ', '-') // prettier-ignore
const linkTo = (title: string) => `[${title}](#${anchorOf(title)})`
const titleOf = (heading: string) => headings[heading]?.[0] ?? capital(heading)

function exampleLine(script: string, gives: string): string {
  const said = gives.startsWith('error: ') ? `fails: ${gives.slice('error: '.length)}` : gives
  return script.includes('\n') ? `${script}\n// ${said}` : `${script} // ${said}`
}

function builtinEntry(name: string, row: Builtin): string[] {
  const also = row.aliases.length > 0 ? ` Also ${row.aliases.map(code).join(', ')}.` : ''
  const examples = Object.entries(row.examples)
  return [
    `### ${name}`,
    code(signatureOf(name, row)),
    `${prose(row.doc)}${also}`,
    ...(examples.length > 0 ? [block(examples.map(([script, gives]) => exampleLine(script, gives)).join('\n'))] : []),
  ]
}

const tableParts = (heading: string): string[] => [
  `## ${titleOf(heading)}`,
  ...(headings[heading]?.[1] === undefined ? [] : [headings[heading][1]]),
  ...Object.entries(tables[heading] ?? {})
    .toSorted(([one], [other]) => one.localeCompare(other, 'en', { sensitivity: 'base' }))
    .flatMap(([name, row]) => builtinEntry(name, row)),
]

const spelt: Readonly<Record<string, string>> = { invokeapi: 'invokeAPI' }

function taskParts(name: string, { doc, attributes, example }: Task): string[] {
  const lines = Object.entries(attributes).map(([own, { type, words, required, doc: meaning }]) => {
    const kind = words ? words.map(code).join(' ') : type === 'name' ? 'name or text' : type === 'any' ? 'any value' : type
    return `- ${code(own)} (${kind}${required ? ', **required**' : ''}): ${prose(meaning)}`
  })
  return [`### ${spelt[name] ?? name}`, prose(doc), block(example), lines.join('\n')]
}

const givesWords: Readonly<Record<ResultName, string>> = {
  raw: 'the answer',
  record: 'the record, an empty map when there is none',
  list: 'the records, an empty list when there are none',
  created: 'what was made or changed, with its id; a map of the error when the service refused',
  outcome: 'what became of it, with what was made under `details`; a map of the error when the service refused',
  result: '`{"result": …}` with what was made or changed; the answer when the service refused',
  resultRecord: 'the fields of the record; the answer when there is none',
  file: 'a file',
}

function integrationEntry(namespace: string, own: string, { doc, takes, method, path, gives }: IntegrationRow): string {
  const given = [...Object.entries(takes).map(([name, type]) => `${name}${type.endsWith('?') ? '?' : ''}: ${type.replace('?', '')}`)]
  const signature = `${namespace}.${own}(${[...given, 'connection?'].join(', ')})`
  return [`- ${code(signature)}`, `  ${prose(capital(doc))} ${code(`${method} ${path}`)} → ${givesWords[gives]}.`].join('\\\n')
}

function productParts(namespace: string, having: readonly Product[]): string[] {
  const former = having.flatMap(namespacesOf).filter(one => one !== namespace)
  return [
    `### ${namespace}`,
    ...(former.length > 0 ? [`Also written ${[...new Set(former)].map(one => code(`${one}.…`)).join(', ')}.`] : []),
    having.flatMap(({ tasks: own }) => Object.entries(own).map(([name, row]) => integrationEntry(namespace, name, row))).join('\n'),
  ]
}

/** Integration tasks that are no rows of a product, and stand in no other table. */
function otherIntegrations(): string[] {
  const known = new Set([
    ...products.flatMap(one => namespacesOf(one).flatMap(namespace => Object.keys(one.tasks).map(own => `${namespace}.${own}`))),
    ...Object.values(tables).flatMap(table => Object.keys(table)),
  ])
  return [...integrationTasks.values()]
    .filter(({ name }) => !known.has(name))
    .map(
      ({ name, doc, parameters, least }) =>
        `- ${code(`${name}(${parameters.map((one, at) => (at < least ? one : `${one}?`)).join(', ')})`)}\\\n  ${prose(capital(doc))}`,
    )
}

/** The page in its parts, in order. */
export function builtinsParts(): string[] {
  const namespaces = [...new Set(products.map(one => one.namespace))]
  const others = otherIntegrations()
  return [
    '# Built-ins of Deluge',
    'Everything that a script can call, from the tables that the language itself is made of. Every example is a test. [deluge.md](deluge.md) tells how the language works.',
    'How to read it: `text.getPrefix(separator: text) → text` is a function of a text and is written `x.getPrefix("@")` or `getPrefix(x, "@")`; names are matched in any case. `?` marks what may be left out. In an example the part behind the last `;` is the value, and the comment says what it is: `"a"` is a text, `3` a number, `3.0` a decimal, `{1,2}` a list. Examples have the time zone America/Los_Angeles and the date format dd-MMM-yyyy.',
    [...Object.keys(tables).map(titleOf), 'Tasks', 'System variables', 'Integration tasks'].map(title => `- ${linkTo(title)}`).join('\n'),
    ...Object.keys(tables).flatMap(tableParts),
    '## Tasks',
    'Attributes stand between brackets, in any order and without commas. One call is one statement and one call of the limit.',
    ...Object.entries(tasks).flatMap(([name, task]) => taskParts(name, task)),
    '## System variables',
    'Read, never assigned. A variable of the script with the same name comes first.',
    [...systemVariables.values()].map(({ name, gives, doc }) => `- ${code(name)} (${gives}): ${prose(doc)}`).join('\n'),
    '## Integration tasks',
    'One call of a service’s API each, over the connection that the last argument names. Without that argument it is the connection that an administrator set for the namespace in the settings of functions (`default_connections`); where its API is comes from the same settings (`api_origins`), from the connection, or from the default service. Leave out an argument in the middle with `null`. A task that fails at the service gives the map that the service answered.',
    namespaces.map(one => `- ${linkTo(one)}`).join('\n'),
    ...namespaces.flatMap(namespace => productParts(namespace, products.filter(one => one.namespace === namespace))), // prettier-ignore
    ...(others.length > 0 ? ['### Others', others.join('\n')] : []),
  ]
}
