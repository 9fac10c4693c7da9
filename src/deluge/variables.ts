import type { Context, ResultType } from './builtins/define.ts'
import { nowAt, todayAt } from './calendar.ts'
import type { Value } from './value.ts'

/** A name that a script may read and not assign (§3.6). */
export interface SystemVariable {
  /** As it is documented; names are matched in any case (LEX-4). */
  readonly name: string
  readonly gives: ResultType
  readonly doc: string
  readonly read: (context: Context) => Value
}

const startOfToday = ({ chance, surroundings }: Context): Value => todayAt(surroundings, chance.now())
const now = ({ chance }: Context): Value => nowAt(chance.now())
const loginName = ({ surroundings }: Context): Value => surroundings.loginUser?.name ?? null

const rows: readonly SystemVariable[] = [
  { name: 'zoho.currentdate', gives: 'date', doc: 'The date of today.', read: startOfToday },
  { name: 'zoho.currenttime', gives: 'date', doc: 'The date and time of now.', read: now },
  { name: 'today', gives: 'date', doc: 'The date of today.', read: startOfToday },
  { name: 'now', gives: 'date', doc: 'The date and time of now.', read: now },
  {
    name: 'zoho.loginuser',
    gives: 'text',
    doc: 'The name of the person running the function; null when nobody is: a schedule, a public call.',
    read: loginName,
  },
  { name: 'zoho.loginuser.name', gives: 'text', doc: 'The name of the person running the function, or null.', read: loginName },
  {
    name: 'zoho.loginuserid',
    gives: 'text',
    doc: 'The e-mail address of the person running the function, or null.',
    read: ({ surroundings }) => surroundings.loginUser?.email ?? null,
  },
  {
    name: 'zoho.adminuser',
    gives: 'text',
    doc: 'The name of the administrator: the one of the settings of functions, else the first.',
    read: ({ surroundings }) => surroundings.adminUser?.name ?? null,
  },
  {
    name: 'zoho.adminuserid',
    gives: 'text',
    doc: 'The e-mail address of the same administrator.',
    read: ({ surroundings }) => surroundings.adminUser?.email ?? null,
  },
  { name: 'zoho.appname', gives: 'text', doc: 'The name of the organisation.', read: ({ surroundings }) => surroundings.appName },
  { name: 'zoho.appuri', gives: 'text', doc: 'The address of this installation.', read: ({ surroundings }) => surroundings.appUri },
  {
    name: 'zoho.ipaddress',
    gives: 'text',
    doc: 'The IP address that the call came from, or null.',
    read: ({ surroundings }) => surroundings.ipAddress,
  },
  // Nothing here runs on a telephone: functions run on the server, whoever started them.
  { name: 'zoho.device.type', gives: 'text', doc: 'The kind of device: always "web".', read: () => 'web' },
]

/** By lower-case name. A variable of the script with the same name comes first: `now` and `today` are common names. */
export const systemVariables: ReadonlyMap<string, SystemVariable> = new Map(rows.map(row => [row.name, row]))

/** Paths whose last step is the name of a variable of the function or the organisation, as `zoho.crm.getOrgVariable` reads it. */
export const variablePrefixes: readonly string[] = ['zoho.appvariable.', 'thisapp.variables.']

/**
 * What finance, chat and form hosts hand to a script that has no header: the record it was started for, the organisation, the message. A
 * script that names one is not misspelt; it wants an argument.
 */
export const handedIn: ReadonlySet<string> = new Set(
  [
    'organization user contact vendor invoice estimate quote salesorder purchaseorder bill creditnote vendor_credit customer_payment',
    'vendor_payment retainerinvoice recurring_invoice expense item project timesheet journal package shipmentorder transferorder',
    'inventoryadjustment subscription customer arguments chat message mentions attachments selections options form target location',
    'environment body headers params event access channel operation session visitor ticket',
  ]
    .join(' ')
    .split(' '),
)
