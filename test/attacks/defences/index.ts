import type { Attack } from '../attack.ts'
import { clocks } from './clocks.ts'
import { files } from './files.ts'
import { keys } from './keys.ts'
import { many } from './many.ts'
import { refresh } from './refresh.ts'
import { running } from './running.ts'
import { statements } from './statements.ts'
import { x01 } from './x01-token-exfiltration.ts'
import { x02 } from './x02-redirects.ts'
import { x03 } from './x03-private-addresses.ts'
import { x04 } from './x04-service-edits.ts'
import { x05 } from './x05-confused-deputy.ts'
import { x06 } from './x06-session-fixation.ts'
import { x07 } from './x07-mix-up.ts'
import { x08 } from './x08-callback.ts'
import { x09 } from './x09-other-organisations.ts'
import { x10 } from './x10-secrets-in-sinks.ts'
import { x11 } from './x11-echo.ts'
import { x12 } from './x12-injection.ts'
import { x13 } from './x13-url-confusion.ts'
import { x15 } from './x15-bombs.ts'
import { x16 } from './x16-prototypes.ts'
import { x18 } from './x18-database-theft.ts'
import { x19 } from './x19-wrong-key.ts'
import { x22 } from './x22-stored-scripts.ts'
import { x23 } from './x23-forged-origin.ts'
import { x24 } from './x24-mass-assignment.ts'
import { x25 } from './x25-overload.ts'

/** Every attack and every fault that has a defence: docs/attacks.md is made of it, and `npm run prove` proves it. */
export const defences: readonly Attack[] = [
  x01,
  x02,
  x03,
  x04,
  x05,
  x06,
  x07,
  x08,
  x09,
  x10,
  x11,
  x12,
  x13,
  x15,
  x16,
  x18,
  x19,
  x22,
  x23,
  x24,
  x25,
  ...refresh,
  ...keys,
  ...many,
  ...running,
  ...clocks,
  ...files,
  ...statements,
]
