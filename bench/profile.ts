import { readFileSync } from 'node:fs'

/**
 * What a CPU profile's time went into, as Markdown: `npx tsx bench/profile.ts FILE…`, with files that `npm run bench -- --cpu-prof DIR` or
 * `node --cpu-prof` wrote. From the first sample inside a request to the last, so that starting and stopping do not count.
 */

interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string }; children?: readonly number[] }[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

/** The first that fits a frame takes it. */
const parts: readonly (readonly [part: string, frame: RegExp])[] = [
  ['garbage collection', /^\(garbage collector\) /],
  ['waiting', /^\(idle\) /],
  ['sockets and HTTP towards the service (undici)', /node_modules\/undici\/|wasm:\/\//],
  ['libraries', /node_modules\//],
  ['Patchbay: http', /\/src\/http\//],
  ['Patchbay: broker', /\/src\/broker\//],
  ['Patchbay: egress', /\/src\/egress\//],
  ['Patchbay: auth, core', /\/src\/(?:auth|core)\//],
  ['Patchbay: everything else', /\/src\//],
  ['the bare proxy’s own code', /\/bench\//],
  ['system calls of sockets', /^(?:write\w*|read\w*|shutdown|parse|execute|consume) $/],
  ['Node: sockets, streams, HTTP', /node:(?:_http|net|_stream|internal\/streams?|internal\/stream_base|internal\/http|events|buffer)/],
  ['Node: everything else', /node:|^\(program\) |/],
]

const inRequest = /\/src\/http\/unrouted|\/bench\/bare-proxy/

function sharesOf(profile: CpuProfile): Map<string, number> {
  const frames = new Map(profile.nodes.map(node => [node.id, `${node.callFrame.functionName} ${node.callFrame.url}`]))
  const working = profile.samples.map(id => inRequest.test(frames.get(id) ?? ''))
  const [first, last] = [working.indexOf(true), working.lastIndexOf(true)]
  if (first < 0) throw new Error('Nothing in this profile answers a request.')
  const spent = new Map<string, number>()
  for (let i = first; i <= last; i++) {
    const frame = frames.get(profile.samples[i] ?? 0) ?? ''
    const [part] = parts.find(([, pattern]) => pattern.test(frame)) ?? ['']
    spent.set(part, (spent.get(part) ?? 0) + (profile.timeDeltas[i] ?? 0))
  }
  spent.delete('waiting')
  const all = [...spent.values()].reduce((sum, one) => sum + one, 0)
  return new Map([...spent].map(([part, time]) => [part, time / all]))
}

for (const file of process.argv.slice(2)) {
  const shares = [...sharesOf(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile)].sort(([, a], [, b]) => b - a)
  process.stdout.write(`\n${file}\n\n| part | share |\n| --- | --- |\n`)
  for (const [part, share] of shares) process.stdout.write(`| ${part} | ${(share * 100).toFixed(1)} % |\n`)
}
