// Loaded into Patchbay before it starts: counts the statements it gives either database, and tells when asked over the process channel.
// Patchbay itself exposes nothing for this. Plain JavaScript, so that no compiler sits in the process that is measured.
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

let statements = 0

const count = (prototype, method) => {
  const own = prototype[method]
  if (typeof own !== 'function') throw new Error(`There is no ${method} to count any more.`)
  prototype[method] = function (...given) {
    statements++
    return own.apply(this, given)
  }
}

count(PGlite.prototype, 'query')
count(PGlite.prototype, 'exec')
count(pg.Client.prototype, 'query')

process.on('message', () => process.send({ statements }))
process.channel?.unref()
