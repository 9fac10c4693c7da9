import { basename } from 'node:path'
import ts from 'typescript'
import { at, commentsOf, complaints, isTest, parse, type Rule } from './source.ts'

const drawers = ['util', 'utils', 'utilities', 'helper', 'helpers', 'shared', 'common', 'manager', 'managers', 'misc']
/** Of these, one word of a longer name is enough; `shared-connections` is a word of the product. */
const drawerWords = ['util', 'utils', 'helper', 'helpers', 'manager', 'misc']

/** No file and no folder is a drawer: a name says what is inside. */
export const namesSayWhatIsInside: Rule = path =>
  path
    .split('/')
    .map(part => part.replace(/\..*$/, '').toLowerCase())
    .filter(stem => drawers.includes(stem) || stem.split(/[-_]/).some(word => drawerWords.includes(word)))
    .map(stem => `${path}:1 "${stem}" is a drawer, not a name`)

/** Tools ask for a default export in their configuration; a declaration file describes somebody else's module. */
const isTheirs = (path: string) => /(^|\/)[^/]+\.config\.[jt]s$|\.d\.ts$/.test(path)

/** Everything is imported by its own name. */
export const noDefaultExports: Rule = (path, source) => {
  if (isTheirs(path)) return []
  const sentence = 'no default exports'
  return complaints(path, source, node => {
    if (ts.isExportAssignment(node)) return sentence
    if (ts.isExportSpecifier(node) && node.name.text === 'default') return sentence
    return ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(one => one.kind === ts.SyntaxKind.DefaultKeyword) ? sentence : undefined
  })
}

/** A file that only hands on what others export is a detour for every reader. */
export const noBarrels: Rule = (path, source) => {
  const { statements } = parse(path, source)
  const handsOn = (one: ts.Statement) =>
    ts.isExportDeclaration(one) && !(one.exportClause && ts.isNamedExports(one.exportClause) && one.exportClause.elements.length === 0)
  const isBarrel = statements.some(handsOn) && statements.every(one => ts.isImportDeclaration(one) || ts.isExportDeclaration(one))
  return isBarrel ? [`${path}:1 a file that only re-exports is a barrel`] : []
}

/** Functions over data: a class is an error, or the one that hides a secret. */
export const noClassesButErrors: Rule = (path, source) =>
  complaints(path, source, node => {
    if (!ts.isClassLike(node)) return undefined
    if (path === 'src/core/secret.ts' && node.name?.text === 'Secret') return undefined
    // the documented form of the SDK: new Patchbay({ url, apiKey })
    if (path === 'sdk/index.ts' && node.name?.text === 'Patchbay') return undefined
    const parent = node.heritageClauses?.find(one => one.token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression.getText() ?? ''
    return /Error$|^Problem$/.test(parent) ? undefined : `class ${node.name?.text ?? '(without a name)'}: no classes but errors and Secret`
  })

export const mostLines = 400
/** Files that may be longer, each with its reason. Better none. */
const longer: Readonly<Record<string, string>> = {}

/** A file has one subject, and one subject fits in 400 lines; aim at 300. */
export const filesAreShort: Rule = (path, source) => {
  if (!/^(src|web)\/.*\.tsx?$/.test(path) || isTest(path) || path in longer) return []
  const lines = source.replace(/\n$/, '').split('\n').length
  return lines > mostLines ? [`${path}:${lines} ${lines} lines, ${mostLines} at most: it has a second subject`] : []
}

export const noAny: Rule = (path, source) =>
  complaints(path, source, node => (node.kind === ts.SyntaxKind.AnyKeyword ? 'no any: say the type, or unknown' : undefined))

const disables = /eslint-disable(?:-next-line|-line)?/
const withReason = /eslint-disable-(?:next-line|line)\s+[@\w/, -]*\w\s+--\s+\S.{9,}/

/** A rule is switched off for one line, by name and with a reason; the compiler is never told to look away. */
export const exceptionsHaveReasons: Rule = (path, source) => {
  const file = parse(path, source)
  return commentsOf(file).flatMap(({ position, text }) => {
    if (/@ts-(ignore|nocheck)/.test(text)) return [at(file, position, 'the compiler is not told to look away')]
    if (/@ts-expect-error(?!.*\S{3,}.*\s\S)/.test(text)) return [at(file, position, '@ts-expect-error needs its reason on the same line')]
    if (!disables.test(text) || withReason.test(text)) return []
    return [at(file, position, 'eslint-disable-line or -next-line, the rule, and "-- why" on the same line')]
  })
}

/** Nothing is tested when a test was left alone or out. */
export const noTestIsLeftOut: Rule = (path, source) => {
  if (!isTest(path)) return []
  return complaints(path, source, node =>
    ts.isPropertyAccessExpression(node) &&
    ['only', 'skip', 'todo'].includes(node.name.text) &&
    /^(it|test|describe)$/.test(basename(node.expression.getText()))
      ? `no ${node.getText()}: every test runs`
      : undefined,
  )
}
