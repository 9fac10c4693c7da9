import { PatchbayProblem, type FieldError, type FunctionCheck } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import type { Finding } from './editor/findings.ts'

export interface Checked {
  readonly findings: readonly Finding[]
  readonly signature: FunctionCheck['signature']
}

/** What the server says of a source; null when it could not be asked: nothing is wrong with the script then, as far as anybody knows. */
export async function checkedSource(source: string, namespace: string): Promise<Checked | null> {
  try {
    const { errors, warnings, signature } = await patchbay.functions.check(source, /^[a-z]\w*$/i.test(namespace) ? { namespace } : {})
    return {
      findings: [
        ...errors.map(one => ({ ...one, severity: 'error' as const })),
        ...warnings.map(one => ({ ...one, severity: 'warning' as const })),
      ],
      signature,
    }
  } catch {
    return null
  }
}

const isPlaced = (one: FieldError): boolean => one.line !== undefined

/** The errors of a refused save, each at its place; empty for any other refusal. */
export const refusedFindings = (error: unknown): readonly Finding[] =>
  error instanceof PatchbayProblem && error.code === 'script_invalid'
    ? error.errors.filter(isPlaced).map(({ line = 1, column = 1, end_line = line, end_column = column, message, suggestion = null }) => ({
        severity: 'error',
        line,
        column,
        end_line,
        end_column,
        message,
        suggestion,
      }))
    : []
