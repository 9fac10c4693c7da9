import { getDomain } from 'tldts'
import ts from 'typescript'
import { complaints, isTest, type Rule } from './source.ts'

/** What a file of the catalogue is read for here. */
export interface NamedService {
  readonly link_name: string
  readonly name: string
}

/** Services whose name is an English word. Their hosts still count, and so does a text that is the name and nothing else. */
const englishWords = ['box', 'confluence', 'notion', 'resend', 'slack', 'stripe', 'zoom']

/** Names that say nothing: a single letter stands for much else. Its hosts still count. */
const tooShort = (name: string) => name.length < 3

const lower = (words: readonly string[]) => words.map(word => word.toLowerCase())
const wordsOfText = (text: string): string[] => lower(text.match(/[\p{L}\p{N}]+/gu) ?? [])
const wordsOfName = (text: string): string[] => lower(text.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+/gu) ?? [])
const padded = (words: readonly string[]) => ` ${words.join(' ')} `

interface Vocabulary {
  /** As words between blanks, ` zoho desk `. */
  readonly inText: readonly string[]
  readonly inNames: readonly string[]
  readonly hosts: readonly string[]
}

/** Every registrable domain in a definition: hosts of URLs, API hosts, and choices such as data centres. */
function domainsOf(definition: unknown): string[] {
  if (typeof definition === 'string') {
    if (/[\s{}]/.test(definition) || !definition.includes('.')) return []
    const domain = getDomain(definition.replace(/^\*\./, ''))
    return domain === null || /^example\./.test(domain) ? [] : [domain]
  }
  if (typeof definition !== 'object' || definition === null) return []
  return Object.entries(definition)
    .filter(([key]) => !['scopes', '$schema', 'default_scopes', 'required_scopes'].includes(key))
    .flatMap(([, value]) => domainsOf(value))
}

function vocabularyOf(services: readonly NamedService[]): Vocabulary {
  const spellings = services.flatMap(({ link_name, name }) => {
    const words = wordsOfText(name)
    return [wordsOfText(link_name.replaceAll('_', ' ')), words, words.slice(0, 1)]
  })
  const telling = spellings.filter(([first = '', ...more]) => more.length > 0 || !(tooShort(first) || englishWords.includes(first)))
  const camel = services.map(({ name }) => wordsOfName(name)).filter(words => words.length > 1 && !tooShort(words.join('')))
  return {
    inText: [...new Set(telling.map(padded))],
    inNames: [...new Set([...telling, ...camel].map(padded))],
    hosts: [...new Set(services.flatMap(domainsOf))],
  }
}

/**
 * What is written for the API's readers is documentation, as a comment is, and may name an example: the argument of `.meta()`, and the
 * summary and description of a route.
 */
function isDocumentation(node: ts.Node): boolean {
  for (let one = node; !ts.isStatement(one); one = one.parent) {
    const parent = one.parent
    if (ts.isCallExpression(parent) && parent.expression !== one)
      return ts.isPropertyAccessExpression(parent.expression) && parent.expression.name.text === 'meta'
    if (ts.isPropertyAssignment(one) && ['summary', 'description'].includes(one.name.getText()))
      if (ts.isPropertyAssignment(parent.parent) && parent.parent.name.getText() === 'schema') return true
  }
  return false
}

const isText = (node: ts.Node): node is ts.LiteralLikeNode =>
  ts.isStringLiteralLike(node) ||
  ts.isRegularExpressionLiteral(node) ||
  node.kind === ts.SyntaxKind.TemplateHead ||
  node.kind === ts.SyntaxKind.TemplateMiddle ||
  node.kind === ts.SyntaxKind.TemplateTail

/**
 * No service of the catalogue is named in the code: not as an identifier, not in a text, not by its host. What one service needs is a
 * field of the service definition, which every service may then use. Comments and tests may name the services they are about, and the
 * words of the scripting language are its vendor's: `zoho.currentdate`, `zoho.crm.getRecordById`.
 */
export function servicesAreNotNamed(services: readonly NamedService[]): Rule {
  const { inText, inNames, hosts } = vocabularyOf(services)
  const sentence = (name: string) => `names the service "${name.trim()}": make it a field of the service definition`
  const identifier = (text: string) => inNames.find(name => padded(wordsOfName(text)).includes(name))
  return (path, source) => {
    if (!/^src\/(?!deluge\/).*\.[cm]?[jt]s$/.test(path) || isTest(path)) return []
    const named = identifier(path.replace(/\.\w+$/, ''))
    const found = complaints(path, source, node => {
      if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
        const name = identifier(node.text)
        return name === undefined ? undefined : sentence(name)
      }
      if (!isText(node) || isDocumentation(node)) return undefined
      const words = padded(wordsOfText(node.text))
      const name =
        inText.find(one => words.includes(one)) ??
        englishWords.find(one => node.text.toLowerCase() === one) ??
        hosts.find(host => new RegExp(`(^|[^a-z0-9-])${host.replaceAll('.', '\\\\?\\.')}([^a-z0-9-]|$)`, 'i').test(node.text))
      return name === undefined ? undefined : sentence(name)
    })
    return named === undefined ? found : [`${path}:1 ${sentence(named)}`, ...found]
  }
}
