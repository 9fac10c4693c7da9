import { type Call, type FunctionDeclaration, type MethodCall, pathOf } from './ast.ts'
import { type Bindings, isBound } from './bindings.ts'
import { functions, methods, type Row } from './builtins/index.ts'
import { notHere } from './builtins/unavailable.ts'
import { connectorNames } from './tasks/integration/connectors.ts'
import { type IntegrationTask, integrationTasks } from './tasks/integration/index.ts'
import { systemVariables, variablePrefixes } from './variables.ts'

/** What a call means, as far as the source tells; the compiler decides in the same order. */
export type Callee =
  | { readonly kind: 'conditional'; readonly name: 'if' | 'ifnull' }
  | { readonly kind: 'constructor' }
  | { readonly kind: 'own'; readonly declaration: FunctionDeclaration }
  | { readonly kind: 'function'; readonly namespace: string; readonly name: string }
  /** A built-in with dots, which has no receiver. */
  | { readonly kind: 'dotted'; readonly row: Row }
  | { readonly kind: 'integration'; readonly task: IntegrationTask }
  /** `f(x, …)`: a built-in without receiver, or a method whose receiver is the first argument (EX-15). */
  | { readonly kind: 'form'; readonly name: string }
  | { readonly kind: 'method'; readonly name: string }
  /** What only another host of the language can do; the name says what. */
  | { readonly kind: 'foreign'; readonly construct: string }
  | { readonly kind: 'unknown'; readonly name: string }

/** Prefixes of functions (§4.1). Another one is a prefix when a function of the same file or of the organisation has it. */
export const categories: ReadonlySet<string> = new Set([
  ...['standalone', 'automation', 'button', 'schedule', 'related_list', 'relatedlist', 'validation_rule', 'validationrule', 'signals'],
])

/** Functions of the same file. */
export interface Own {
  /** By lower-case `namespace.name`. */
  readonly paths: ReadonlyMap<string, FunctionDeclaration>
  readonly namespaces: ReadonlySet<string>
}

/** @param namespaces of functions elsewhere, besides the usual ones: `tools.f(x)` is a call of one of these. */
export const ownFunctions = (declarations: readonly FunctionDeclaration[], namespaces: Iterable<string> = []): Own => ({
  paths: new Map(declarations.map(declaration => [`${declaration.namespace}.${declaration.name}`.toLowerCase(), declaration])),
  namespaces: new Set([...declarations.map(({ namespace }) => namespace), ...namespaces].map(name => name.toLowerCase())),
})

/** Functions of form scripts and pages (ST-10). */
const hostFunctions = new Set(['openurl', 'redirect'])
/** Products with tasks that the language has elsewhere, and not here: nothing in them is a spelling mistake (§3.10). */
const otherProducts =
  /^zoho\.(?:people|sheet|analytics|reports|bookings|connect|calendar|map|notebook|salesiq|sdpcloud|sdp|assist|bugtracker|sprints|campaigns|expense|contacts|directory|docs|meeting|survey|forms|fsm|sites|show|social|commerce|checkout|backstage|qntrl|orchestly|payroll|shifts|voice|vault|catalyst|ai|ml|zia|flow|marketing|tables|learn|lens|iot|wiki|event|reader|appdetails|orgs)\./
/** Services whose connectors other hosts have, as scripts name them: `slack.postMessage(…)`, `intuit.quickbooks.create(…)` (§5.1). */
const otherServices = new Set([
  ...['slack', 'twilio', 'mailchimp', 'hubspot', 'salesforce', 'pipedrive', 'google', 'gmail', 'dropbox', 'box', 'onedrive', 'microsoft'],
  ...['office365', 'outlook', 'intuit', 'quickbooks', 'xero', 'stripe', 'paypal', 'razorpay', 'shopify', 'trello', 'jira', 'asana'],
  ...['github', 'gitlab', 'zendesk', 'freshdesk', 'intercom', 'evernote', 'basecamp', 'surveymonkey', 'eventbrite', 'clickatell'],
  ...['facebook', 'twitter', 'linkedin', 'instagram', 'whatsapp', 'telegram', 'zoom', 'webex', 'docusign', 'openai', 'chatgpt', 'airtable'],
])
/** Names that only another host knows: its application, and a record before it was changed. */
export const hostRoots: ReadonlySet<string> = new Set(['thisapp', 'old'])
const notHereNames: ReadonlySet<string> = new Set(Object.keys(notHere).map(name => name.toLowerCase()))

