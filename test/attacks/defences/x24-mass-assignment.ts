import type { Attack } from '../attack.ts'

const matrix = 'test/attacks/operations.test.ts'
const fields = 'no body sets what is not its caller’s to set: each field that an operation does not have is named'
const operator = 'works for its own administrator, and what is the operator’s does not: the same requests with the names of the own things'

export const x24: Attack = {
  id: 'X24',
  attack: 'A request carries fields that are not the caller’s to set, or paths that are not theirs to write.',
  defence: [
    'Every body is a strict schema: a field that it does not have is refused by its name, and nothing of the request is done. A service definition is judged as strictly, by its own schema.',
    '`__proto__` as a key is no JSON to us.',
    'Files, addresses, keys and trusted proxies are settings of the environment, which no operation changes. What concerns the whole instance is for the operator: an administrator of another organisation is refused.',
    'A matrix made from the OpenAPI document sends every column of every table to each operation that takes a body.',
  ],
  mutants: [
    {
      what: 'a role is given with anything beside it',
      file: 'src/http/routes/members.ts',
      find: 'body: z.strictObject({ role }),',
      replace: 'body: z.object({ role }),',
      test: matrix,
      name: fields,
    },
    {
      what: 'a connection is edited with anything beside it',
      file: 'src/http/routes/connections.ts',
      find: 'body: z.strictObject({ name: displayName.optional(),',
      replace: 'body: z.object({ name: displayName.optional(),',
      test: matrix,
      name: fields,
    },
    {
      what: 'a definition has any field',
      file: 'src/core/service.ts',
      find: 'const apiKey = z.strictObject({',
      replace: 'const apiKey = z.object({',
      test: matrix,
      name: fields,
    },
    {
      what: 'every administrator is the operator',
      file: 'src/http/operator.ts',
      find: ' || (await operatorsOrganization(broker)) !== principal.organizationId',
      replace: '',
      test: matrix,
      name: operator,
    },
    {
      what: 'invitations outlive the right of who made them',
      file: 'src/people/members.ts',
      find: "const withdrawn = role === 'administrator' ? [] : await withdrawInvitationsBy(people, organizationId, userId)",
      replace: 'const withdrawn: Withdrawn[] = []',
      test: 'test/stories/people.test.ts',
      name: 'invitations end with the right of who made them',
    },
  ],
}
