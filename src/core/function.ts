import { z } from 'zod'

/** Functions as the wire and the database know them. The language itself is `deluge/`. */

/** As the language writes names; compared without case. */
export const functionName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,99}$/, 'A function name starts with a letter; then letters, digits or _; 100 characters at most.')

/** The categories of the original (§4.1), and any other word: scripts of other hosts bring their own. */
export const functionNamespace = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,49}$/, 'A namespace starts with a letter; then letters, digits or _; 50 characters at most.')
  .refine(
    name => !['variables', 'runs', 'settings', 'schedules', 'check', 'plan', 'key'].includes(name.toLowerCase()),
    'This word stands for something else in the API. Choose another one.',
  )

export const categories = ['standalone', 'automation', 'button', 'schedule', 'related_list', 'validation_rule', 'signals'] as const

export interface FunctionSignature {
  readonly namespace: string
  readonly name: string
  readonly returns: string
  readonly parameters: readonly { readonly name: string; readonly type: string | null }[]
}

/** What the source names, as the last check of it said. */
export interface FunctionUses {
  readonly connections: readonly string[]
  readonly functions: readonly string[]
}

/** Where an argument of an exposed function comes from; without one it is the query or form parameter of its name (FN-5). */
export const argumentSource = z.union([
  z.strictObject({ fixed: z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]) }),
  z.strictObject({ query: z.string().min(1).max(200) }),
  z.strictObject({ header: z.string().min(1).max(200) }),
  z.strictObject({ json: z.string().min(1).max(500) }),
])
export type ArgumentSource = z.infer<typeof argumentSource>

/** Argument → where it comes from. */
export const argumentMapping = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), argumentSource)
  .refine(map => Object.keys(map).length <= 100, 'A function has 100 arguments at most.')
export type ArgumentMapping = z.infer<typeof argumentMapping>

/** By which way a run was asked for. */
export type FunctionDoor = 'editor' | 'api' | 'schedule' | 'public'

/** `missed`: nothing ran at its time. `interrupted`: the process that ran it was killed. */
export const runStatuses = ['running', 'success', 'failure', 'interrupted', 'missed'] as const
export type RunStatus = (typeof runStatuses)[number]

export const variableTypes = ['text', 'number', 'decimal', 'boolean', 'date', 'map', 'list'] as const
export type VariableType = (typeof variableTypes)[number]
