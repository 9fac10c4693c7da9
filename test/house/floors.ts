import { posix } from 'node:path'
import { at, isProduct, parse, specifiersOf, type Rule } from './source.ts'

/** A room may import itself and rooms on lower floors. Rooms on one floor never see each other. */
export const floors: readonly (readonly string[])[] = [
  ['core', 'deluge'],
  ['auth', 'catalogue', 'vault', 'egress', 'storage', 'people', 'jobs', 'telemetry', 'sandbox'],
  ['broker'],
  ['http', 'cli', 'practice'],
]

/** They stand outside the rooms and nothing inside knows them. Config may use what settings are made of. */
const assemblies = [
  'src/adopt.ts',
  'src/main.ts',
  'src/patchbay.ts',
  'src/quickstart.ts',
  'src/restore.ts',
  'src/start.ts',
  'src/workers.ts',
]
const config = 'src/config.ts'
const usedByConfig = (target: string) => target.startsWith('src/core/') || target === 'src/egress/addresses.ts'

const floorOf = (room: string): number => floors.findIndex(rooms => rooms.includes(room))

/** The first folder below src/; undefined for anything else. */
const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]

/** Why a file may not import another one of ours; undefined when it may. */
function objection(path: string, target: string): string | undefined {
  if (path.startsWith('sdk/')) return target.startsWith('sdk/') ? undefined : 'the SDK imports nothing but itself'
  if (path.startsWith('web/')) return /^(web|sdk)\//.test(target) ? undefined : 'the console knows nothing but the SDK'
  if (assemblies.includes(path)) return /^(src|sdk)\//.test(target) ? undefined : 'what is built imports src/ and sdk/ only'
  if (path === config) return usedByConfig(target) ? undefined : 'config.ts imports core and egress/addresses.ts only'

  const room = roomOf(path)
  if (room === undefined) return undefined // its place is wrong, which is said once for the file
  if (target.startsWith('sdk/')) return room === 'cli' ? undefined : 'only the CLI speaks through the SDK'
  const other = roomOf(target)
  if (other === undefined) return `nothing in a room imports ${target}`
  if (other === room) return undefined
  if (floorOf(other) < 0) return `${other} is no room: give it a floor in test/house/floors.ts`
  if (floorOf(other) === floorOf(room)) return `${room} and ${other} are on one floor and never see each other`
  return floorOf(other) < floorOf(room) ? undefined : `${room} may not import ${other}, which is a floor above`
}

function whyDisplaced(path: string): string | undefined {
  if (/^(sdk|web)\//.test(path) || assemblies.includes(path) || path === config) return undefined
  const room = roomOf(path)
  if (room === undefined) return 'a file belongs in a room: only what assembles the rooms stands outside'
  return floorOf(room) < 0 ? `${room} is no room: give it a floor in test/house/floors.ts` : undefined
}

/** Imports go down only, in whichever way they are written; types count too. */
export const importsGoDown: Rule = (path, source) => {
  if (!isProduct(path)) return []
  const file = parse(path, source)
  const displaced = whyDisplaced(path)

  const wrong = specifiersOf(file).flatMap(({ position, text, values }) => {
    if (text === undefined) return [at(file, position, 'a computed import cannot be checked')]
    if (text.startsWith('.')) {
      const target = posix.join(posix.dirname(path), text)
      const sentence = objection(path, target)
      return sentence === undefined ? [] : [at(file, position, `${sentence} (${text})`)]
    }
    if (/^(\/|file:|#|patchbay(\/|$))/.test(text)) return [at(file, position, `our own files are imported by relative path (${text})`)]
    if (path.startsWith('sdk/')) return [at(file, position, `the SDK has no dependencies (${text})`)]
    if (/^(node:)?module$/.test(text) && (values === 'everything' || values.includes('createRequire')))
      return [at(file, position, 'createRequire hides what is imported')]
    return []
  })
  return displaced === undefined ? wrong : [at(file, 0, displaced), ...wrong]
}
