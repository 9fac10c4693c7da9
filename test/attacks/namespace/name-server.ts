import { createSocket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import type { NameAnswer, Zone } from './contract.ts'

const type = { a: 1, cname: 5, aaaa: 28 } as const

const nameBytes = (name: string): Buffer =>
  Buffer.concat([...name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])])

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => text.split(':').filter(Boolean).map(group => parseInt(group, 16)) // prettier-ignore
  const [head, tail] = [groups(before), groups(after ?? '')]
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return Buffer.from(all.flatMap(group => [group >> 8, group & 255]))
}

function record(name: Buffer, kind: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(kind, 0)
  fixed.writeUInt16BE(1, 2)
  // TTL 0: nobody may remember it
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([name, fixed, data])
}

const entryOf = (zone: Zone, name: string): NameAnswer | undefined => zone[name] ?? zone[`*.${name.split('.').slice(1).join('.')}`]

/** A name server (RFC 1035 §4.1) on loopback that answers from a table which every exchange may replace. */
export async function startNameServer(port: number): Promise<{ answerFrom(zone: Zone): void; asked(): string[] }> {
  let zone: Zone = {}
  let asked: string[] = []
  let turns = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (question, peer) => {
    const labels: string[] = []
    let at = 12
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const spelt = labels.join('.')
    const name = spelt.toLowerCase()
    const family = question.readUInt16BE(at + 1) === type.a ? 'a' : 'aaaa'
    asked.push(spelt)
    const entry = entryOf(zone, name)
    if (entry?.silent) return
    const turn = turns.get(`${family} ${name}`) ?? 0
    turns.set(`${family} ${name}`, turn + 1)
    const set = entry?.turns ? (entry.turns[Math.min(turn, entry.turns.length - 1)] ?? {}) : (entry ?? {})
    const owner = entry?.cname === undefined ? Buffer.from([0xc0, 12]) : nameBytes(entry.cname)
    const aliases = entry?.cname === undefined ? [] : [record(Buffer.from([0xc0, 12]), type.cname, nameBytes(entry.cname))]
    const records = [...aliases, ...(set[family] ?? []).map(address => record(owner, type[family], addressBytes(address)))]
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180 | (entry ? (entry.rcode ?? 0) : 3) | (entry?.truncated ? 0x0200 : 0), 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), ...records]), peer.port, peer.address)
  })
  await new Promise<void>(done => socket.bind(port, '127.0.0.1', done))
  return {
    answerFrom(next) {
      zone = next
      asked = []
      turns = new Map()
    },
    asked: () => asked,
  }
}
