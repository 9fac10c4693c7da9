// Loaded into Patchbay before it starts: counts the statements it gives either database, and tells when asked over the process channel.
// Patchbay itself exposes nothing for this. Plain JavaScript, so that no compiler sits in the process that is measured.
import { Worker } from 'node:worker_threads'
import pg from 'pg'

let statements = 0

const count = (prototype, method, isStatement = () => true) => {
  const own = prototype[method]
  if (typeof own !== 'function') throw new Error(`There is no ${method} to count any more.`)
  prototype[method] = function (...given) {
    if (isStatement(...given)) statements++
    return own.apply(this, given)
  }
}

// the embedded database is asked by messages to its thread
count(Worker.prototype, 'postMessage', message => message.kind === 'query' || message.kind === 'script')
count(pg.Client.prototype, 'query')

process.on('message', () => process.send({ statements }))
process.channel?.unref()
