// Loaded into Patchbay before it starts: counts the statements it gives either database, and tells that and what the process holds when
// asked over the process channel.
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

const held = () => {
  // the second collection takes what the first one's finalisers let go of
  globalThis.gc?.()
  globalThis.gc?.()
  const resources = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  return { heapBytes: process.memoryUsage().heapUsed, resources }
}

process.on('message', ({ ask }) => process.send(ask === 'held' ? held() : { statements }))
process.channel?.unref()
