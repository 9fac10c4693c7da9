import type { paths } from './schema.ts'

/** Types of one route, out of what is generated from the OpenAPI document. */

interface Json<Body> {
  readonly content: { readonly 'application/json': Body }
}

type Success<Responses> = Responses extends { 200: Json<infer Body> } ? Body : Responses extends { 201: Json<infer Body> } ? Body : never

/** What a route answers when it worked. */
export type Answer<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends { responses: infer Responses }
  ? Success<Responses>
  : never

/** What a route is sent. */
export type Sent<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends { requestBody: Json<infer Body> }
  ? Body
  : never

/** What a list route lists. */
export type Listed<Path extends keyof paths> =
  Answer<Path, 'get' & keyof paths[Path]> extends { readonly data: readonly (infer Item)[] } ? Item : never
