import { readFileSync } from 'node:fs'

/** Linux counts in ticks of 10 ms, whatever the kernel's own clock (proc(5), USER_HZ). */
const microsecondsPerTick = 10_000

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** CPU time of a process with all its threads, user and system, in microseconds; null where there is no /proc. */
export function cpuMicroseconds(pid: number): number | null {
  const text = read(`/proc/${pid}/stat`)
  if (text === null) return null
  // the second field is the program's name, which may hold blanks and brackets
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick
}

/** Resident memory of a process in MB (10⁶ bytes); null where there is no /proc. */
export function residentMegabytes(pid: number): number | null {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kibibytes === undefined ? null : (Number(kibibytes) * 1024) / 1e6
}
