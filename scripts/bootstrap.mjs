// What `npm start`, `npm test`, `npm run quickstart`, `npm run bench` and `npm run check` run: on a fresh clone it installs and
// builds first. Node's own modules only, since nothing is installed yet when it starts.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestNode = [20, 19]
const serverEntry = 'dist/main.js'

const say = line => process.stderr.write(`${line}\n`)

/** An end that the person can do something about: one sentence, no stack. */
const stop = sentence => {
  say(sentence)
  process.exit(1)
}

/** Runs a program to its end and gives its exit code; with `quiet` its output is kept, and shown only when it fails. */
const run = (program, args, { quiet = false, env = process.env } = {}) =>
  new Promise(resolve => {
    const child = spawn(program, args, { cwd: root, env, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += chunk))
    // A terminal sends Ctrl-C to the child as well; only what reaches this process alone is passed on.
    const forward = signal => void child.kill(signal)
    const ignore = () => {}
    process.on('SIGTERM', forward)
    process.on('SIGINT', process.stdin.isTTY ? ignore : forward)
    child.on('error', error => {
      say(`${program} could not be started: ${error.message}`)
      resolve(127)
    })
    child.on('close', (code, signal) => {
      process.off('SIGTERM', forward)
      process.off('SIGINT', ignore)
      process.off('SIGINT', forward)
      const failed = code ?? (signal === 'SIGINT' ? 130 : 143)
      if (quiet && failed !== 0) say(output.trim())
      resolve(failed)
    })
  })

const node = (args, options) => run(process.execPath, args, options)

const packageProgram = (name, program) => {
  const { bin } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return join(root, 'node_modules', name, typeof bin === 'string' ? bin : bin[program])
}

const checkNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return
  stop(
    `Patchbay needs Node.js ${oldestNode.join('.')} or newer, this is ${process.versions.node}. Install a current one from https://nodejs.org.`,
  )
}

const installStamp = join(root, 'node_modules', '.patchbay-installed')

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

const isInstalled = () => {
  if (existsSync(installStamp)) return readFileSync(installStamp, 'utf8') === lockHash()
  // Installed by hand: npm notes when.
  const note = join(root, 'node_modules', '.package-lock.json')
  return existsSync(note) && statSync(note).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
}

