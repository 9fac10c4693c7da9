import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A file that pages refer to. The path holds a hash of the content, so it may be cached for ever. */
export interface PageAsset {
  readonly path: string
  readonly hash: string
  readonly contentType: string
  readonly body: string
}

function asset(stem: string, extension: string, contentType: string, body: string): PageAsset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return { path: `/assets/${stem}-${hash}.${extension}`, hash, contentType, body }
}

/** The one stylesheet, `/assets/pages-<hash>.css`. Pages have no other style, so `style-src 'self'` holds. */
export const stylesheet = asset('pages', 'css', 'text/css; charset=utf-8', readFileSync(new URL('pages.css', import.meta.url), 'utf8'))

/** The mark as the browser's tab shows it; it stands on unknown ground, hence the middle teal. */
export const icon = asset(
  'mark',
  'svg',
  'image/svg+xml',
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#14938a" stroke-width="3" stroke-linecap="round"><circle cx="7" cy="24" r="4.5"/><circle cx="25" cy="8" r="4.5"/><path d="M7 19.500V13c0-7 9-7 9 3s9 10 9 3v-6.500"/></svg>\n',
)

/** Everything under /assets that the pages need. */
export const pageAssets: readonly PageAsset[] = [stylesheet, icon]
