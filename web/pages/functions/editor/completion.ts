import { snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import type { EditorState } from '@codemirror/state'
import type { Word } from './word-shape.ts'
import { words } from './words.ts'

/** A connection as completion offers it. */
export interface Offered {
  readonly linkName: string
  readonly name: string
}

const told = (word: Word) => ({ label: word.name, detail: detailOf(word), info: `${word.signature}\n${word.doc}` })

const detailOf = ({ kind, of, signature }: Word): string => {
  const gives = signature.includes(' → ') ? signature.slice(signature.lastIndexOf(' → ')) : ''
  return kind === 'method' ? `${of ?? ''}${gives}` : kind === 'variable' ? 'system variable' : gives.trim()
}

/** With the cursor between its brackets. */
const called = (word: Word): Completion => {
  const none = /\(\)( |$)/.test(word.signature)
  return snippetCompletion(`${word.name}(${none ? '' : '${}'})`, { ...told(word), type: word.kind === 'method' ? 'method' : 'function' })
}

const bodies: Readonly<Record<string, string>> = {
  invokeurl: 'invokeurl\n[\n\turl: "${https://}"\n\ttype: ${GET}\n\tconnection: "${}"\n];',
  'zoho.sdp.invokeurl': 'zoho.sdp.invokeurl\n[\n\turl: "${/api/v3/}"\n\ttype: ${GET}\n\tconnection: "${}"\n];',
  invokeAPI: 'invokeAPI\n[\n\tservice: ${zohocrm}\n\tpath: "${}"\n\ttype: ${GET}\n];',
  sendmail: 'sendmail\n[\n\tfrom: zoho.adminuserid\n\tto: "${}"\n\tsubject: "${}"\n\tmessage: "${}"\n];',
}

const statements: readonly Completion[] = (
  [
    ['if', 'if(${condition})\n{\n\t${}\n}', 'Runs what follows when the condition is true.'],
    ['else', 'else\n{\n\t${}\n}', 'Runs when no condition before it was true.'],
    ['else if', 'else if(${condition})\n{\n\t${}\n}', 'Asks another condition.'],
    ['for each', 'for each ${one} in ${list}\n{\n\t${}\n}', 'Runs once for each element of a list, or each key of a map.'],
    ['for each index', 'for each index ${i} in ${list}\n{\n\t${}\n}', 'Runs once for each index of a list, from 0.'],
    ['try', 'try\n{\n\t${}\n}\ncatch (${e})\n{\n\tinfo ${e}.message;\n}', 'Goes on after an error: e.message and e.lineNo say which.'],
    ['return', 'return ${};', 'Ends the function with a value.'],
    ['info', 'info ${};', 'Writes a line into the log of the run.'],
    ['break', 'break;', 'Leaves the loop.'],
    ['continue', 'continue;', 'Goes on with the next element.'],
  ] as const
).map(([label, body, info]) => snippetCompletion(body, { label, type: 'keyword', info }))

const ofKind = (...kinds: readonly Word['kind'][]) => words.filter(word => kinds.includes(word.kind))

const methods = ofKind('method').map(called)
const plain: readonly Completion[] = [
  ...statements,
  ...ofKind('task').map(word => snippetCompletion(bodies[word.name] ?? `${word.name}\n[\n\t\${}\n];`, { ...told(word), type: 'keyword' })),
  ...ofKind('function')
    .filter(word => !word.name.includes('.'))
    .map(called),
  ...ofKind('variable').map(word => ({ ...told(word), type: 'constant' })),
  { label: 'true', type: 'constant' },
  { label: 'false', type: 'constant' },
  { label: 'null', type: 'constant' },
]
const dotted: readonly Completion[] = [
  ...ofKind('function')
    .filter(word => word.name.includes('.'))
    .map(called),
  ...ofKind('variable')
    .filter(word => word.name.includes('.'))
    .map(word => ({ ...told(word), type: 'constant' })),
]

/** Names that the script itself gives: what it assigns, loops over, catches, or takes. */
function ownNames(state: EditorState, except: string): Completion[] {
  const names = new Set<string>()
  const text = state.doc.sliceString(0, 200_000)
  for (const [, assigned, looped, caught] of text.matchAll(
    /^\s*([A-Za-z_]\w*)\s*[-+*/%]?=(?!=)|for\s+each\s+(?:index\s+)?([A-Za-z_]\w*)\s+in|catch\s*\(\s*([A-Za-z_]\w*)/gim,
  ))
    names.add(assigned ?? looped ?? caught ?? '')
  const header = /^[^{]*?\(([^)]*)\)\s*\{/.exec(text)?.[1] ?? ''
  for (const [, name] of header.matchAll(/([A-Za-z_]\w*)\s*(?:,|$)/g)) names.add(name ?? '')
  names.delete('')
  names.delete(except)
  return [...names].map(label => ({ label, type: 'variable', boost: 2 }))
}

/** The task inside whose brackets a place is; null elsewhere. */
function taskAround(state: EditorState, position: number): Word | null {
  const before = state.doc.sliceString(Math.max(0, position - 5000), position)
  const open = before.lastIndexOf('[')
  if (open < 0 || before.indexOf(']', open) >= 0) return null
  const name = /([A-Za-z_][\w.]*)\s*$/.exec(before.slice(0, open))?.[1]?.toLowerCase()
  return words.find(word => word.kind === 'task' && word.name.toLowerCase() === name) ?? null
}

function attributesOf(task: Word, context: CompletionContext): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos)
  const before = line.text.slice(0, context.pos - line.from)
  const value = /^\s*([A-Za-z][A-Za-z -]*?)\s*:\s*"?([A-Za-z]*)$/.exec(before)
  const choices = value && task.attributes?.find(one => one.name === value[1]?.toLowerCase())?.words
  if (value && choices)
    return {
      from: context.pos - (value[2] ?? '').length,
      options: choices.map(label => ({ label, type: 'enum' })),
      validFor: /^[A-Za-z]*$/,
    }
  const started = /(?:^|\[)\s*([A-Za-z][A-Za-z -]*)?$/.exec(before)
  if (!started || (!context.explicit && started[1] === undefined)) return null
  return {
    from: context.pos - (started[1] ?? '').length,
    options: (task.attributes ?? []).map(({ name, doc }) => ({ label: name, apply: `${name}: `, info: doc, type: 'property' })),
    validFor: /^[A-Za-z -]*$/,
  }
}

/** Where the link name of a connection is written: behind `connection:`, or as a text in a call of an integration task. */
const linkNamePlace = /(?:connection\s*:\s*"?|\bzoho\.\w+\.\w[\w.]*\([^)]*,\s*")([A-Za-z0-9_]*)$/i

/** What may be written at the cursor. `connections` are the caller's own and those that they may use. */
export const completionSource =
  (connections: () => Promise<readonly Offered[]>) =>
  async (context: CompletionContext): Promise<CompletionResult | null> => {
    const line = context.state.doc.lineAt(context.pos)
    const before = line.text.slice(0, context.pos - line.from)
    const named = linkNamePlace.exec(before)
    if (named) {
      const options = (await connections()).map(({ linkName, name }) => ({ label: linkName, detail: name, type: 'class' }))
      return options.length === 0 ? null : { from: context.pos - (named[1] ?? '').length, options, validFor: /^\w*$/ }
    }
    if (insideText(before)) return null
    const task = taskAround(context.state, context.pos)
    const attributes = task && attributesOf(task, context)
    if (attributes) return attributes
    const path = /((?:[A-Za-z_]\w*\.)+)(\w*)$/.exec(before)
    if (path) {
      const whole = `${path[1] ?? ''}${path[2] ?? ''}`
      const first = (path[1] ?? '').toLowerCase()
      const known = dotted.filter(one => one.label.toLowerCase().startsWith(first))
      if (known.length > 0) return { from: context.pos - whole.length, options: known, validFor: /^[\w.]*$/ }
    }
    const method = /[\w)\]}"']\.(\w*)$/.exec(before)
    if (method) return { from: context.pos - (method[1] ?? '').length, options: methods, validFor: /^\w*$/ }
    const word = /[A-Za-z_]\w*$/.exec(before)?.[0] ?? ''
    if (word === '' && !context.explicit) return null
    return { from: context.pos - word.length, options: [...ownNames(context.state, word), ...plain], validFor: /^\w*$/ }
  }

/** Inside a text or behind a comment mark, as far as one line tells. */
function insideText(before: string): boolean {
  let quote = ''
  for (let i = 0; i < before.length; i++) {
    const one = before.charAt(i)
    if (quote === '') {
      if (one === '"' || one === "'") quote = one
      else if (one === '/' && before.charAt(i + 1) === '/') return true
    } else if (one === '\\') i++
    else if (one === quote) quote = ''
  }
  return quote !== ''
}
