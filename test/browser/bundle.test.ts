import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { builtConsole } from '../support/console-build.ts'
import { setUpTimeoutMs } from '../support/databases.ts'

/** Of scripts, compressed: what a first visit to the list of connections waits for. */
const mostBytes = 220 * 1024

interface Chunk {
  readonly file: string
  readonly imports?: readonly string[]
}

describe('what a browser loads first', () => {
  let directory = ''
  let manifest: Readonly<Record<string, Chunk>> = {}
  beforeAll(async () => {
    directory = await builtConsole()
    manifest = JSON.parse(readFileSync(join(directory, '.vite', 'manifest.json'), 'utf8')) as typeof manifest
  }, setUpTimeoutMs)

  /** The chunk and everything it imports before it runs. */
  const withImports = (key: string, seen = new Set<string>()): Set<string> => {
    const chunk = manifest[key]
    if (!chunk) throw new Error(`the build has no ${key}`)
    if (seen.has(key)) return seen
    seen.add(key)
    for (const imported of chunk.imports ?? []) withImports(imported, seen)
    return seen
  }
  const files = () => {
    const preloaded = [...readFileSync(join(directory, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/console\/([^"]+\.js)"/g)]
    const keys = new Set([...withImports('index.html'), ...withImports('pages/connections/connections.tsx')])
    return new Set([...preloaded.map(([, file]) => file ?? ''), ...[...keys].map(key => manifest[key]?.file ?? '')])
  }
  const compressedBytes = (file: string) => gzipSync(readFileSync(join(directory, file)), { level: 9 }).length

  it(`is at most ${mostBytes / 1024} KiB of scripts`, () => {
    const sizes = [...files()].map(file => [file, compressedBytes(file)] as const)
    const sum = sizes.reduce((total, [, bytes]) => total + bytes, 0)
    process.stdout.write(`scripts loaded first: ${(sum / 1024).toFixed(1)} KiB compressed, of ${mostBytes / 1024}\n`)
    expect(sum, sizes.map(([file, bytes]) => `${file} ${bytes}`).join('\n')).toBeLessThanOrEqual(mostBytes)
  })

  it('is there in compressed form, so that nothing is compressed for each visitor', () => {
    for (const file of files())
      if (readFileSync(join(directory, file)).length >= 1024) expect(existsSync(join(directory, `${file}.br`)), file).toBe(true)
  })

  it('needs nothing from anywhere else', () => {
    const page = readFileSync(join(directory, 'index.html'), 'utf8')
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })
})
