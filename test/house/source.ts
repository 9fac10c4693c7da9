import ts from 'typescript'

/** A rule of the house: what is wrong with one file, each as `path:line sentence`. */
export type Rule = (path: string, source: string) => string[]

export const isTest = (path: string): boolean => /\.test\.[cm]?[jt]sx?$/.test(path)

/** What is built and shipped: tests, scripts and benchmarks may do what these may not. */
export const isProduct = (path: string): boolean =>
  /^(src|sdk|web)\//.test(path) && !isTest(path) && !/^web\/(vite\.config\.ts$|build\/)/.test(path)

const parsed = new Map<string, ts.SourceFile>()

/** The syntax tree of a file, with parents. Every rule reads the same file in turn, so the last tree of each path is kept. */
export function parse(path: string, source: string): ts.SourceFile {
  const known = parsed.get(path)
  if (known?.text === source) return known
  const kind = /\.[cm]?js$/.test(path) ? ts.ScriptKind.JS : path.endsWith('.tsx') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2023, true, kind)
  parsed.set(path, file)
  return file
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, child => walk(child, visit))
}

export const at = (file: ts.SourceFile, position: number, sentence: string): string =>
  `${file.fileName}:${file.getLineAndCharacterOfPosition(position).line + 1} ${sentence}`

/** Every node that `find` has a sentence about. */
export function complaints(path: string, source: string, find: (node: ts.Node, file: ts.SourceFile) => string | undefined): string[] {
  const file = parse(path, source)
  const found: string[] = []
  walk(file, node => {
    const sentence = find(node, file)
    if (sentence !== undefined) found.push(at(file, node.getStart(file), sentence))
  })
  return found
}

export interface Specifier {
  readonly position: number
  /** What is imported; undefined when it is computed. */
  readonly text: string | undefined
  /** `import { a, type B }` names its values; every other form that is not for types alone takes the whole module. */
  readonly values: readonly string[] | 'types only' | 'everything'
}

const literal = (node: ts.Node | undefined): string | undefined => (node && ts.isStringLiteralLike(node) ? node.text : undefined)

function valuesOfImport(clause: ts.ImportClause | undefined): Specifier['values'] {
  if (!clause) return 'everything'
  if (clause.isTypeOnly) return 'types only'
  const bindings = clause.namedBindings
  if (clause.name || !bindings || ts.isNamespaceImport(bindings)) return 'everything'
  const values = bindings.elements.filter(one => !one.isTypeOnly).map(one => (one.propertyName ?? one.name).text)
  return values.length > 0 || bindings.elements.length === 0 ? values : 'types only'
}

/** `new URL('./worker.ts', import.meta.url)`: how a program of its own, or a worker, is named. */
function moduleUrl(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) || node.expression.getText() !== 'URL' || node.arguments?.[1]?.getText() !== 'import.meta.url')
    return undefined
  const target = literal(node.arguments[0])
  return target !== undefined && /^\..*\.[cm]?[jt]s$/.test(target) ? target : undefined
}

function specifierOf(node: ts.Node): Omit<Specifier, 'position'> | undefined {
  if (ts.isImportDeclaration(node)) return { text: literal(node.moduleSpecifier), values: valuesOfImport(node.importClause) }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return { text: literal(node.moduleSpecifier), values: node.isTypeOnly ? 'types only' : 'everything' }
  if (ts.isImportTypeNode(node))
    return { text: ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined, values: 'types only' }
  if (ts.isExternalModuleReference(node)) return { text: literal(node.expression), values: 'everything' }
  if (ts.isCallExpression(node)) {
    const called = node.expression
    if (called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require'))
      return { text: literal(node.arguments[0]), values: 'everything' }
  }
  const url = moduleUrl(node)
  return url === undefined ? undefined : { text: url, values: 'everything' }
}

/** Everything that a file imports, in whichever of the language's ways. */
export function specifiersOf(file: ts.SourceFile): Specifier[] {
  const found: Specifier[] = []
  walk(file, node => {
    const specifier = specifierOf(node)
    if (specifier) found.push({ ...specifier, position: node.getStart(file) })
  })
  return found
}

/** The comments of a file, found between its tokens, so that text inside a string is none. */
export function commentsOf(file: ts.SourceFile): { readonly position: number; readonly text: string }[] {
  const found = new Map<number, string>()
  const collect = (node: ts.Node): void => {
    for (const ranges of [ts.getLeadingCommentRanges(file.text, node.pos), ts.getTrailingCommentRanges(file.text, node.end)])
      for (const range of ranges ?? []) found.set(range.pos, file.text.slice(range.pos, range.end))
    for (const child of node.getChildren(file)) collect(child)
  }
  collect(file)
  return [...found].map(([position, text]) => ({ position, text }))
}
