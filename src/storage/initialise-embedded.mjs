// Creates an empty database directory (initdb) and exits. It runs in a process of its own because initdb inside WebAssembly
// takes 900 MB at its peak, which a long-running server would never give back. Plain JavaScript, so that Node runs it as it
// stands, from the sources and from dist alike.
import { PGlite } from '@electric-sql/pglite'

process.on('disconnect', () => process.exit(1))

const database = await PGlite.create(process.argv[2])
await database.close()
process.exit(0)
