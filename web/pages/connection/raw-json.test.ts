import { expect, test } from 'vitest'
import { itemTexts, memberTexts, prettyJson } from './raw-json.ts'

test('numbers and strings stay as they were written', () => {
  const text = '{"id":9007199254740993001,"rate":1.10,"big":1e400,"words":"a \\"{[,:]}\\" \\u00e9","none":null}'
  const pretty = prettyJson(text) ?? ''
  expect(pretty).toBe(
    '{\n  "id": 9007199254740993001,\n  "rate": 1.10,\n  "big": 1e400,\n  "words": "a \\"{[,:]}\\" \\u00e9",\n  "none": null\n}',
  )
  expect(pretty.replace(/\n {2}|\n|(?<=":) /g, '')).toBe(text)
})

test('one member a line, whatever the layout was, and nothing for what is empty', () => {
  const value = { a: [1, [2, { b: [] }]], c: {}, d: 'x' }
  for (const text of [JSON.stringify(value), JSON.stringify(value, null, 7), JSON.stringify(value, null, '\t').replaceAll('[]', '[ \n ]')])
    expect(prettyJson(text)).toBe(JSON.stringify(value, null, 2))
  expect(prettyJson('{}')).toBe('{}')
  expect(prettyJson(' 12345678901234567890 ')).toBe('12345678901234567890')
})

test('what is not JSON is left to be shown as text', () => {
  for (const text of ['', '<html>', '{"a":1', '{a:1}', '[1,]']) expect(prettyJson(text)).toBeNull()
})

test('members are taken out of a document as text', () => {
  const members = memberTexts(
    '{"status_code":200,"headers":{"x":"}\\",{"},"body": [ 1234567890123456789, {"body":"no"} ] ,"duration_ms":7}',
  )
  expect([...members]).toEqual([
    ['status_code', '200'],
    ['headers', '{"x":"}\\",{"}'],
    ['body', '[ 1234567890123456789, {"body":"no"} ]'],
    ['duration_ms', '7'],
  ])
  expect(memberTexts('{}').size).toBe(0)
})

test('items are taken out of a list as text', () => {
  expect(itemTexts('[{"a":[1,2],"b":"],["}, 1234567890123456789 ,[[],[3]], "x,\\"y]" ]')).toEqual([
    '{"a":[1,2],"b":"],["}',
    '1234567890123456789',
    '[[],[3]]',
    '"x,\\"y]"',
  ])
  for (const empty of ['[]', ' [ ] ']) expect(itemTexts(empty)).toEqual([])
})
