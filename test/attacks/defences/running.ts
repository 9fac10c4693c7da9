import type { Attack } from '../attack.ts'

const stopping = 'test/stories/stopping.test.ts'
const sigterm = 'SIGTERM: not ready at once'
const instances = 'test/stories/refresh-instances.test.ts'
const endsThere = 'a revocation and a deleted key end on the other within a second'
const workers = 'test/stories/workers.test.ts'
const killed = 'when one is killed the others go on'

/** What must hold when processes stop, start, and end by themselves. */
export const running: readonly Attack[] = [
  {
    id: 'R21',
    attack: 'A process is stopped, or replaced by a newer one, while calls go on.',
    defence: [
      'SIGTERM makes `/readyz` answer 503 at once. For `PATCHBAY_PRE_STOP_SECONDS` calls are still taken, with answers that close their connections, so that load balancers and kept connections go elsewhere; then nothing new is accepted, what is under way has 30 seconds, a renewal that a provider has begun is stored, the log is written, and the process exits 0. A second signal means now.',
    ],
    mutants: [
      {
        what: 'it stops listening before anybody could notice',
        file: 'src/start.ts',
        find: '      await new Promise(resolve => setTimeout(resolve, config.preStopSeconds * 1000))\n',
        replace: '',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
      {
        what: 'connections are kept until the end',
        file: 'src/http/app.ts',
        find: '        if (leaving) response.shouldKeepAlive = false\n',
        replace: '',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
      {
        what: 'calls under way are cut',
        file: 'src/http/unrouted.ts',
        find: 'while (open.length > 0 && performance.now() < until)',
        replace: 'while (open.length > 1_000_000 && performance.now() < until)',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
      {
        what: 'a renewal behind a call is cut',
        file: 'src/start.ts',
        find: '  undo.push(() => refreshesEnd(broker, longestRefreshMs))\n',
        replace: '',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
      {
        what: 'the log is not written to its end',
        file: 'src/start.ts',
        find: '  undo.push(() => invocations.close())\n',
        replace: '',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
      {
        what: 'a second signal waits as well',
        file: 'src/main.ts',
        find: '      if (stopping) return now()\n',
        replace: '      if (stopping) return\n',
        test: stopping,
        name: sigterm,
        on: 'postgres',
      },
    ],
  },
  {
    id: 'R22',
    attack: 'One of several processes behind one address ends, or all of them are signalled at once.',
    defence: [
      'With `PATCHBAY_WORKERS` one process starts the others, and another one for each that ends, ever more slowly when they go on ending. What changes on one is announced to all through the database. A signal that reaches all of them at once stops each of them once, gently. When the first is gone the others finish what they do and end; when none can be started any more the first says so and ends.',
    ],
    mutants: [
      {
        what: 'nobody takes the place of one that ended',
        file: 'src/workers.ts',
        find: "another one is started')\n          replace()",
        replace: "another one is started')",
        test: workers,
        name: killed,
        on: 'postgres',
      },
      {
        what: 'what a terminal signals to everybody is the second signal',
        file: 'src/workers.ts',
        find: '    if (stopped) return\n',
        replace: '    if (stopped) process.exit(1)\n',
        test: workers,
        name: killed,
        on: 'postgres',
      },
      {
        what: 'other instances are not told of a change',
        file: 'src/storage/changes.ts',
        find: '  for (const change of changes) await',
        replace: '  for (const change of changes.slice(changes.length)) await',
        test: instances,
        name: endsThere,
        on: 'postgres',
      },
      {
        what: 'what other instances tell is not listened to',
        file: 'src/start.ts',
        find: '    payload => calls.forget(parseChange(payload)),\n',
        replace: '    payload => void parseChange(payload),\n',
        test: instances,
        name: endsThere,
        on: 'postgres',
      },
      {
        what: 'a key that was deleted on another instance is still remembered',
        file: 'src/http/session.ts',
        find: "    else if (change.kind === 'key') keyRing.drop({ keyId: change.id })\n",
        replace: '',
        test: instances,
        name: endsThere,
        on: 'postgres',
      },
      {
        what: 'workers go on when the process that started them is gone',
        file: 'src/workers.ts',
        find: '    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true\n    stopOnce()\n',
        replace: '    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true\n',
        test: workers,
        name: 'when it is killed the others finish what they do',
        on: 'postgres',
      },
      {
        what: 'calls under way are cut when the process that started the others is gone',
        file: 'src/workers.ts',
        find: '    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true\n',
        replace: '',
        test: workers,
        name: 'when it is killed the others finish what they do',
        on: 'postgres',
      },
      {
        what: 'it is tried for ever to start what cannot be started',
        file: 'src/workers.ts',
        find: 'ready.size === 0 && failedStarts >= mostFailedStarts',
        replace: 'ready.size === 0 && failedStarts >= Infinity * mostFailedStarts',
        test: workers,
        name: 'when no other can be started any more',
        on: 'postgres',
      },
      {
        what: 'metrics are those of the process that was asked',
        file: 'src/start.ts',
        find: 'placement?.metricsOfAll() ?? metrics.text()',
        replace: 'metrics.text()',
        test: workers,
        name: 'share everything: a revocation on one is there for the other',
        on: 'postgres',
      },
    ],
  },
]
