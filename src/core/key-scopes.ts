import { z } from 'zod'

/**
 * Scopes of an API key, as the original writes those of an access token: `Service.resource.OPERATION`, with a resource of one or more
 * words (`ZohoCRM.functions.execute.READ`). A key that has scopes does what they say and nothing else.
 */
export const keyScope = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9]{0,49}(?:\.[A-Za-z][A-Za-z0-9_]{0,49}){1,4}\.(?:ALL|READ|CREATE|UPDATE|DELETE|WRITE)$/,
    'Write Service.resource.OPERATION, such as ZohoCRM.functions.execute.READ.',
  )

/** What a public call of a function needs (FN-3). */
export const callScopes = { GET: 'ZohoCRM.functions.execute.READ', POST: 'ZohoCRM.functions.execute.CREATE' } as const

/** `ZohoCRM.functions.ALL` → what it is about and what may be done there. */
function partsOf(scope: string): { readonly about: readonly string[]; readonly operation: string } {
  const words = scope.split('.')
  return { about: words.slice(0, -1), operation: words.at(-1) ?? '' }
}

/** Whether one of the scopes allows what `needed` names: the same or a wider resource, and its operation or ALL. */
export function scopesCover(granted: readonly string[], needed: string): boolean {
  const { about, operation } = partsOf(needed)
  return granted.some(scope => {
    const wide = partsOf(scope)
    const above = wide.about.length >= 2 && wide.about.every((word, at) => word === about[at])
    return above && (wide.operation === 'ALL' || wide.operation === operation)
  })
}
