/* The time as Patchbay has it: a browser's own clock may be minutes off, and what ends "in 7 days" ends by the server's. */

/** Less is the way of an answer, and that a Date header counts whole seconds (RFC 9110, §6.6.1). */
const leastSkewMs = 5000

let skewMs = 0

/** Takes the server's time from an answer. */
export const noteServerTime = (answer: Response): void => {
  const told = Date.parse(answer.headers.get('date') ?? '')
  if (Number.isNaN(told)) return
  const skew = told + 500 - Date.now()
  skewMs = Math.abs(skew) < leastSkewMs ? 0 : skew
}

/** Milliseconds since 1970 at the server, by its last answer; the browser's own before the first one. */
export const serverNow = (): number => Date.now() + skewMs
