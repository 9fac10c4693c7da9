import type { Builtins } from './define.ts'
import { changing } from './text-change.ts'
import { converting } from './text-convert.ts'
import { searching } from './text-search.ts'

/** The built-ins of TEXT (§3.9). What reads XML stands in `xml.ts`, what encodes for URLs and hashes in `encoding.ts`. */
export const text: Builtins = { ...searching, ...changing, ...converting }
