import { setNonce } from 'get-nonce'

/** What lets a library's own stylesheet through our Content-Security-Policy; the server writes it into every page it hands out. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''

// the one that stops a page from scrolling under a dialog
setNonce(nonce)
