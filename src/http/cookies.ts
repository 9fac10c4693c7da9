/** Flow cookies live as long as a flow. `__Host-` needs https; on plain http (a laptop) the name goes without. */
const seconds = 600

const secure = (publicUrl: string): boolean => publicUrl.startsWith('https:')

export const cookieName = (publicUrl: string, name: string): string => (secure(publicUrl) ? `__Host-${name}` : name)

export const flowCookie = (publicUrl: string, cookie: { readonly name: string; readonly value: string }): string =>
  `${cookieName(publicUrl, cookie.name)}=${cookie.value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Lax${secure(publicUrl) ? '; Secure' : ''}`

/** The cookies of a request by their bare names. A browser sends each once; of several (cookie tossing) none is believed. */
export function cookiesOf(header: string | undefined, publicUrl: string): Record<string, string | undefined> {
  const cookies = new Map<string, string | undefined>()
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at < 0) continue
    const name = pair.slice(0, at).trim()
    if (secure(publicUrl) && !name.startsWith('__Host-')) continue
    const bare = secure(publicUrl) ? name.slice('__Host-'.length) : name
    cookies.set(bare, cookies.has(bare) ? undefined : pair.slice(at + 1).trim())
  }
  return Object.fromEntries(cookies)
}