export function calleeOf(
  call: Call | MethodCall,
  bindings: Bindings,
  own: Own,
  exists: ((namespace: string, name: string) => boolean) | null,
): Callee {
  return call.kind === 'call' ? calleeOfCall(call, own) : calleeOfMethod(call, bindings, own, exists)
}

function calleeOfCall({ name }: Call, own: Own): Callee {
  const lower = name.toLowerCase()
  if (lower === 'if' || lower === 'ifnull') return { kind: 'conditional', name: lower }
  if (lower === 'map' || lower === 'collection' || lower === 'list' || lower.includes(':')) return { kind: 'constructor' }
  const declaration = own.paths.get(`.${lower}`)
  if (declaration !== undefined) return { kind: 'own', declaration }
  if (hostFunctions.has(lower)) return { kind: 'foreign', construct: name }
  return { kind: 'form', name }
}

function calleeOfMethod(
  call: MethodCall,
  bindings: Bindings,
  own: Own,
  exists: ((namespace: string, name: string) => boolean) | null,
): Callee {
  const { name } = call
  const method: Callee = notHereNames.has(name.toLowerCase()) ? { kind: 'foreign', construct: name } : { kind: 'method', name }
  const path = pathOf(call.object)
  if (path === null) return method
  const root = path.slice(0, (path.indexOf('.') + 1 || path.length + 1) - 1)
  if (isBound(bindings, root)) return method
  const full = `${path}.${name}`
  const lower = full.toLowerCase()
  if (notHereNames.has(lower)) return { kind: 'foreign', construct: full }
  const row = functions.get(lower)
  if (row !== undefined) return { kind: 'dotted', row }
  const task = integrationTasks.get(lower)
  if (task !== undefined) {
    const connector = lower === 'zoho.crm.invokeconnector' ? connectorOf(call) : null
    return connector === null ? { kind: 'integration', task } : { kind: 'foreign', construct: `the connector ${connector}` }
  }
  const declaration = own.paths.get(lower)
  if (declaration !== undefined) return { kind: 'own', declaration }
  if (isSystemPath(path)) return method
  const inApplication = pathInApplication(path)
  if (inApplication !== null) {
    const meant = own.paths.get(`${inApplication}.${name}`.toLowerCase())
    if (meant !== undefined) return { kind: 'own', declaration: meant }
    if (/^\w+$/.test(inApplication) && exists?.(inApplication, name) === true) return { kind: 'function', namespace: inApplication, name }
  }
  if (hostRoots.has(root.toLowerCase())) return { kind: 'foreign', construct: root.toLowerCase() === 'old' ? 'old' : full }
  if (root.toLowerCase() === 'zoho')
    return otherProducts.test(lower) ? { kind: 'foreign', construct: full } : { kind: 'unknown', name: full }
  // `app.Namespace.function(…)` of another application, and connectors: no value has such a method, so the path is no value's.
  if (path !== root) return methods.has(name.toLowerCase()) ? method : { kind: 'foreign', construct: full }
  const known = categories.has(root.toLowerCase()) || own.namespaces.has(root.toLowerCase())
  const isElsewhere = otherServices.has(root.toLowerCase()) && !methods.has(name.toLowerCase())
  const elsewhere: Callee = isElsewhere ? { kind: 'foreign', construct: full } : method
  return known || exists?.(root, name) === true ? { kind: 'function', namespace: root, name } : elsewhere
}

/** The namespace behind `thisapp`, "" without one: an application calls its own functions so. Null for any other path. */
export function pathInApplication(path: string): string | null {
  const [root = '', ...others] = path.split('.')
  return root.toLowerCase() === 'thisapp' ? others.join('.') : null
}

/** The connector of an extension that a call names: it belongs to the extension (§5.2). Null for those there are, and where only a run tells. */
function connectorOf({ arguments: [first] }: MethodCall): string | null {
  if (first?.kind !== 'text' && first?.kind !== 'quoted') return null
  return connectorNames.has(first.value.toLowerCase()) ? null : first.value.slice(0, 80)
}

/** A system variable, a stored variable, or an argument: what a dotted path may be without a variable of that name. */
export function isSystemPath(path: string): boolean {
  const lower = path.toLowerCase()
  return (
    systemVariables.has(lower) || path === 'input' || path.startsWith('input.') || variablePrefixes.some(prefix => lower.startsWith(prefix))
  )
}
