/*
 * `path_prefix`: which paths of its hosts a service allows (X13). What the path is in the end is decided by the other end, so under a
 * prefix nothing passes that some server reads as a way out of it.
 */

/**
 * Slashes, backslashes and dots that are encoded, once or several times or longer than UTF-8 allows, `;`, which some servers cut off, `..`
 * with a blank or the like behind it, and escapes that are none (`%u002e`).
 */
const leaving = /%(?:25)*(?:2f|5c|2e|3b|00|c[01]|e0%(?:25)*[89]|f0%(?:25)*8)|%(?!(?:25)*[0-9a-f]{2})|%(?:25)+%(?:25)*[3-7]|\/\/|\/\.\.|;/i

/** A dot segment to a server that cuts it at the first of these. */
const dots = /^\.{1,2}(?:$|[;\s])/

/**
 * The first segment that becomes a dot segment, or several, for a server that normalises what it has decoded (NFKC, UAX #15), as in the full
 * width forms `．` and `／`. In the middle of a name `…` and its like stay what they are.
 */
function segmentThatTurns(pathname: string): string | null {
  if (!/%(?:25)*[c-f]/i.test(pathname)) return null
  for (const segment of pathname.split('/')) {
    // bytes that are no UTF-8 become U+FFFD, and what stands beside them is still read
    const decoded = segment
      .replace(/%(?:25)+(?=[0-9a-f]{2})/gi, '%')
      .replace(/(?:%[0-9a-f]{2})+/gi, run => Buffer.from(run.replaceAll('%', ''), 'hex').toString())
    const normalised = decoded.normalize('NFKC')
    if (normalised !== decoded && (/[/\\]/.test(normalised) || dots.test(normalised))) return segment
  }
  return null
}

/** What in a path leads, or may lead, out of the prefix: null when nothing does. A path that is simply another one is that itself. */
export function partOutside(pathname: string, prefix: string): string | null {
  const found = leaving.exec(pathname)
  if (found) {
    const [text] = found
    return text === '//'
      ? text
      : pathname
          .slice(found.index)
          .replace(/^\//, '')
          .replace(/\/[^]*$/, '')
          .slice(0, 60)
  }
  const turning = segmentThatTurns(pathname)
  if (turning !== null) return turning.slice(0, 60)
  return pathname === prefix || pathname.startsWith(prefix.endsWith('/') ? prefix : prefix + '/') ? null : pathname
}
