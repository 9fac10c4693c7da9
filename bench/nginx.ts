import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, startProgram, type Child } from './children.ts'
import { row, type PartResult, type Sizes } from './part.ts'
import { childrenOf } from './process-figures.ts'
import { median, perSecond, rounded, type Round } from './report.ts'
import { alternate, measuredCore, type Stage } from './stage.ts'

const connections = 16

/** One worker that puts one header in and keeps its connections: as much of Patchbay's work as nginx can be asked for. */
const configuration = (directory: string, port: number, upstream: number): string => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/${name};`).join(' ')}
  upstream service { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header x-api-key a-fixed-key-for-every-caller;
    }
  }
}
`

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })

async function startNginx(upstream: number): Promise<Child & { readonly port: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-bench-nginx-'))
  const port = await freePort()
  await writeFile(join(directory, 'nginx.conf'), configuration(directory, port, upstream))
  const child = startProgram(['nginx', '-p', directory, '-c', join(directory, 'nginx.conf')], { core: measuredCore })
  const stop = async () => {
    await child.stop()
    await rm(directory, { recursive: true, force: true })
  }
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 50) {
      await stop()
      throw new Error('nginx does not listen.')
    }
    await delay(100)
  }
  // what works is the worker, not the process that started it
  return { ...child, stop, port, pid: childrenOf(child.pid)[0] ?? child.pid }
}

/** Against nginx with a static header. Says so where nginx is not installed. */
export async function measureNginx(stage: Stage, { rounds: count, seconds }: Sizes): Promise<PartResult> {
  const { database } = stage.patchbay
  const measureName = `proxy against nginx with a static header, one worker, ${connections} connections, ${database}`
  if (spawnSync('nginx', ['-v']).error) {
    const found = 'nginx is not installed (apt-get install nginx-light)'
    return { rows: [{ measure: measureName, aim: '≥ 0.17 ×', found, reached: null }], figures: { installed: false } }
  }
  const nginx = await startNginx(stage.upstream.port)
  try {
    const rounds = await alternate({ ...stage, nginx }, ['nginx', 'bare', 'proxy'], { connections, rounds: count, seconds })
    const middle = (subject: string, figure: (one: Round) => number) => median(rounds.filter(one => one.subject === subject).map(figure))
    const cost = (subject: string) => middle(subject, one => (one.cpuMicroseconds ?? NaN) / one.requests)
    // nginx waits for the load, which shares its core with the service: calls a second would flatter everybody who is compared with it
    const ratio = cost('nginx') / cost('proxy')
    const bare = cost('nginx') / cost('bare')
    return {
      rows: [row(`${measureName}, by CPU (bare proxy: ${bare.toFixed(2)} ×)`, { atLeast: 0.17 }, ratio, '×', 3)],
      figures: Object.fromEntries(
        (['nginx', 'bare', 'proxy'] as const).map(subject => [
          subject,
          { per_second: Math.round(middle(subject, perSecond)), cpu_us: rounded(cost(subject), 1) },
        ]),
      ),
    }
  } finally {
    await nginx.stop()
  }
}
