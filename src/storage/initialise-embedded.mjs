// Creates an empty database directory (initdb) and exits. It runs in a process of its own because initdb inside WebAssembly
// takes 900 MB at its peak, which a long-running server would never give back. Plain JavaScript, so that Node runs it as it
// stands, from the sources and from dist alike.
import { PGlite } from '@electric-sql/pglite'

process.on('disconnect', () => process.exit(1))

/** Emscripten's own errors have a number and no message; the first of them is what happens here. */
const systemErrors = { 51: 'No space left on device', 19: 'Quota exceeded', 29: 'I/O error' }

try {
  const database = await PGlite.create(process.argv[2])
  await database.close()
  process.exit(0)
} catch (error) {
  process.stderr.write(error.message || (systemErrors[error.errno] ?? `error ${error.errno}`))
  process.exit(1)
}
