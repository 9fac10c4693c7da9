import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { defences } from '../attacks/defences/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(posix.join(root, file), 'utf8')

describe('the table of defences', () => {
  it('has a mutant for each, and says what is done', () => {
    expect(defences.filter(one => one.mutants.length === 0 || one.defence.length === 0).map(one => one.id)).toEqual([])
  })

  it('has each id, and each mutant, once', () => {
    const ids = defences.map(one => one.id)
    const edits = defences.flatMap(one =>
      one.mutants.map(({ file, find, replace, test, name }) => [file, find, replace, test, name].join('\n')),
    )
    for (const list of [ids, edits]) expect(list.filter((one, i) => list.indexOf(one) !== i)).toEqual([])
  })

  it('names text that its files hold exactly once, and says something else in its place', () => {
    const wrong = defences
      .flatMap(one =>
        one.mutants.flatMap(mutant => [mutant, ...(mutant.also ?? [])].map(edit => ({ id: one.id, what: mutant.what, ...edit }))),
      )
      .filter(({ file, find, replace }) => !existsSync(posix.join(root, file)) || read(file).split(find).length !== 2 || find === replace)
    expect(wrong.map(({ id, what, file, find }) => `${id} ${what}: ${file} ${find}`)).toEqual([])
  })

  it('names tests that there are', () => {
    const wrong = defences
      .flatMap(one => one.mutants.map(mutant => ({ id: one.id, ...mutant })))
      .filter(
        ({ test, name }) =>
          name === '' ||
          /%[a-z]|\$[a-z]/i.test(name) ||
          !/\.test\.ts$/.test(test) ||
          !existsSync(posix.join(root, test)) ||
          !read(test).includes(name),
      )
    expect(wrong.map(({ id, what, test, name }) => `${id} ${what}: ${test} ${name}`)).toEqual([])
  })
})
