import type { ParameterName } from '../../builtins/define.ts'

/**
 * How a parameter is converted. `text` takes ids too: they are sent as they are written. `query` takes a map, the same written "a=1&b=2", or
 * any other text. `module` takes the name of a module as pages write it, "SalesOrders": an API writes it small.
 */
type Taken = Extract<ParameterName, 'text' | 'integer' | 'boolean' | 'map' | 'list' | 'collection' | 'file' | 'any'> | 'query' | 'module'

/** Parameters that take a map of options, in which a script may name the connection. Records and queries may have a field of that name. */
export const optionsParameters: readonly string[] = ['options', 'other']

/** What a value in a query, a header or a body is made from. See `fill`. */
export type Template = string | number | boolean | readonly Template[] | { readonly [key: string]: Template }

/** What a script gets of an answer; see `results`. */
export type ResultName = 'raw' | 'record' | 'list' | 'created' | 'outcome' | 'result' | 'resultRecord' | 'file'

/**
 * One integration task: a call of a service's API, as data (§3.10). In templates `{name}` is an argument (`{name:map}` one of that kind; see `readings`): alone it is the value itself,
 * inside a longer text it is its text. The key `...` puts the entries of a map beside the others, and they win. What an argument that was
 * left out would fill is left out.
 */
export interface IntegrationRow {
  readonly doc: string
  /** Parameters in their order; `?` may be left out or be null. The connection is not among them: it is the last argument of every task. */
  readonly takes: Readonly<Record<string, Taken | `${Taken}?`>>
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Behind the origin of the namespace. Arguments are percent-encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, Template>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Template
  /** How the body is sent; JSON when it is left out. `form` sends maps inside as JSON text. */
  readonly send?: 'json' | 'form' | 'multipart'
  readonly contentType?: string
  readonly gives: ResultName
}

/** The tasks of a product, by name without the namespace. */
export interface Product {
  /** "zoho.crm": names the default connection and the origin of the API. */
  readonly namespace: string
  /** What it was called before: scripts still name its tasks so. */
  readonly formerly?: string
  /**
   * `script`: dates in a body are written as everywhere in scripts, which is what the API reads. Otherwise they are written as ISO 8601, a
   * date alone at midnight: what a script puts into a map for these APIs is often `zoho.currentdate`.
   */
  readonly dates?: 'script'
  /** Its own host in a data centre, "mail" for mail.zoho.eu, where the API is not at www.zohoapis.eu. */
  readonly subdomain?: string
  readonly tasks: Readonly<Record<string, IntegrationRow>>
}
