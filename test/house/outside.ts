import ts from 'typescript'
import { at, complaints, isProduct, parse, specifiersOf, type Rule } from './source.ts'

/** Node's modules that can open a connection, and what may be taken from them: by anybody, and by who listens. Types are free. */
const network: Readonly<Record<string, { readonly anybody: readonly string[]; readonly listeners: readonly string[] }>> = {
  http: { anybody: ['METHODS', 'STATUS_CODES'], listeners: ['createServer', 'IncomingMessage', 'Server', 'ServerResponse'] },
  https: { anybody: [], listeners: ['createServer'] },
  http2: { anybody: [], listeners: ['createServer', 'createSecureServer'] },
  net: { anybody: ['BlockList', 'isIP', 'isIPv4', 'isIPv6', 'SocketAddress'], listeners: ['createServer'] },
  tls: { anybody: ['createSecureContext', 'rootCertificates'], listeners: ['createServer'] },
  dgram: { anybody: [], listeners: [] },
  dns: { anybody: [], listeners: [] },
  'dns/promises': { anybody: [], listeners: [] },
}
const listeners = ['src/http/', 'src/practice/']

const httpClients = ['undici', '@better-fetch/fetch', 'axios', 'got', 'ky', 'node-fetch', 'cross-fetch', 'superagent', 'needle', 'ws']

const globals = ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']
const globalObjects = ['globalThis', 'global', 'window', 'self']

const isOneOf = (node: ts.Node, names: readonly string[]) => ts.isIdentifier(node) && names.includes(node.text)

/** Whether an identifier stands for the global of that name: not a property's own name, not a type. */
function meansTheGlobal(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return isOneOf(parent.expression, globalObjects)
  if (ts.isTypeReferenceNode(parent) || ts.isTypeQueryNode(parent) || ts.isQualifiedName(parent)) return false
  if (ts.isBindingElement(parent) && parent.propertyName === node) return false
  const named = ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)
  const typed = ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isGetAccessorDeclaration(parent)
  return !((named || typed) && parent.name === node)
}

/**
 * Only src/egress/ opens outgoing connections. The SDK may use the global fetch: it runs in its caller's process, not in the server.
 * A name of the globals given to something of one's own counts too: the reader could not tell them apart.
 */
export const onlyEgressConnects: Rule = (path, source) => {
  if (!isProduct(path) || path.startsWith('src/egress/')) return []
  const file = parse(path, source)
  const listens = listeners.some(folder => path.startsWith(folder))

  const imports = specifiersOf(file).flatMap(({ position, text = '', values }) => {
    if (httpClients.some(name => text === name || text.startsWith(`${name}/`))) return [at(file, position, `only egress imports ${text}`)]
    const module = network[text.replace(/^node:/, '')]
    if (!module || values === 'types only') return []
    if (values === 'everything') return [at(file, position, `import from ${text} by name, so that it shows what is used`)]
    const forbidden = values.filter(name => !module.anybody.includes(name) && !(listens && module.listeners.includes(name)))
    return forbidden.map(name => at(file, position, `only egress opens connections: no ${name} from ${text}`))
  })

  const uses = complaints(path, source, node => {
    if (path.startsWith('sdk/')) return undefined
    if (ts.isIdentifier(node) && globals.includes(node.text) && meansTheGlobal(node))
      return `only egress opens connections: no ${node.text}`
    if (ts.isElementAccessExpression(node) && isOneOf(node.expression, globalObjects)) return 'a global is named, not looked up'
    return undefined
  })
  return [...imports, ...uses]
}

const isProcess = (node: ts.Node): boolean => /(^|\.)process$/.test(node.getText())

/** Only config.ts reads the environment. */
export const onlyConfigReadsTheEnvironment: Rule = (path, source) => {
  if (!isProduct(path) || path === 'src/config.ts') return []
  return complaints(path, source, node => {
    const sentence = 'only config.ts reads the environment'
    if (
      ts.isPropertyAccessExpression(node) &&
      node.name.text === 'env' &&
      (isProcess(node.expression) || ts.isMetaProperty(node.expression))
    )
      return sentence
    if (ts.isElementAccessExpression(node) && isProcess(node.expression)) return sentence
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer && isProcess(node.initializer))
      return `${sentence}: name what is taken from process`
    if (ts.isImportDeclaration(node) && /^'(node:)?process'$/.test(node.moduleSpecifier.getText()))
      return `${sentence}: use the global process`
    return undefined
  })
}
