import { emptyMap, listOf, mapOf, type Value } from '../../value.ts'
import { isList, isMap } from '../multipart.ts'
import type { ResultName } from './define.ts'

const under = (answer: Value, key: string): Value | undefined => (isMap(answer) ? answer.entries.get(key) : undefined)

/** The list under `data`, as the CRM and its siblings answer. */
const dataOf = (answer: Value): Value[] | null => {
  const data = under(answer, 'data')
  return data !== undefined && isList(data) ? data.items : null
}

const listIn = (items: Value[] | null): Value | null => (items === null ? null : listOf(items))
const firstOf = (answer: Value): Value => dataOf(answer)?.[0] ?? (answer === '' ? emptyMap() : answer)

/** What is under `result` of the `response` of Zoho People; undefined when it refused. */
function resultOf(answer: Value): Value | undefined {
  const response = under(answer, 'response')
  return response === undefined ? undefined : under(response, 'result')
}

/** What scripts get of an answer. An error of the service is the map it answered, whatever was asked for (URL-25). */
export const results: Readonly<Record<ResultName, (answer: Value) => Value>> = {
  raw: answer => (answer === '' ? emptyMap() : answer),
  file: answer => answer,
  /** The record itself; an empty map when there is none. */
  record: answer => {
    if (answer === '') return emptyMap()
    const data = dataOf(answer)
    return data === null ? answer : (data[0] ?? emptyMap())
  },
  /** The records; 204, and a search without a result, are an empty list. */
  list: answer => (answer === '' ? listOf([]) : (listIn(dataOf(answer)) ?? answer)),
  /** What was created or changed: its id and times; the map of the error otherwise. */
  created: answer => {
    const first = firstOf(answer)
    if (!isMap(first) || first.entries.get('status') !== 'success') return first
    const details = first.entries.get('details')
    return details !== undefined && isMap(details) ? details : first
  },
  /** What became of it, with what was created under `details`: `{"code":…,"details":{"id":…},"message":…,"status":…}`. */
  outcome: firstOf,
  /** `{"result":…}` without the response around it. */
  result: answer => {
    const result = resultOf(answer)
    return result === undefined ? results.raw(answer) : mapOf([['result', result]])
  },
  /** The first record of a result. */
  resultRecord: answer => {
    const result = resultOf(answer)
    const first = result !== undefined && isList(result) ? result.items[0] : undefined
    return first === undefined ? results.raw(answer) : first
  },
}
