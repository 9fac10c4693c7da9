import { HighlightStyle, LanguageSupport, StreamLanguage, syntaxHighlighting, type StringStream } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { tags } from '@lezer/highlight'
import { words } from './words.ts'

/* How a script is coloured: words by what they are, without understanding it. What is wrong with it, the server says. */

const lower = (names: readonly string[]) => new Set(names.map(name => name.toLowerCase()))

const statements = lower(['if', 'else', 'for', 'each', 'index', 'in', 'try', 'catch', 'return', 'break', 'continue', 'info'])
const types = lower(
  'void string int bigint long float double decimal bool boolean date datetime time map list file collection key-value password'.split(' '),
)
const atoms = lower(['true', 'false', 'null'])
const taskNames = lower(words.filter(one => one.kind === 'task').map(one => one.name))
const known = lower(
  words.filter(one => one.kind === 'function' || one.kind === 'method').flatMap(one => [one.name, ...(one.aliases ?? [])]),
)
const attributes = lower(words.flatMap(one => one.attributes ?? []).map(one => one.name))

interface State {
  /** What the token before it has opened and not closed. */
  inside: 'comment' | '"' | "'" | null
  /** Depth of brackets, for the indentation of a new line. */
  depth: number
  /** Inside the brackets of a task, where a word before a colon is an attribute. */
  task: boolean
}

/** To the end of a comment or a text, or of the line. */
function readInside(stream: StringStream, state: State): string {
  if (state.inside === 'comment') {
    if (stream.skipTo('*/')) {
      stream.match('*/')
      state.inside = null
    } else stream.skipToEnd()
    return 'comment'
  }
  for (let character = stream.next(); character !== undefined; character = stream.next()) {
    if (character === '\\') stream.next()
    else if (character === state.inside) {
      state.inside = null
      break
    }
  }
  return 'string'
}

function wordKind(stream: StringStream, word: string, state: State): string | null {
  const name = word.toLowerCase()
  if (state.task && attributes.has(name) && stream.match(/^[ \t]*:/, false)) return 'attributeName'
  if (atoms.has(name)) return 'bool'
  if (statements.has(name)) return 'keyword'
  if (taskNames.has(name)) return 'keyword'
  if (types.has(name) && stream.match(/^[ \t]+[A-Za-z_]/, false)) return 'typeName'
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (stream.match(/^[ \t]*\(/, false)) return known.has(name) || known.has(last) ? 'variableName.function' : 'variableName'
  return 'variableName'
}

const indented = /^\s*[)\]}]/

const deluge = StreamLanguage.define<State>({
  name: 'deluge',
  startState: () => ({ inside: null, depth: 0, task: false }),
  token(stream, state) {
    if (state.inside !== null) return readInside(stream, state)
    if (stream.eatSpace()) return null
    if (stream.match('//')) {
      stream.skipToEnd()
      return 'comment'
    }
    if (stream.match('/*')) {
      state.inside = 'comment'
      return readInside(stream, state)
    }
    const quote = stream.peek()
    if (quote === '"' || quote === "'") {
      stream.next()
      state.inside = quote
      return readInside(stream, state)
    }
    if (stream.match(/^\d+(\.\d+)?/)) return 'number'
    const word = stream.match(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*/)
    if (word && typeof word !== 'boolean') {
      const kind = wordKind(stream, word[0], state)
      if (kind === 'keyword' && taskNames.has(word[0].toLowerCase())) state.task = true
      return kind
    }
    const one = stream.next() ?? ''
    if ('([{'.includes(one)) state.depth++
    if (')]}'.includes(one)) {
      state.depth = Math.max(0, state.depth - 1)
      if (one === ']') state.task = false
      return 'bracket'
    }
    return '([{'.includes(one) ? 'bracket' : /[=+\-*/%<>!&|]/.test(one) ? 'operator' : null
  },
  indent: (state, after, { unit }) => unit * Math.max(0, state.depth - (indented.test(after) ? 1 : 0)),
  languageData: {
    commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
    closeBrackets: { brackets: ['(', '[', '{', '"'] },
    indentOnInput: /^\s*[)\]}]$/,
  },
})

/** Colours of theme.css only, so that light and dark follow the page. */
const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--green)' },
  { tag: [tags.number, tags.bool], color: 'var(--amber)' },
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.typeName, tags.attributeName], color: 'var(--accent)' },
  { tag: tags.operator, color: 'var(--quiet)' },
])

/** Deluge as the editor shows it. */
export const delugeLanguage = (): Extension => [new LanguageSupport(deluge), syntaxHighlighting(colours)]
