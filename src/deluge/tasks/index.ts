import type { Builtins } from '../builtins/define.ts'
import type { Tasks } from './define.ts'
import { webData } from './get-url.ts'
import { invokeApiTasks } from './invoke-api.ts'
import { invokeUrlTasks } from './invoke-url.ts'
import { sendMailTasks } from './send-mail.ts'
import { storedVariables } from './variables.ts'

/** Tasks with attributes in brackets, by lower-case name. A new one is a file and its line here. */
export const tasks: Tasks = { ...invokeUrlTasks, ...invokeApiTasks, ...sendMailTasks }

/** Calls to the outside that are written like functions: `getUrl(url)`. Integration tasks stand in integration/index.ts. */
export const taskFunctions: Builtins = { ...webData, ...storedVariables }
