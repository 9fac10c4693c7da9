import { coerce, partsOf } from './coerce.ts'
import { Failure } from './failure.ts'
import { containerInJson } from './json.ts'
import type { Run } from './program.ts'
import { fileText, isTextFile } from './text.ts'
import { kindNames, kindOf, keysOf, type Value } from './value.ts'

/** The lines of a text file, without the empty one behind the last line break. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/**
 * What `for each` goes through (ST-3): the elements of a list or collection, the keys of a map, the parts of a comma-separated text or
 * the elements of a JSON one, the lines of a CSV file. They are those of when the loop began: a list that the loop changes ends it no
 * later. Throws "Null value occurred" and for what has no elements.
 */
export function elementsOf(run: Run, value: Value): readonly Value[] {
  const { meter } = run
  if (typeof value === 'string') {
    const read = containerInJson(value, meter)
    return read === null ? partsOf(run.context, value) : elementsOf(run, read)
  }
  if (value === null) throw new Failure('Null value occurred')
  if (typeof value === 'object') {
    switch (value.kind) {
      case 'list':
        meter.made(value.items.length * 8)
        return value.items.slice()
      case 'map':
        meter.made(value.entries.size * 8)
        return keysOf(value)
      case 'collection':
        return value.content.kind === 'list' ? value.content.items.slice() : [...value.content.entries.values()]
      case 'file':
        if (isTextFile(value)) {
          const text = coerce(run.context, value, 'text') as string
          meter.made(text.length * 2)
          return linesOf(fileText(value))
        }
        break
      default:
    }
  }
  throw new Failure(`${kindNames[kindOf(value)]} can not be cast to 'LIST'`)
}
