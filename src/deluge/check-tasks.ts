import type { Attribute, Expression, TaskCall } from './ast.ts'
import { type Bindings, isBound } from './bindings.ts'
import type { Reports } from './check-calls.ts'
import { didYouMean } from './nearest.ts'
import type { AttributeType } from './tasks/define.ts'
import { tasks } from './tasks/index.ts'

/** Says what is wrong with a task's name and attributes; gives the values that are expressions like any other. */
export function checkTask(call: TaskCall, bindings: Bindings, to: Reports): readonly Expression[] {
  const name = { start: call.start, end: call.start + call.name.length }
  const lower = call.name.toLowerCase()
  const task = Object.hasOwn(tasks, lower) ? tasks[lower] : undefined
  if (task === undefined) {
    if (otherTasks.has(lower)) to.unavailable(call.name, name)
    else to.error(name, `Not able to find '${call.name}' task`, didYouMean(call.name, Object.keys(tasks)))
    return []
  }
  const seen = new Set<string>()
  const values: Expression[] = []
  for (const attribute of call.attributes) {
    const key = attribute.name.toLowerCase()
    const span = { start: attribute.start, end: attribute.start + attribute.name.length }
    const type = Object.hasOwn(task.attributes, key) ? task.attributes[key] : undefined
    if (type === undefined) {
      const suggestion = didYouMean(attribute.name, Object.keys(task.attributes)) ?? `It has: ${Object.keys(task.attributes).join(', ')}.`
      to.error(span, `${call.name} has no attribute '${attribute.name}'`, suggestion)
    } else if (seen.has(key)) to.error(span, `'${attribute.name}' is given twice`, 'Take one away.')
    seen.add(key)
    const word = type === undefined ? attribute.value.kind === 'variable' : isWord(attribute, type, bindings, to)
    if (!word) values.push(attribute.value)
  }
  for (const [key, type] of Object.entries(task.attributes)) {
    if (type.required === true && !seen.has(key)) to.error(name, `${call.name} needs the attribute '${key}'`, `Write: ${key}: …`)
  }
  return values
}

/** Tasks that only other hosts have (§2.5). */
const otherTasks = new Set(['zoho.sdp.invokeurl', 'ftp', 'sftp', 'sendsms', 'pushnotification'])

/** Whether a value is a bare word that stands for itself: `type: GET`, `connection: mailchimp` (CON-6). */
function isWord({ name, value }: Attribute, type: AttributeType, bindings: Bindings, to: Reports): boolean {
  if (type.type === 'name') return value.kind === 'variable' && !isBound(bindings, value.name)
  if (type.type !== 'constant') return false
  const word = value.kind === 'text' || value.kind === 'quoted' ? value.value : value.kind === 'variable' ? value.name : null
  if (word === null || (value.kind === 'variable' && isBound(bindings, word))) return false
  const words = type.words ?? []
  if (words.length > 0 && !words.some(one => one.toLowerCase() === word.toLowerCase())) {
    to.error(value, `'${name}' cannot be ${word.slice(0, 40)}`, didYouMean(word, words) ?? `It is one of ${words.join(', ')}.`)
  }
  return true
}
