import type { Context } from '../../builtins/define.ts'
import type { Value } from '../../value.ts'
import { cliq } from './cliq.ts'
import { getOrgVariable, invokeConnector } from './connectors.ts'
import { creator, creator21 } from './creator.ts'
import { bigin, crm } from './crm.ts'
import type { Product } from './define.ts'
import { desk } from './desk.ts'
import { billing, books, inventory, invoice } from './finance.ts'
import { mail } from './mail.ts'
import { people } from './people.ts'
import { projects } from './projects.ts'
import { recruit } from './recruit.ts'
import { runIntegration } from './run.ts'
import { sheet } from './sheet.ts'
import { sign } from './sign.ts'
import { workdrive } from './workdrive.ts'
import { writer } from './writer.ts'

/** An integration task as calls find it. */
export interface IntegrationTask {
  /** As documented: "zoho.crm.getRecords". */
  readonly name: string
  readonly doc: string
  /** Names of the parameters, the connection last where there is one. */
  readonly parameters: readonly string[]
  /** Arguments at least and at most, the connection counted. */
  readonly least: number
  readonly most: number
  readonly run: (context: Context, values: readonly Value[]) => Value
}

/** A new product is a file and its name here. */
export const products: readonly Product[] = [
  crm,
  bigin,
  books,
  inventory,
  invoice,
  billing,
  creator,
  creator21,
  desk,
  projects,
  recruit,
  workdrive,
  cliq,
  mail,
  sign,
  writer,
  sheet,
  people,
]

/** Where scripts find the tasks of a product; the first is its name. */
export const namespacesOf = ({ namespace, formerly }: Product): readonly string[] =>
  formerly === undefined ? [namespace] : [namespace, formerly]

const rows: readonly IntegrationTask[] = [
  ...products.flatMap(product =>
    Object.entries(product.tasks).flatMap(([own, row]) =>
      namespacesOf(product).map((namespace): IntegrationTask => {
        const name = `${namespace}.${own}`
        const types = Object.values(row.takes)
        return {
          name,
          doc: row.doc,
          parameters: [...Object.keys(row.takes), 'connection'],
          least: types.filter(type => !type.endsWith('?')).length,
          most: types.length + 1,
          run: (context, values) => runIntegration(context, name, product, row, values),
        }
      }),
    ),
  ),
  {
    name: 'zoho.crm.getOrgVariable',
    doc: 'The value of a variable of the function or the organisation; null when there is none.',
    parameters: ['name'],
    least: 1,
    most: 1,
    run: getOrgVariable,
  },
  {
    name: 'zoho.crm.invokeConnector',
    doc: 'Calls a connector of the CRM: crm.set, crm.create, crm.update, crm.delete, crm.search, crm.getusers, crm.getorg, crm.modulesmeta.',
    parameters: ['connector', 'values'],
    least: 2,
    most: 2,
    run: invokeConnector,
  },
]

/** By lower-case dotted name (§3.10). */
export const integrationTasks: ReadonlyMap<string, IntegrationTask> = new Map(rows.map(row => [row.name.toLowerCase(), row]))
