import { PatchbayProblem } from '../../../sdk/index.ts'

/** A script of the reader's device. */
export interface Script {
  /** Below the folder that was chosen. */
  readonly path: string
  readonly source: string
}

const endings = /\.(dg|deluge|ds|txt)$/i
const mostBytes = 4_000_000

/** The scripts among some files; the others by their paths. @throws PatchbayProblem for a file that cannot be read any more */
export async function readScripts(files: readonly File[]): Promise<{ scripts: readonly Script[]; leftOut: readonly string[] }> {
  const scripts: Script[] = []
  const leftOut: string[] = []
  for (const file of files) {
    const path = file.webkitRelativePath || file.name
    if (!endings.test(path) || file.size > mostBytes) {
      if (!/(^|\/)\./.test(path)) leftOut.push(path)
      continue
    }
    const bytes = await file.arrayBuffer().catch(() => {
      throw new PatchbayProblem({
        code: 'validation_failed',
        status: 422,
        detail: `${path} could not be read: it was moved, changed or deleted after it was chosen. Choose it again.`,
      })
    })
    scripts.push({ path, source: new TextDecoder().decode(bytes) })
  }
  return { scripts, leftOut }
}
