import { builtin, type Builtins } from '../builtins/define.ts'

/** What a script keeps from one run to the next (F-5); it is read by `zoho.crm.getOrgVariable`, a task of the integrations. */
export const storedVariables: Builtins = {
  'zoho.crm.setOrgVariable': builtin({
    doc: 'Stores a value in a variable that exists, converted to its type. Fails when there is none, or the value is not of its type.',
    takes: ['text', 'any'],
    gives: 'boolean',
    parameters: ['name', 'value'],
    examples: {},
    run(context, name, value) {
      context.host.setVariable(name, value, context.from)
      return true
    },
  }),
}
