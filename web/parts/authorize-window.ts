/*
 * The window of a service's own page. Our pages ask for Cross-Origin-Opener-Policy: same-origin, so once that window has left our origin it
 * is severed from ours: it cannot be asked whether it is closed, nor send messages. What comes back announces itself on a channel.
 */

const channelName = 'patchbay-authorization'
const tabKey = 'patchbay-authorization-tab'

export type Landing = 'connection' | 'welcome'

const size = { width: 520, height: 720 }

/** Opened inside a click, before its address is known; null when the browser blocks it. */
export const openServiceWindow = (): Window | null => {
  sessionStorage.removeItem(tabKey) // a new window starts with a copy of what this tab remembers
  const left = Math.max(0, Math.round(window.screenX + (window.outerWidth - size.width) / 2))
  const top = Math.max(0, Math.round(window.screenY + (window.outerHeight - size.height) / 3))
  const opened = window.open('about:blank', '_blank', `popup,width=${size.width},height=${size.height},left=${left},top=${top}`)
  if (opened) {
    opened.document.title = 'Opening … · Patchbay'
    opened.document.body.textContent = 'Opening the service’s page …'
  }
  return opened
}

const isWebAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

/** Sends the window to the service. */
export const sendTo = (opened: Window, url: string): void => {
  if (isWebAddress(url)) opened.location.replace(url)
  else opened.close()
}

/** This tab itself goes to the service's page; where it lands afterwards is remembered in it. */
export const leaveInThisTab = (url: string, linkName: string, landing: Landing): void => {
  sessionStorage.setItem(tabKey, JSON.stringify({ linkName, landing }))
  if (isWebAddress(url)) window.location.assign(url)
}

/** Where this tab goes on after the connection was authorised in it; null in a window of its own. */
export const landingOfThisTab = (linkName: string): Landing | null => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(tabKey) ?? 'null') as { linkName?: unknown; landing?: unknown } | null
    if (kept?.linkName !== linkName) return null
    return kept.landing === 'welcome' ? 'welcome' : 'connection'
  } catch {
    return null
  }
}

/** The window came back: told to the page that opened it. */
export const announceAuthorized = (linkName: string): void => {
  const channel = new BroadcastChannel(channelName)
  channel.postMessage({ connection: linkName })
  channel.close()
}

/** Calls when a window of this browser came back with this connection. Returns how to stop. */
export const onAuthorized = (linkName: string, listener: () => void): (() => void) => {
  const channel = new BroadcastChannel(channelName)
  channel.onmessage = ({ data }: MessageEvent<{ connection?: unknown } | null>) => {
    if (data?.connection === linkName) listener()
  }
  return () => channel.close()
}
