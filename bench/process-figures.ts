import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in ticks of 10 ms, whatever the kernel's own clock (proc(5), USER_HZ). */
const microsecondsPerTick = 10_000

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** The fields of /proc/<pid>/stat from the third on: the second is the program's name, which may hold blanks and brackets. */
function statOf(pid: number | string): string[] | null {
  const text = read(`/proc/${pid}/stat`)
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

const ticks = (fields: readonly string[], from: number, count: number): number =>
  fields.slice(from, from + count).reduce((sum, field) => sum + Number(field), 0)

/** CPU time of a process with all its threads, user and system, in microseconds; null where there is no /proc. */
export function cpuMicroseconds(pid: number): number | null {
  const fields = statOf(pid)
  return fields === null ? null : ticks(fields, 11, 2) * microsecondsPerTick
}

const processes = (): string[] => {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** The processes that this one started and that still run. */
export const childrenOf = (pid: number): number[] =>
  processes()
    .filter(name => statOf(name)?.[1] === String(pid))
    .map(Number)

/** The same of a process and those it started, of which the ended ones count as well. */
export function familyCpuMicroseconds(pid: number): number | null {
  const own = statOf(pid)
  if (own === null) return null
  const children = childrenOf(pid).reduce((sum, child) => sum + (cpuMicroseconds(child) ?? 0), 0)
  return ticks(own, 11, 4) * microsecondsPerTick + children
}

/** Files and sockets that a process holds open; null where there is no /proc. */
export function openFiles(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return null
  }
}

/** Resident memory of a process in MB (10⁶ bytes); null where there is no /proc. */
export function residentMegabytes(pid: number): number | null {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kibibytes === undefined ? null : (Number(kibibytes) * 1024) / 1e6
}
