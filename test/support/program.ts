import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const { isBuilt } = (await import(new URL('../../scripts/build.mjs', import.meta.url).href)) as { isBuilt: () => boolean }

/** Whether dist/ is what the sources are now: `npm test` builds first, and that starts in a third of the time. */
export const built = isBuilt()

/** What Node is given to run one of our programs as it is now, from whatever folder. */
export const programArguments = (program: 'main' | 'patchbay'): readonly string[] =>
  built
    ? [join(root, 'dist', program === 'main' ? 'main.js' : 'cli/patchbay.js')]
    : ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), join(root, 'src', `${program}.ts`)]
