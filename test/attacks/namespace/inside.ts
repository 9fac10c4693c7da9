import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { sql } from 'kysely'
import { everyColumn } from '../../support/sinks.ts'
import {
  adminKey,
  deadAddress,
  ownAddress,
  patchbayPort,
  ports,
  type Ask,
  type Command,
  type Reply,
  type Results,
  type Told,
} from './contract.ts'
import { startNameServer } from './name-server.ts'
import { startStubs } from './stubs.ts'

/*
 * The process inside the network namespace: one Patchbay, set up as in production but for its database, a name server, and stubs on every
 * address there is. Started by `outside.ts`, whose commands it carries out one after the other.
 */

const [folder = '', dataDir = '', built] = process.argv.slice(2)
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8')

/** The built one loads in a third of the time. */
const load = <T>(name: string) =>
  import(new URL(built === 'built' ? `../../../dist/src/${name}.js` : `../../../src/${name}.ts`, import.meta.url).href) as Promise<T>
const { readConfig } = await load<typeof import('../../../src/config.ts')>('config')
const { start } = await load<typeof import('../../../src/start.ts')>('start')
const { createLog } = await load<typeof import('../../../src/telemetry/log.ts')>('telemetry/log')

/** Every address is delivered here, by a local route for all of them, so that "nobody was called" can be counted. */
execFileSync('ip', ['-batch', '-'], {
  env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  input: `link set lo up
address add ${ownAddress}/32 dev lo
route add local 0.0.0.0/0 dev lo
route add local ::/0 dev lo
route add unreachable ${deadAddress}/32 table local
`,
})

/** Moved by `later`; set before anything takes the time. */
let shift = 0
const monotonic = performance.now.bind(performance)
performance.now = () => monotonic() + shift

const stubs = await startStubs({ key: read('leaf.key'), cert: read('leaf.pem') })
const names = await startNameServer(53)
const logged: string[] = []
const config = readConfig({
  PATCHBAY_PORT: String(patchbayPort),
  PATCHBAY_HOST: '127.0.0.1',
  PATCHBAY_PUBLIC_URL: 'https://patchbay.test',
  PATCHBAY_DATA_DIR: dataDir,
  PATCHBAY_PRACTICE: 'off',
  PATCHBAY_DNS_SERVERS: '127.0.0.1',
  PATCHBAY_EXTRA_CA_FILE: `${folder}/ca.pem`,
  PATCHBAY_ADMIN_EMAIL: 'ada@example.test',
  PATCHBAY_ADMIN_PASSWORD: 'correct horse battery',
  PATCHBAY_ADMIN_API_KEY: adminKey,
})
const running = await start(config, { graceMs: 500, log: createLog('info', { write: (line: string) => void logged.push(line) }) })

const agent = new Agent({ keepAlive: true })

const ask = ({ method, path, headers = {}, browser, body }: Ask): Promise<Told> =>
  new Promise((done, failed) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const all = {
      ...(!browser && { authorization: `Bearer ${adminKey}` }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
      ...headers,
    }
    const sent = request({ agent, host: '127.0.0.1', port: patchbayPort, method, path, headers: all }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', failed)
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response
        const { 'set-cookie': cookies = [], ...rest } = answered
        done({
          status,
          headers: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
          cookies,
          text: Buffer.concat(chunks).toString(),
        })
      })
    })
    sent.on('error', failed).end(text)
  })

const knock = (address: string): Promise<boolean> =>
  new Promise(done => {
    const socket = connect({ host: address, port: ports.tls })
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })

async function carryOut(command: Command): Promise<Results[Command['do']]> {
  switch (command.do) {
    case 'exchange': {
      names.answerFrom(command.zone)
      stubs.begin(command.script, command.continued)
      const told = await ask(command.ask)
      return { told, ...(await stubs.seen()), names: names.asked() }
    }
    case 'knock': {
      const reached: string[] = []
      for (const address of command.addresses) if (await knock(address)) reached.push(address)
      return reached
    }
    case 'expire':
      await sql`update credentials set expires_at = now() - interval '1 minute', next_attempt_at = null
        where connection_id = (select id from connections where link_name = ${command.connection})`.execute(running.broker.db)
      running.broker.calls.forgetAll()
      return null
    case 'later':
      shift += command.milliseconds
      return null
    case 'sinks':
      return [...logged.map(line => ['log', line] as const), ...(await everyColumn(running.broker.db))]
  }
}

let last: Promise<void> = Promise.resolve()
process.on('message', ({ id, ...command }: { id: number } & Command) => {
  last = last.then(async () => {
    const reply: Reply = await carryOut(command).then(
      result => ({ id, result }),
      (error: unknown) => ({ id, error: error instanceof Error ? `${error.message} ${error.stack ?? ''}` : String(error) }),
    )
    process.send?.(reply)
  })
})
process.on('disconnect', () => void running.stop().finally(() => process.exit(0)))
process.send?.({ id: 0, result: null } satisfies Reply)