/** The compiler is a development dependency, so those are wanted even where NODE_ENV says production. */
const install = async () => {
  if (isInstalled()) return
  say('Installing dependencies, once; this takes about a minute …')
  const started = Date.now()
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const code = npm?.endsWith('.js') ? await node([npm, ...args], { quiet: true }) : await run('npm', args, { quiet: true })
  if (code !== 0)
    stop('The dependencies could not be installed: npm said why above. Check the network or the registry, then run this again.')
  writeFileSync(installStamp, lockHash())
  say(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`)
}

const buildIfNeeded = async () => {
  const { build, isBuilt } = await import('./build.mjs')
  if (isBuilt()) return
  say('Building …')
  try {
    build()
  } catch (error) {
    stop(error.message)
  }
}

/** In this process, so that signals and the exit code are the program's own. */
const become = async (entry, args) => {
  const path = join(root, entry)
  if (!existsSync(path)) stop(`${entry} was not built: its source is missing.`)
  process.argv.splice(1, process.argv.length, path, ...args)
  await import(pathToFileURL(path).href)
}

const searchPath = () => (process.env.PATH ?? '').split(delimiter)

/** Whether one of the folders holds every one of the programs. */
const hasPrograms = (folders, programs) =>
  folders.some(folder => {
    try {
      for (const program of programs) accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const hasPostgres = () => {
  const installed = '/usr/lib/postgresql'
  const versions = existsSync(installed) ? readdirSync(installed).map(version => join(installed, version, 'bin')) : []
  return hasPrograms([...searchPath(), ...versions], ['initdb', 'postgres'])
}

const hasPgBouncer = () => hasPrograms([...searchPath(), '/usr/sbin', '/usr/local/sbin'], ['pgbouncer'])

const hasChromium = () => ['chromium', 'chromium-browser', 'google-chrome'].some(program => hasPrograms(searchPath(), [program]))

/** Network namespaces are Linux's: elsewhere the tests that need one say so and fail, and the others run. */
const canMakeNamespaces = () =>
  process.platform !== 'linux' ||
  (hasPrograms([...searchPath(), '/sbin', '/usr/sbin'], ['ip']) && hasPrograms(searchPath(), ['unshare', 'nsenter']))

/** A library, not a program: Debian keeps it in a folder of the machine's architecture. As above, Linux's. */
const canSetClocks = () =>
  process.platform !== 'linux' ||
  ['/usr/lib', '/usr/lib64', ...readdirSync('/usr/lib').map(name => join('/usr/lib', name))].some(folder =>
    existsSync(join(folder, 'faketime/libfaketime.so.1')),
  )

/** What the tests start by themselves: a database server, a browser, and networks of their own. */
const testPrograms = [
  {
    present: hasPostgres,
    package: 'postgresql',
    missing:
      'The tests need PostgreSQL 15 or newer: install it ("apt-get install postgresql", "brew install postgresql"); it needs no set-up.',
  },
  {
    present: hasPgBouncer,
    package: 'pgbouncer',
    missing: 'The tests need PgBouncer: install it ("apt-get install pgbouncer", "brew install pgbouncer"); it needs no set-up.',
  },
  {
    present: hasChromium,
    package: 'chromium',
    missing: 'The tests need Chromium or Chrome on the PATH: install it ("apt-get install chromium", "brew install chromium").',
  },
  {
    present: canMakeNamespaces,
    package: 'iproute2',
    missing: 'The tests need "ip", "unshare" and "nsenter": install them ("apt-get install iproute2 util-linux").',
  },
  {
    present: canSetClocks,
    package: 'libfaketime',
    missing: 'The tests need libfaketime, which gives a process another clock: install it ("apt-get install libfaketime").',
  },
]

/** With CI set what is missing is installed from Debian; nobody's own machine is touched. */
const provideTestPrograms = async () => {
  const missing = testPrograms.filter(program => !program.present())
  if (missing.length === 0) return
  if (process.env.CI) {
    const packages = missing.map(program => program.package)
    say(`Installing ${packages.join(' and ')} for the tests …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
    if ((await run('apt-get', ['update', '-qq'], { quiet: true, env })) === 0) await run('apt-get', install, { quiet: true, env })
  }
  const still = missing.find(program => !program.present())
  if (still) stop(still.missing)
}

const vitest = args => node([packageProgram('vitest', 'vitest'), 'run', ...args])

const check = async () => {
  const steps = {
    types: () => node([packageProgram('typescript', 'tsc'), '-p', 'tsconfig.json', '--noEmit']),
    'the types of the console': () => node([packageProgram('typescript', 'tsc'), '-p', 'web/tsconfig.json', '--noEmit']),
    lint: () => node([packageProgram('eslint', 'eslint'), '.']),
    format: () => node([packageProgram('prettier', 'prettier'), '--check', '--log-level=warn', '.']),
    'the house test': () => vitest(['test/house.test.ts']),
    'generated files': () => node(['--import', 'tsx', 'scripts/gen.ts', '--check']),
  }
  const failed = []
  for (const [name, step] of Object.entries(steps)) {
    say(`Checking ${name} …`)
    if ((await step()) !== 0) failed.push(name)
  }
  say(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`)
  return failed.length === 0 ? 0 : 1
}

const commands = {
  async start(args) {
    await buildIfNeeded()
    await become(serverEntry, args)
  },
  async quickstart(args) {
    await buildIfNeeded()
    process.exitCode = await node(['--import', 'tsx', 'scripts/quickstart.ts', ...args])
  },
  async test(args) {
    await provideTestPrograms()
    await buildIfNeeded()
    process.exitCode = await vitest(args)
  },
  async bench(args) {
    process.exitCode = await node(['--import', 'tsx', 'bench/run.ts', ...args])
  },
  async check() {
    process.exitCode = await check()
  },
}

const [name, ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined
if (!command) stop(`Say what to do: ${Object.keys(commands).join(', ')}.`)
checkNode()
await install()
await command(args)
