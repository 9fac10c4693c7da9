import { insteadOfBuiltin } from './builtins/unavailable.ts'

/*
 * What to do here instead of what only another host of the language can do (ST-10, ST-12). A construct is named as the findings name it:
 * `alert`, `insert into`, `fetching records of Orders`, `zoho.analytics.createRow`.
 */

const records = 'Call `zoho.creator.getRecords` over a connection, or an API with `invokeurl`.'
const shown = 'Return a text: whoever called the function shows it.'
const fields = 'There is no form: return what its fields shall hold.'
const api = 'Call its API with `invokeurl`.'

const exact: Readonly<Record<string, string>> = {
  'insert into': 'Call `zoho.creator.createRecord` over a connection, or an API with `invokeurl`.',
  'delete from': 'Call `zoho.creator.deleteRecord` over a connection, or an API with `invokeurl`.',
  'fetching records': records,
  'a loop over records': 'Loop over the list that `zoho.creator.getRecords` answers: for each record in answer.get("data") { … }.',
  update: 'Call `zoho.creator.updateRecord` over a connection, or an API with `invokeurl`.',
  alert: shown,
  openurl: 'Return the address: whoever called the function opens it.',
  redirect: 'Return the address; a public call sends one back in crmAPIResponse, with a status code and the header Location.',
  'cancel submit': 'Return a text or a map that says what is wrong: whoever called the function decides.',
  reload: shown,
  'the user interface of a field': fields,
  old: 'Hand in what the record held before as an argument.',
  ftp: 'Call a service that moves files with `invokeurl`.',
  sftp: 'Call a service that moves files with `invokeurl`.',
  sendsms: 'Call a service that sends messages with `invokeurl`.',
  pushnotification: insteadOfBuiltin('zoho.pushNotification') ?? api,
}

const formWords = /^(?:hide|show|enable|disable|clear|unhide|mandatory|cancel)\b/

/** A sentence for what a finding says is not available. */
export function insteadOf(construct: string): string {
  const name = construct.toLowerCase()
  if (Object.hasOwn(exact, name)) return exact[name] ?? api
  if (name.startsWith('fetching records of ')) return records
  if (name.startsWith('attaching a '))
    return 'Make the file in the script, or download it with `invokeurl`, and attach it as `file:variable`.'
  if (name.startsWith('thisapp')) return 'Call a function of Patchbay by its namespace and name; `thisapp.variables.x` reads a variable.'
  if (name.endsWith('() of records')) return 'Ask the list that a call gave: list.size(), or a loop over it.'
  // rows of a subform
  if (name.endsWith('()')) return 'Make a Map() for the row, and add it to a list.'
  if (formWords.test(name)) return fields
  return insteadOfBuiltin(construct) ?? api
}
