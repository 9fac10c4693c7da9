import type { ListedFunction, Patchbay } from '../../../sdk/index.ts'
import { Failure } from '../failure.ts'
import { keyOf } from './folder.ts'
import { fingerprint, type Seen } from './seen.ts'

/** Saves that are looked through for one: enough for a folder that was not touched for long. */
const mostVersions = 300

/** How a file and the function that is live stand to each other. */
export type Standing =
  | 'same'
  | 'changed here'
  | 'changed there'
  | 'changed on both sides'
  /** They differ, and who changed what nobody remembers: this folder never had them in common. */
  | 'never seen'

export interface Compared {
  readonly standing: Standing
  /** Of the function that is live. */
  readonly revision: number
  /** Its source, where it had to be fetched. */
  readonly source: string | null
}

export async function functionsThere(patchbay: Patchbay): Promise<Map<string, ListedFunction>> {
  const found = new Map<string, ListedFunction>()
  for await (const one of patchbay.functions.list({ limit: 100 })) found.set(keyOf(one), one)
  return found
}

/** @throws Failure forbidden for members who write no functions */
export async function sourceThere(patchbay: Patchbay, { namespace, name }: ListedFunction): Promise<{ source: string; revision: number }> {
  const { source, revision } = await patchbay.functions.get(namespace, name)
  if (typeof source === 'string') return { source, revision }
  throw new Failure('forbidden', 'Only developers and administrators see the source of functions. Ask an administrator for that role.')
}

/** Asks for a source only where the memory of this folder does not answer. */
export async function compare(patchbay: Patchbay, here: string, live: ListedFunction, seen: Seen | undefined): Promise<Compared> {
  const mine = fingerprint(here)
  if (seen?.revision === live.revision)
    return { standing: seen.sha256 === mine ? 'same' : 'changed here', revision: live.revision, source: null }
  const there = await sourceThere(patchbay, live)
  return { ...there, standing: await standingOf(patchbay, live, mine, fingerprint(there.source), seen) }
}

async function standingOf(
  patchbay: Patchbay,
  live: ListedFunction,
  mine: string,
  theirs: string,
  seen: Seen | undefined,
): Promise<Standing> {
  if (mine === theirs) return 'same'
  if (seen?.sha256 === theirs) return 'changed here'
  if (seen !== undefined) return seen.sha256 === mine ? 'changed there' : 'changed on both sides'
  // a copy that nobody pushed or pulled yet; what was live once is no change that was made here
  return (await wasLive(patchbay, live, mine)) ? 'changed there' : 'never seen'
}

async function wasLive(patchbay: Patchbay, { namespace, name }: ListedFunction, sha256: string): Promise<boolean> {
  let left = mostVersions
  for await (const { source } of patchbay.functions.versions(namespace, name, { limit: 100 })) {
    if (fingerprint(source) === sha256) return true
    if (--left === 0) return false
  }
  return false
}
