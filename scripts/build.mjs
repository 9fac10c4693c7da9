// Compiles to dist/: dist/src and dist/sdk mirror the sources, dist/web is the console, dist/*.js are the entries that package.json names.
// Built beside dist and swapped in whole, so that a failed or interrupted build leaves the last good one in place.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stampFile = 'built-from'

/** What is built, and the compiled module each entry runs. An entry whose source does not exist is left out. */
const entries = {
  'main.js': 'src/main.js',
  'cli/patchbay.js': 'src/patchbay.js',
}

const isTest = path => /\.test\.[^/]+$/.test(path)

const filesBelow = folder => {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && !isTest(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

const sources = () => ['src', 'sdk'].flatMap(filesBelow)

/** A hash over everything that the build reads. */
const stampOfSources = () => {
  const hash = createHash('sha256')
  for (const path of [
    ...sources(),
    ...filesBelow('web'),
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
    'scripts/build.mjs',
  ]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** Whether dist/ was built from the sources as they are now. */
export const isBuilt = () => {
  const stamp = join(dist, stampFile)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOfSources()
}

const writeEntry = (target, entry, module) => {
  const depth = entry.split('/').length - 1
  const specifier = `${depth === 0 ? './' : '../'.repeat(depth)}${module}`
  const shebang = depth === 0 ? '' : '#!/usr/bin/env node\n'
  mkdirSync(dirname(join(target, entry)), { recursive: true })
  writeFileSync(join(target, entry), `${shebang}import '${specifier}'\n`)
  chmodSync(join(target, entry), 0o755)
}

/** The console's pages, by Vite. */
const bundleConsole = outDir => {
  const vite = join(dirname(createRequire(join(root, 'package.json')).resolve('vite/package.json')), 'bin/vite.js')
  const args = [vite, 'build', '--config', 'web/vite.config.ts', '--outDir', outDir, '--logLevel', 'warn']
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('The console does not build: see the messages above. dist/ was left as it was.', { cause: error })
}

/** Throws with a sentence when something does not compile; the compiler's own output is on the terminal by then. */
export const build = () => {
  const stamp = stampOfSources()
  // As deep as dist/, so that source maps point to the right place.
  const target = join(root, `dist-${process.pid}`)
  rmSync(target, { recursive: true, force: true })
  try {
    const compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc')
    const { status, error } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', target], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error('The sources do not compile: see the messages above. dist/ was left as it was.', { cause: error })
    for (const path of sources()) {
      if (path.endsWith('.ts')) continue
      mkdirSync(dirname(join(target, path)), { recursive: true })
      cpSync(join(root, path), join(target, path))
    }
    for (const [entry, module] of Object.entries(entries)) {
      if (existsSync(join(target, module))) writeEntry(target, entry, module)
    }
    bundleConsole(join(target, 'web'))
    if (!existsSync(join(target, 'main.js'))) throw new Error('The build has no src/main.js: is src/main.ts missing?')
    writeFileSync(join(target, stampFile), stamp)
    rmSync(dist, { recursive: true, force: true })
    renameSync(target, dist)
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
  return { files: readdirSync(dist, { recursive: true }).length }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { files } = build()
    process.stdout.write(`Built dist/ (${files} files).\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
