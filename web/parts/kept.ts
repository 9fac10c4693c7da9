import type { Me } from '../../sdk/index.ts'

/** Whose drafts: one person's in one organisation. In a browser that people share, nobody is shown what another has typed. */
export const keeperOf = (me: Me): string => `${me.organization.slug}:${me.user.id}`

/** What this tab keeps under a name for one keeper; null when there is nothing, or when storage is switched off. */
export function readKept(name: string, keeper: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(`patchbay:${name}:${keeper}`) ?? 'null')
  } catch {
    return null // what somebody else put there
  }
}

/** Never a secret. Null forgets. */
export function keep(name: string, keeper: string, value: unknown): void {
  const key = `patchbay:${name}:${keeper}`
  try {
    if (value === null) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(value))
  } catch {
    // full or forbidden: it lives as long as the page
  }
}
